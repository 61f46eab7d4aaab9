import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import type { DebugProtocol as P } from '@vscode/debugprotocol';
import { Session } from '../../src/debug/session.js';

/** An error response. */
export class RequestFailed extends Error {
  constructor(
    readonly command: string,
    message: string,
  ) {
    super(message);
  }
}

/** How long anything may take before a test gives up, in milliseconds. */
const PATIENCE = 20_000;

/** A debug adapter client that knows nothing about this adapter: bytes out, bytes in. */
export class DapClient {
  readonly events: P.Event[] = [];
  private buffer = Buffer.alloc(0);
  private seq = 0;
  private readonly pending = new Map<number, (response: P.Response) => void>();
  private readonly waiting: { event: string; from: number; resolve: (event: P.Event) => void }[] = [];

  constructor(
    private readonly output: Writable,
    input: Readable,
    readonly close: () => void,
  ) {
    input.on('data', (chunk: Buffer) => this.receive(chunk));
  }

  /** A session in this process, behind streams. */
  static inProcess(largeText?: number): DapClient {
    const [toAdapter, fromAdapter] = [new PassThrough(), new PassThrough()];
    const session = new Session(() => {}, largeText);
    session.start(toAdapter, fromAdapter);
    return new DapClient(toAdapter, fromAdapter, () => session.close());
  }

  /** The built adapter as a process of its own. */
  static process(program: string): DapClient & { readonly child: ChildProcessWithoutNullStreams } {
    const child = spawn(process.execPath, [program]);
    const client = new DapClient(child.stdin, child.stdout, () => child.kill());
    return Object.assign(client, { child });
  }

  /** Sends a request that nobody waits for. */
  send(command: string, args?: unknown): number {
    const seq = ++this.seq;
    this.write(seq, command, args);
    return seq;
  }

  private write(seq: number, command: string, args: unknown): void {
    const json = JSON.stringify({ seq, type: 'request', command, arguments: args });
    this.output.write(`Content-Length: ${Buffer.byteLength(json)}\r\n\r\n${json}`);
  }

  async request<Body = Record<string, unknown>>(command: string, args?: unknown): Promise<Body> {
    const seq = ++this.seq;
    // The answer may come before the write returns: the other end is in this process.
    const answer = new Promise<P.Response>((resolve) => this.pending.set(seq, resolve));
    this.write(seq, command, args);
    const response = await this.inTime(answer, `response to ${command}`);
    if (!response.success) throw new RequestFailed(command, response.message ?? 'failed');
    return response.body as Body;
  }

  /** The first event of that name from position `from` of {@link events} on. */
  async event<E extends P.Event = P.Event>(name: string, from = 0): Promise<E['body']> {
    const there = this.events.slice(from).find((e) => e.event === name);
    const event =
      there ?? (await this.inTime(new Promise<P.Event>((resolve) => this.waiting.push({ event: name, from, resolve })), `event ${name}`));
    return event.body as E['body'];
  }

  /** A request that ends in a stop. */
  async untilStopped(command: string, args: unknown = {}): Promise<P.StoppedEvent['body']> {
    const from = this.events.length;
    await this.request(command, args);
    return this.event<P.StoppedEvent>('stopped', from);
  }

  private receive(chunk: Buffer): void {
    this.buffer = Buffer.concat([this.buffer, chunk]);
    for (;;) {
      const head = this.buffer.indexOf('\r\n\r\n');
      if (head < 0) return;
      const length = Number(/Content-Length: (\d+)/.exec(this.buffer.toString('utf8', 0, head))?.[1]);
      if (this.buffer.length < head + 4 + length) return;
      const message = JSON.parse(this.buffer.toString('utf8', head + 4, head + 4 + length)) as P.ProtocolMessage;
      this.buffer = this.buffer.subarray(head + 4 + length);
      if (message.type === 'response') this.settle(message as P.Response);
      else this.take(message as P.Event);
    }
  }

  private settle(response: P.Response): void {
    this.pending.get(response.request_seq)?.(response);
    this.pending.delete(response.request_seq);
  }

  private take(event: P.Event): void {
    this.events.push(event);
    const at = this.waiting.findIndex((w) => w.event === event.event && this.events.length > w.from);
    if (at >= 0) this.waiting.splice(at, 1)[0]!.resolve(event);
  }

  private async inTime<T>(promise: Promise<T>, what: string): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no ${what} within ${PATIENCE} ms`)), PATIENCE);
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
