import * as vscode from 'vscode';
import type { RequestName, Requests } from '../protocol.js';
import { adapterProgram, asNode } from './adapter.js';
import { AdapterProcess } from './adapterProcess.js';

/** Requests that may replay a whole recording: nothing else waits for them, and they can be ended at any time. */
const LONG: ReadonlySet<RequestName> = new Set<RequestName>(['shadowMmu/run', 'shadowMmu/scenario', 'shadowMmu/diff']);

/**
 * What the extension asks when there is no session to ask: scenarios while they are written, their runs, comparisons. One adapter answers
 * what is asked while typing: it is started by the first question and ends with the window; should it break, the next question starts
 * another. Long work has an adapter of its own each time.
 */
export class BackgroundAdapter implements vscode.Disposable {
  private readonly processes = new Set<AdapterProcess>();
  private quick: AdapterProcess | undefined;
  private disposed = false;

  constructor(private readonly extension: vscode.Uri) {}

  async ask<R extends RequestName>(request: R, args: Requests[R]['args'], token?: vscode.CancellationToken): Promise<Requests[R]['body']> {
    if (this.disposed || token?.isCancellationRequested) throw new vscode.CancellationError();
    const long = LONG.has(request);
    const adapter = long ? this.start() : (this.quick ??= this.start());
    const withdrawn = new AbortController();
    const listener = token?.onCancellationRequested(() => (long ? adapter.kill() : withdrawn.abort()));
    try {
      return await adapter.ask(request, args, withdrawn.signal);
    } catch (error) {
      if (token?.isCancellationRequested || this.disposed) throw new vscode.CancellationError();
      throw error;
    } finally {
      listener?.dispose();
      if (long) adapter.kill();
    }
  }

  dispose(): void {
    this.disposed = true;
    for (const adapter of this.processes) adapter.kill();
  }

  private start(): AdapterProcess {
    const started = new AdapterProcess(process.execPath, [adapterProgram(this.extension)], { ...process.env, ...asNode }, () => {
      this.processes.delete(started);
      if (this.quick === started) this.quick = undefined;
    });
    this.processes.add(started);
    return started;
  }
}
