import { count } from '../forms/numbers.js';
import type { Client } from '../wire/client.js';
import type { Loader } from './loader.js';
import type { Recording } from './recording.js';

/** A load shorter than this is over before anybody could read about it. Milliseconds. */
const PATIENCE = 300;
/** Time between two updates, in milliseconds. */
const UPDATE = 250;

/** Tells the client how far loading is, with a button to cancel it. */
export class Progress {
  private readonly begun = performance.now();
  private shown = false;
  private over = false;
  private updated = 0;

  constructor(
    readonly id: string,
    private readonly client: Client,
    private readonly recording: Recording,
    private readonly title: string,
  ) {}

  update(loader: Loader): void {
    if (this.over || !this.client.reportsProgress) return;
    if (loader.complete) return this.end(loader);
    const now = performance.now();
    if (now - this.begun < PATIENCE || now - this.updated < UPDATE) return;
    this.updated = now;
    const body = { progressId: this.id, message: `replaying ${this.message(loader)}`, percentage: this.percentage(loader) };
    if (this.shown) this.client.event('progressUpdate', body);
    else this.client.event('progressStart', { ...body, title: this.title, cancellable: true });
    this.shown = true;
  }

  private end(loader: Loader): void {
    this.over = true;
    if (this.shown)
      this.client.event('progressEnd', {
        progressId: this.id,
        message: `${loader.cut ? 'stopped at' : 'replayed'} ${this.message(loader)}`,
      });
  }

  /** `replaying 212,400 of 376,794`; how many there are is known when all are read. */
  private message(loader: Loader): string {
    const total = loader.readDone ? ` of ${count(this.recording.table.length)}` : ' events';
    return `${count(this.recording.end)}${total}`;
  }

  /** Bytes read, held back by what is read and not yet replayed. */
  private percentage(loader: Loader): number {
    const { table, end } = this.recording;
    const read = loader.bytesTotal > 0 ? loader.bytesRead / loader.bytesTotal : 0;
    const replayed = table.length > 0 ? end / table.length : 0;
    return Math.min(100, Math.floor(100 * read * replayed));
  }
}
