import type { EventIndex } from '../../engine/ids.js';
import { FileLines } from '../../trace/fileLines.js';
import type { Recording } from './recording.js';

/** Events in one read-only document: what an editor shows without effort. */
export const WINDOW = 10_000;

/**
 * How the events of a trace lie in windows of {@link WINDOW} events. Windows count from 0, lines from 1. What is where depends on nothing
 * but the trace, so that breakpoints in windows hold from session to session.
 */
export interface Windows {
  /** line of an event in its window */
  lineOf(e: EventIndex): number;
  /** the first event of the window that is on `line` or after it, among those that can be visited */
  eventAt(window: number, line: number): EventIndex | undefined;
  /** Lines of a window; `ended`: the trace has been read to its end. @throws TraceError when the file cannot be read any more */
  lines(window: number, ended: boolean): Promise<string[]>;
  close(): void;
}

/** The window that an event is in. */
export function windowAt(e: number): number {
  return Math.floor(e / WINDOW);
}

/** What has no lines of its own, or keeps them packed: one event to a line. */
export class EventWindows implements Windows {
  constructor(private readonly recording: Recording) {}

  lineOf(e: EventIndex): number {
    return (e % WINDOW) + 1;
  }

  eventAt(window: number, line: number): EventIndex | undefined {
    const e = window * WINDOW + line - 1;
    return line >= 1 && line <= WINDOW && e < this.recording.end ? (e as EventIndex) : undefined;
  }

  lines(window: number): Promise<string[]> {
    const { table, end } = this.recording;
    const lines: string[] = [];
    for (let e = window * WINDOW; e < Math.min((window + 1) * WINDOW, end); e++) lines.push(table.lineText(e));
    return Promise.resolve(lines);
  }

  close(): void {}
}

/** Lines after the last event that are still shown: a report of losses, not a file that goes on with something else. */
const TAIL = 1000;

/**
 * A text file that is too long for an editor: each window holds the file's own lines, from that of its first event to the one before the
 * next window's; the first begins with the header.
 */
export class TextWindows implements Windows {
  private file: FileLines | undefined;

  constructor(private readonly recording: Recording) {}

  lineOf(e: EventIndex): number {
    return this.fileLine(e) - this.firstLine(windowAt(e)) + 1;
  }

  eventAt(window: number, line: number): EventIndex | undefined {
    if (line < 1) return undefined;
    const e = this.recording.table.eventAtLine(this.firstLine(window) + line - 1);
    // Where two events share the line on which the window begins, the second is the window's own.
    const own = Math.max(e, window * WINDOW);
    return e >= 0 && own < this.recording.end && windowAt(own) === window ? (own as EventIndex) : undefined;
  }

  async lines(window: number, ended: boolean): Promise<string[]> {
    this.file ??= new FileLines(this.recording.path);
    return this.file.read(this.firstLine(window), this.lastLine(window, ended));
  }

  close(): void {
    this.file?.close();
    this.file = undefined;
  }

  private firstLine(window: number): number {
    return window === 0 ? 1 : this.fileLine(window * WINDOW);
  }

  private lastLine(window: number, ended: boolean): number {
    const { end } = this.recording;
    const next = (window + 1) * WINDOW;
    if (next < end) return Math.max(this.fileLine(next - 1), this.fileLine(next) - 1);
    return this.fileLine(end - 1) + (ended ? TAIL : 0);
  }

  private fileLine(e: number): number {
    return this.recording.table.line(e) ?? 1;
  }
}
