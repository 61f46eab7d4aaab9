/** A client of the Debug Adapter Protocol, over the standard input and output of `node dist/debugAdapter.js`. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import type { DebugProtocol as P } from '@vscode/debugprotocol';

type Waiter = { resolve(body: unknown): void; reject(error: Error): void };

/** What is on in a session that nobody has changed. */
const DEFAULT_FILTERS = ['quadrant-mismatch', 'prediction', 'invariant', 'lost-events'];

export class Client {
  private readonly process: ChildProcessWithoutNullStreams;
  private readonly answers = new Map<number, Waiter>();
  private readonly waiting = new Map<string, Waiter>();
  private chunks: Buffer[] = [];
  private seq = 0;
  private closing = false;

  constructor() {
    this.process = spawn(process.execPath, ['dist/debugAdapter.js']);
    this.process.stderr.pipe(process.stderr);
    this.process.stdout.on('data', (chunk: Buffer) => this.received(chunk));
    this.process.on('exit', (code) => {
      if (this.closing) return;
      const error = new Error(`the debug adapter ended with status ${code}`);
      for (const waiter of [...this.answers.values(), ...this.waiting.values()]) waiter.reject(error);
    });
  }

  get pid(): number {
    return this.process.pid!;
  }

  private received(chunk: Buffer): void {
    let buffer = this.chunks.length ? Buffer.concat([...this.chunks, chunk]) : chunk;
    for (;;) {
      const end = buffer.indexOf('\r\n\r\n');
      const length = end < 0 ? 0 : Number(/Content-Length: (\d+)/i.exec(buffer.toString('latin1', 0, end))?.[1]);
      const start = end + 4;
      if (end < 0 || buffer.length < start + length) break;
      const message = JSON.parse(buffer.toString('utf8', start, start + length)) as P.ProtocolMessage;
      buffer = buffer.subarray(start + length);
      this.dispatch(message);
    }
    this.chunks = buffer.length ? [buffer] : [];
  }

  private dispatch(message: P.ProtocolMessage): void {
    if (message.type === 'response') {
      const response = message as P.Response;
      const waiter = this.answers.get(response.request_seq);
      this.answers.delete(response.request_seq);
      if (response.success) waiter?.resolve(response.body);
      else waiter?.reject(new Error(`${response.command}: ${response.message}`));
    } else if (message.type === 'event') {
      const event = message as P.Event;
      const waiter = this.waiting.get(event.event);
      this.waiting.delete(event.event);
      waiter?.resolve(event.body);
    }
  }

  request<T>(command: string, args: object = {}): Promise<T> {
    const seq = ++this.seq;
    const content = JSON.stringify({ seq, type: 'request', command, arguments: args });
    this.process.stdin.write(`Content-Length: ${Buffer.byteLength(content)}\r\n\r\n${content}`);
    return new Promise<unknown>((resolve, reject) => this.answers.set(seq, { resolve, reject })) as Promise<T>;
  }

  /** The body of the next event of that name. */
  next<T>(event: string): Promise<T> {
    return new Promise<unknown>((resolve, reject) => this.waiting.set(event, { resolve, reject })) as Promise<T>;
  }

  /** The stop that a request leads to. */
  async stopAfter(command: string, args: object): Promise<P.StoppedEvent['body']> {
    const stopped = this.next<P.StoppedEvent['body']>('stopped');
    const [body] = await Promise.all([stopped, this.request(command, args)]);
    return body;
  }

  initialize(): Promise<unknown> {
    return this.request('initialize', {
      adapterID: 'shadow-mmu',
      linesStartAt1: true,
      columnsStartAt1: true,
      supportsProgressReporting: true,
      supportsMemoryReferences: true,
    });
  }

  /** Starts a session as the editor does, with the filters that are on by default; it stops at the first event. */
  async launch(args: { trace: string; vm?: number }): Promise<P.StoppedEvent['body']> {
    const initialized = this.next('initialized');
    await this.initialize();
    const stopped = this.next<P.StoppedEvent['body']>('stopped');
    const launched = this.request('launch', args);
    await Promise.race([initialized, launched]);
    await this.request('setExceptionBreakpoints', { filters: DEFAULT_FILTERS });
    await this.request('configurationDone');
    const [body] = await Promise.all([stopped, launched]);
    return body;
  }

  async close(): Promise<void> {
    this.closing = true;
    const ended = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.stdin.end();
    this.process.kill();
    await ended;
  }
}
