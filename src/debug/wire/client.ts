import type { DebugProtocol as P } from '@vscode/debugprotocol';
import { Event } from '@vscode/debugadapter';

/** The other end of the wire: what it said about itself in `initialize`, and the events it is sent. */
export class Client {
  private about: P.InitializeRequestArguments = { adapterID: 'shadow-mmu' };

  constructor(private readonly send: (event: P.Event) => void) {}

  introduce(about: P.InitializeRequestArguments): void {
    this.about = about;
  }

  get reportsProgress(): boolean {
    return this.about.supportsProgressReporting === true;
  }
  get takesMemoryEvents(): boolean {
    return this.about.supportsMemoryEvent === true;
  }
  get takesInvalidated(): boolean {
    return this.about.supportsInvalidatedEvent === true;
  }

  /** From our lines, which begin at 1, to the client's. */
  line(ours: number): number {
    return this.about.linesStartAt1 === false ? ours - 1 : ours;
  }
  /** From the client's lines to ours. */
  lineFrom(theirs: number): number {
    return this.about.linesStartAt1 === false ? theirs + 1 : theirs;
  }
  /** The client's number of the first column. */
  get firstColumn(): number {
    return this.about.columnsStartAt1 === false ? 0 : 1;
  }

  event(name: string, body?: unknown): void {
    this.send(new Event(name, body));
  }

  /** One line for the debug console; `place` makes it a link. */
  output(
    text: string,
    category: 'console' | 'important' | 'stdout' | 'stderr' = 'console',
    place?: { source: P.Source; line: number },
  ): void {
    const body: P.OutputEvent['body'] = { category, output: `${text}\n` };
    this.event('output', place ? { ...body, source: place.source, line: place.line, column: this.firstColumn } : body);
  }
}
