import type { MessagePort } from 'node:worker_threads';
import { MemoryLimit } from '../../replay/memoryLimit.js';
import { Replay } from '../../replay/replay.js';
import type { Batch } from '../../trace/batch.js';
import { openTrace, TraceError } from '../../trace/open.js';
import type { EventTable } from '../../trace/table.js';
import { messageOf } from '../wire/errors.js';
import type { FromReplay, ReplayEnd, ReplayRequest, Report, ToReplay } from './replayMessages.js';

/** Longest stretch of replaying, in milliseconds, before messages get their turn. */
const SLICE = 5;
/** Events between two looks at the clock. */
const CHUNK = 256;

/**
 * Reads and replays a trace, and reports to the port what became of it. One report is on its way at a time: what comes up meanwhile goes
 * into the next, so that a busy receiver gets few large ones and nothing piles up. The port is closed at the end.
 */
export class ReplayRun {
  private replay: Replay | undefined;
  private invariants: boolean;
  private readonly limit: MemoryLimit;
  private batches: Batch[] = [];
  private readonly stopping = new AbortController();
  private watched = 0;
  /** there is something that the next report must say */
  private news = false;
  /** the last report has not come yet */
  private unseen = false;
  private scheduled = false;
  private readDone = false;
  private unread: string | undefined;
  private end: ReplayEnd | undefined;

  constructor(
    private readonly port: MessagePort,
    private readonly request: ReplayRequest,
  ) {
    this.invariants = request.invariants;
    this.limit = new MemoryLimit(request.memoryLimit);
    port.on('message', (message: ToReplay) => this.told(message));
  }

  async run(): Promise<void> {
    try {
      const { signal } = this.stopping;
      const open = await openTrace(this.request.path, { signal, onBatch: (table, batch) => this.took(table, batch) });
      this.begin(open.table);
      await open.done.catch((error: unknown) => void (this.unread = messageOf(error)));
      this.readDone = true;
      this.news = true;
      this.schedule();
    } catch (error) {
      if (this.stopping.signal.aborted) return;
      if (!(error instanceof TraceError)) throw error;
      this.post({ error: error.plain });
      this.port.close();
    }
  }

  private told(message: ToReplay): void {
    if ('stop' in message) this.stop();
    else if ('watch' in message) this.watch(message.watch);
    else {
      this.unseen = false;
      this.schedule();
    }
  }

  private watch(on: boolean): void {
    this.invariants = on;
    this.watched++;
    this.news = true;
    this.replay?.watchInvariants(on);
    this.schedule();
  }

  private stop(): void {
    this.stopping.abort();
    this.port.close();
  }

  private took(table: EventTable, batch: Batch): void {
    this.begin(table);
    this.batches.push(batch);
    this.news = true;
    this.schedule();
  }

  private begin(table: EventTable): void {
    this.replay ??= new Replay(table, { ...this.request.rules, invariants: this.invariants });
  }

  private schedule(): void {
    const { replay } = this;
    if (this.scheduled || !replay) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      if (!this.stopping.signal.aborted) this.slice(replay);
    });
  }

  private slice(replay: Replay): void {
    const before = replay.replayed;
    if (!this.end) this.end = this.goOn(replay);
    if (replay.replayed > before || this.end) this.news = true;
    if (this.news && !this.unseen) this.report(replay);
    if (!this.end && replay.replayed < replay.table.length) this.schedule();
  }

  private goOn(replay: Replay): ReplayEnd | undefined {
    const until = performance.now() + SLICE;
    try {
      while (replay.advance(CHUNK) > 0) {
        const ended = this.readDone && replay.replayed === replay.table.length;
        if (!ended && this.limit.isPassed(replay.byteLength)) return { full: true };
        if (performance.now() >= until) break;
      }
      if (!this.readDone || replay.replayed < replay.table.length) return undefined;
      replay.checkInvariants();
      return { ...(this.unread !== undefined && { unread: this.unread }) };
    } catch (error) {
      // A bug of the engine: what came before this event can be debugged all the same.
      return { failure: `the replay failed at event ${replay.replayed}: ${messageOf(error)}` };
    }
  }

  private report(replay: Replay): void {
    const report: Report = {
      batches: this.batches,
      delta: replay.delta(),
      ...(replay.invariantsSince !== undefined && { invariantsSince: replay.invariantsSince }),
      watched: this.watched,
      readDone: this.readDone,
      ...(this.end && { end: this.end }),
    };
    this.batches = [];
    this.news = false;
    this.unseen = true;
    this.post({ report });
    if (this.end) this.stop();
  }

  private post(message: FromReplay): void {
    this.port.postMessage(message);
  }
}
