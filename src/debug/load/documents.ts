import { realpathSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DebugProtocol as P } from '@vscode/debugprotocol';
import type { EventIndex } from '../../engine/ids.js';
import type { Requests } from '../../protocol.js';
import { count } from '../forms/numbers.js';
import { RequestError } from '../wire/errors.js';
import type { Client } from '../wire/client.js';
import type { Loader } from './loader.js';
import type { Recording } from './recording.js';
import { EventWindows, TextWindows, WINDOW, windowAt, type Windows } from './windows.js';

/** Language of the documents; the editor part contributes it. */
const MIME_TYPE = 'text/x-ftrace';

/** Bytes of a text file beyond which VS Code keeps the document from extensions: no hovers, no values in the lines, no links. */
export const LARGE_TEXT = 50 * 1024 * 1024;

/** What would end a line in an editor, but does not in a trace: the numbers of lines have to agree. */
const BREAKS = /[\r\n]/g;

export interface Place {
  readonly source: P.Source;
  /** in the client's numbering */
  readonly line: number;
}

/**
 * Which line of which document an event is on. A plain text trace is its own document. What an editor cannot show as it is, a
 * trace.dat, a compressed file or a text that is too long, is served in windows (windows.ts).
 */
export class Documents {
  private readonly realPath: string;
  /** undefined: the file itself is the document */
  private readonly windows: Windows | undefined;

  /** @param large bytes of a text file from which on it is served in windows */
  constructor(
    private readonly recording: Recording,
    private readonly loader: Loader,
    private readonly client: Client,
    large: number,
  ) {
    this.realPath = real(recording.path);
    if (!this.isText) this.windows = new EventWindows(recording);
    else if (loader.bytesTotal > large) this.windows = new TextWindows(recording);
  }

  /** An editor can open the file, however long that takes it. */
  private get isText(): boolean {
    const { compressed, format } = this.recording.table.info;
    return !compressed && format !== 'trace-dat';
  }

  /** The place of an event; in the file itself where `asked` is the file, though it has windows, too. */
  placeOf(e: EventIndex, asked?: P.Source): Place {
    const { windows, recording, client } = this;
    if (!windows || (asked && !asked.sourceReference)) return { source: this.file(), line: client.line(recording.table.line(e) ?? 1) };
    return { source: this.window(windowAt(e)), line: client.line(windows.lineOf(e)) };
  }

  /** Whether a document shows this recording. */
  shows(source: P.Source): boolean {
    if (source.sourceReference)
      return this.windows !== undefined && (source.name ?? source.path) === this.window(source.sourceReference - 1).name;
    return this.isText && source.path !== undefined && real(source.path) === this.realPath;
  }

  /** First event on the client's `line` of a document or after it; undefined when there is none so far. */
  eventFrom(source: P.Source, line: number): EventIndex | undefined {
    const ours = this.client.lineFrom(line);
    if (source.sourceReference) return this.windows?.eventAt(source.sourceReference - 1, ours);
    const e = this.recording.table.eventAtLine(ours);
    return e >= 0 && e < this.recording.end ? (e as EventIndex) : undefined;
  }

  /** The event that is exactly on the client's `line`. */
  eventOn(source: P.Source, line: number): EventIndex | undefined {
    const e = this.eventFrom(source, line);
    return e !== undefined && this.placeOf(e, source).line === line ? e : undefined;
  }

  /** From a line that counts from 1 to the client's. */
  clientLine(line: number): number {
    return this.client.line(line);
  }

  /** The document that an event is in. */
  windowOf(e: EventIndex): Requests['shadowMmu/window']['body'] {
    const { windows, recording } = this;
    const events = recording.end;
    if (!windows)
      return { sourceReference: 0, name: recording.name, line: recording.table.line(e) ?? 1, first: 0, last: events - 1, events };
    const window = windowAt(e);
    const last = Math.min((window + 1) * WINDOW, events) - 1;
    return { sourceReference: window + 1, name: this.window(window).name, line: windows.lineOf(e), first: window * WINDOW, last, events };
  }

  /** The first event of a window. @throws RequestError where there is none */
  firstOf(sourceReference: number): EventIndex {
    const first = (sourceReference - 1) * WINDOW;
    if (this.windows && Number.isSafeInteger(first) && first >= 0 && first < this.recording.end) return first as EventIndex;
    throw new RequestError(`There is no document ${sourceReference}: the trace has ${count(this.recording.end)} events so far.`);
  }

  /** Documents of the whole recording, as far as it is loaded. */
  all(): P.Source[] {
    if (!this.windows) return [this.file()];
    return Array.from({ length: Math.ceil(this.recording.end / WINDOW) }, (_, window) => this.window(window));
  }

  /** The text of a window, as soon as all of it is loaded: editors ask for it once. */
  async content(sourceReference: number): Promise<{ content: string; mimeType: string }> {
    const { windows, recording, loader } = this;
    const window = windowAt(this.firstOf(sourceReference));
    while (recording.end <= (window + 1) * WINDOW && !loader.complete) await loader.grown();
    const lines = await windows!.lines(window, !loader.cut);
    return { content: `${lines.map((line) => line.replace(BREAKS, '␤')).join('\n')}\n`, mimeType: MIME_TYPE };
  }

  close(): void {
    this.windows?.close();
  }

  private file(): P.Source {
    return { name: this.recording.name, path: this.recording.path };
  }

  private window(window: number): P.Source & { name: string } {
    const first = window * WINDOW;
    const range = `${count(first)}–${count(first + WINDOW - 1)}`;
    return {
      name: `${this.recording.name} events ${range}`,
      sourceReference: window + 1,
      origin: `read-only view of ${this.recording.path}`,
    };
  }
}

/** One spelling for every way to name a file. A name that leads nowhere stays as it is: it will simply not match. */
function real(name: string): string {
  const plain = name.startsWith('file:') ? fileURLToPath(name) : path.resolve(name);
  try {
    return realpathSync.native(plain);
  } catch {
    return plain;
  }
}
