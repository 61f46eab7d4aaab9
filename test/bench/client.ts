/** A minimal client of the Debug Adapter Protocol, over the standard input and output of `node dist/debugAdapter.js`. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import type { DebugProtocol } from '@vscode/debugprotocol';

type Waiter = { resolve(body: unknown): void; reject(error: Error): void };

export class Client {
  private readonly process: ChildProcessWithoutNullStreams;
  private readonly answers = new Map<number, Waiter>();
  private readonly events = new Map<string, Waiter>();
  private buffer = Buffer.alloc(0);
  private seq = 0;

  constructor() {
    this.process = spawn(process.execPath, ['dist/debugAdapter.js']);
    this.process.stderr.pipe(process.stderr);
    this.process.stdout.on('data', (chunk: Buffer) => this.received(chunk));
    this.process.on('exit', (code) => {
      const error = new Error(`the debug adapter ended with status ${code}`);
      for (const waiter of [...this.answers.values(), ...this.events.values()]) waiter.reject(error);
    });
  }

  private received(chunk: Buffer): void {
    this.buffer = Buffer.concat([this.buffer, chunk]);
    for (;;) {
      const end = this.buffer.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = Number(/Content-Length: (\d+)/i.exec(this.buffer.toString('latin1', 0, end))?.[1]);
      const start = end + 4;
      if (this.buffer.length < start + length) return;
      const message = JSON.parse(this.buffer.toString('utf8', start, start + length)) as DebugProtocol.ProtocolMessage;
      this.buffer = this.buffer.subarray(start + length);
      this.dispatch(message);
    }
  }

  private dispatch(message: DebugProtocol.ProtocolMessage): void {
    if (message.type === 'response') {
      const response = message as DebugProtocol.Response;
      const waiter = this.answers.get(response.request_seq);
      this.answers.delete(response.request_seq);
      if (response.success) waiter?.resolve(response.body);
      else waiter?.reject(new Error(response.message));
    } else if (message.type === 'event') {
      const event = message as DebugProtocol.Event;
      const waiter = this.events.get(event.event);
      this.events.delete(event.event);
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
    return new Promise<unknown>((resolve, reject) => this.events.set(event, { resolve, reject })) as Promise<T>;
  }

  /** The stop that a request leads to. */
  async stopAfter(command: string, args: object): Promise<DebugProtocol.StoppedEvent['body']> {
    const stopped = this.next<DebugProtocol.StoppedEvent['body']>('stopped');
    const [body] = await Promise.all([stopped, this.request(command, args)]);
    return body;
  }

  /** Starts a session that stops at the first event. */
  async launch(trace: string): Promise<DebugProtocol.StoppedEvent['body']> {
    const initialized = this.next('initialized');
    await this.request('initialize', { adapterID: 'shadow-mmu', linesStartAt1: true, columnsStartAt1: true });
    const stopped = this.next<DebugProtocol.StoppedEvent['body']>('stopped');
    const launched = this.request('launch', { trace });
    await Promise.race([initialized, launched]);
    await this.request('setExceptionBreakpoints', { filters: [] });
    await this.request('configurationDone');
    const [body] = await Promise.all([stopped, launched]);
    return body;
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.stdin.end();
    this.process.kill();
    await ended;
  }
}
