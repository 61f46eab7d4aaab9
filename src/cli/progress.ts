/** Milliseconds between two pictures. */
const INTERVAL = 100;

/** One line on standard error, renewed in place; nothing where that is no terminal. */
export class Progress {
  private readonly on = process.stderr.isTTY;
  private shown = 0;
  private dirty = false;

  show(what: string, done: number, all: number): void {
    if (!this.on || Date.now() - this.shown < INTERVAL) return;
    this.shown = Date.now();
    this.dirty = true;
    process.stderr.write(`\r\x1b[K${what}: ${done} of ${all}, ${Math.floor((100 * done) / Math.max(1, all))} %`);
  }

  /** Clears the line: something else is to be printed. */
  end(): void {
    if (this.dirty) process.stderr.write('\r\x1b[K');
    this.dirty = false;
  }
}
