import * as vscode from 'vscode';
import type { RequestName, Requests } from '../protocol.js';
import { adapterProgram, asNode } from './adapter.js';
import { AdapterProcess } from './adapterProcess.js';

/**
 * What the extension asks when there is no session to ask: scenarios while they are written, their runs, comparisons. The adapter is
 * started by the first question and ends with the window; one that broke is started anew by the next.
 */
export class BackgroundAdapter implements vscode.Disposable {
  private process: AdapterProcess | undefined;
  private disposed = false;

  constructor(private readonly extension: vscode.Uri) {}

  async ask<R extends RequestName>(request: R, args: Requests[R]['args'], token?: vscode.CancellationToken): Promise<Requests[R]['body']> {
    if (this.disposed) throw new vscode.CancellationError();
    const withdrawn = new AbortController();
    const listener = token?.onCancellationRequested(() => withdrawn.abort());
    try {
      return await this.running().ask(request, args, withdrawn.signal);
    } catch (error) {
      if (token?.isCancellationRequested || this.disposed) throw new vscode.CancellationError();
      throw error;
    } finally {
      listener?.dispose();
    }
  }

  dispose(): void {
    this.disposed = true;
    this.process?.kill();
  }

  private running(): AdapterProcess {
    if (this.process) return this.process;
    const started = new AdapterProcess(process.execPath, [adapterProgram(this.extension)], { ...process.env, ...asNode }, () => {
      if (this.process === started) this.process = undefined;
    });
    return (this.process = started);
  }
}
