import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import type { RequestName, Requests } from '../protocol.js';

interface Response {
  type: string;
  request_seq?: number;
  success?: boolean;
  message?: string;
  body?: { error?: { format?: string; variables?: Record<string, string> } };
}

interface Waiting {
  resolve: (body: unknown) => void;
  reject: (error: Error) => void;
}

const HEADER_END = Buffer.from('\r\n\r\n');

/** A debug adapter in a process of its own, asked over its standard input and output; there is no session in it. */
export class AdapterProcess {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly waiting = new Map<number, Waiting>();
  private received = Buffer.alloc(0);
  private errors = '';
  private seq = 0;

  /** `ended`: the process is gone, and everything asked of it has failed */
  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv, ended: () => void) {
    this.child = spawn(command, args, { env });
    this.child.stdout.on('data', (chunk: Buffer) => this.receive(chunk));
    this.child.stderr.on('data', (chunk: Buffer) => (this.errors = `${this.errors}${chunk.toString()}`.slice(-1000)));
    // Writing to a process that has just ended fails here; what it was asked is answered below.
    this.child.stdin.on('error', () => undefined);
    let over = false;
    const end = (why: string): void => {
      if (over) return;
      over = true;
      ended();
      for (const { reject } of this.waiting.values()) reject(new Error(why));
      this.waiting.clear();
    };
    this.child.on('error', (error) => end(`The adapter cannot be started: ${error.message}`));
    this.child.on('close', (code) => end(this.errors.trim() || `The adapter ended with status ${code}.`));
  }

  /** Rejects with the adapter's message. `signal` withdraws the request: its answer comes all the same, and says that it was cancelled. */
  ask<R extends RequestName>(command: R, args: Requests[R]['args'], signal?: AbortSignal): Promise<Requests[R]['body']> {
    const seq = this.send(command, args);
    const cancel = (): void => void this.send('cancel', { requestId: seq });
    const answer = new Promise<unknown>((resolve, reject) => this.waiting.set(seq, { resolve, reject }));
    signal?.addEventListener('abort', cancel, { once: true });
    return answer.finally(() => signal?.removeEventListener('abort', cancel)) as Promise<Requests[R]['body']>;
  }

  kill(): void {
    this.child.kill();
  }

  private send(command: string, args: unknown): number {
    const seq = ++this.seq;
    const json = JSON.stringify({ seq, type: 'request', command, arguments: args });
    this.child.stdin.write(`Content-Length: ${Buffer.byteLength(json)}\r\n\r\n${json}`);
    return seq;
  }

  private receive(chunk: Buffer): void {
    this.received = Buffer.concat([this.received, chunk]);
    for (;;) {
      const end = this.received.indexOf(HEADER_END);
      if (end < 0) return;
      const length = Number(/Content-Length: (\d+)/i.exec(this.received.toString('latin1', 0, end))?.[1]);
      const start = end + HEADER_END.length;
      if (this.received.length < start + length) return;
      const text = this.received.toString('utf8', start, start + length);
      this.received = this.received.subarray(start + length);
      this.answer(JSON.parse(text) as Response);
    }
  }

  private answer({ type, request_seq: seq, success, message, body }: Response): void {
    const waiting = type === 'response' && seq !== undefined ? this.waiting.get(seq) : undefined;
    if (!waiting || seq === undefined) return;
    this.waiting.delete(seq);
    if (success) return waiting.resolve(body);
    waiting.reject(new Error(sentence(body?.error) ?? message ?? 'The adapter gave no answer.'));
  }
}

/** The message of an error response: a template in which names in braces stand for values. */
function sentence(error: { format?: string; variables?: Record<string, string> } | undefined): string | undefined {
  return error?.format?.replace(/\{(\w+)\}/g, (whole, name: string) => error.variables?.[name] ?? whole);
}
