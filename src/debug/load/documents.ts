import { realpathSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DebugProtocol as P } from '@vscode/debugprotocol';
import type { EventIndex } from '../../engine/ids.js';
import { count } from '../forms/numbers.js';
import { RequestError } from '../wire/errors.js';
import type { Client } from '../wire/client.js';
import type { Recording } from './recording.js';

/** Events in one read-only document: what an editor shows without effort. */
export const WINDOW = 10_000;
/** Language of the documents; the editor part contributes it. */
const MIME_TYPE = 'text/x-ftrace';

export interface Place {
  readonly source: P.Source;
  /** in the client's numbering */
  readonly line: number;
}

/**
 * Which line of which document an event is on. A plain text trace is its own document. What an editor cannot show as it is, a
 * trace.dat or a compressed file, is served in windows of {@link WINDOW} events, one to a line; their numbers depend on nothing but
 * the event, so that breakpoints in them hold from session to session.
 */
export class Documents {
  private readonly realPath: string;

  constructor(
    private readonly recording: Recording,
    private readonly client: Client,
  ) {
    this.realPath = real(recording.path);
  }

  /** The file itself is the document. */
  get direct(): boolean {
    const { compressed, format } = this.recording.table.info;
    return !compressed && format !== 'trace-dat';
  }

  placeOf(e: EventIndex): Place {
    if (this.direct) return { source: this.file(), line: this.client.line(this.recording.table.line(e) ?? 1) };
    const window = Math.floor(e / WINDOW);
    return { source: this.window(window), line: this.client.line(e - window * WINDOW + 1) };
  }

  /** Whether a document shows this recording. */
  shows(source: P.Source): boolean {
    if (source.sourceReference) {
      const window = source.sourceReference - 1;
      return !this.direct && (source.name ?? source.path) === this.window(window).name;
    }
    return this.direct && source.path !== undefined && real(source.path) === this.realPath;
  }

  /** First event on the client's `line` of a document or after it; undefined when there is none so far. */
  eventFrom(source: P.Source, line: number): EventIndex | undefined {
    const ours = this.client.lineFrom(line);
    if (!source.sourceReference) {
      const e = this.recording.table.eventAtLine(ours);
      return e >= 0 && e < this.recording.end ? (e as EventIndex) : undefined;
    }
    const e = (source.sourceReference - 1) * WINDOW + ours - 1;
    return ours >= 1 && ours <= WINDOW && e < this.recording.end ? (e as EventIndex) : undefined;
  }

  /** The event that is exactly on the client's `line`. */
  eventOn(source: P.Source, line: number): EventIndex | undefined {
    const e = this.eventFrom(source, line);
    return e !== undefined && this.placeOf(e).line === line ? e : undefined;
  }

  /** From a line that counts from 1 to the client's. */
  clientLine(line: number): number {
    return this.client.line(line);
  }

  /** The window that an event is in. */
  windowOf(e: EventIndex): { sourceReference: number; name: string; line: number } {
    if (this.direct) return { sourceReference: 0, name: path.basename(this.recording.path), line: this.recording.table.line(e) ?? 1 };
    const window = Math.floor(e / WINDOW);
    return { sourceReference: window + 1, name: this.window(window).name, line: e - window * WINDOW + 1 };
  }

  /** Documents of the whole recording, as far as it is loaded. */
  all(): P.Source[] {
    if (this.direct) return [this.file()];
    return Array.from({ length: Math.ceil(this.recording.end / WINDOW) }, (_, window) => this.window(window));
  }

  content(sourceReference: number): { content: string; mimeType: string } {
    const first = (sourceReference - 1) * WINDOW;
    const { table, end } = this.recording;
    if (this.direct || first < 0 || first >= end) {
      throw new RequestError(`There is no document ${sourceReference}: the trace has ${count(end)} events so far.`);
    }
    const lines: string[] = [];
    for (let e = first; e < Math.min(first + WINDOW, end); e++) lines.push(table.lineText(e));
    return { content: `${lines.join('\n')}\n`, mimeType: MIME_TYPE };
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
