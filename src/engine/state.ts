import type { Checkpoints } from './checkpoints.js';
import { BEFORE_FIRST, type EventIndex } from './ids.js';
import type { CellId, Journal, RecordIndex } from './journal.js';

/** Cells that are copied in the time that it takes to go along one record. */
const CELLS_PER_RECORD = 16;

/** The state at one position of the journal: for each cell the record in force. Any number of them may look at one journal. */
export class State {
  protected latest = new Uint32Array(1 << 12);
  /** Records below this one are in force. */
  private upTo: RecordIndex = 1;
  private at: EventIndex = BEFORE_FIRST;

  /** @param checkpoints of the journal: what a seek may set out from */
  constructor(
    readonly journal: Journal,
    private readonly checkpoints?: Checkpoints,
  ) {}

  /** The state is the one after this event. */
  get event(): EventIndex {
    return this.at;
  }

  /** The record in force for a cell; 0 when it was never written. */
  record(cell: CellId): RecordIndex {
    return this.latest[cell] ?? 0;
  }
  number(cell: CellId): number {
    return this.journal.number(this.record(cell));
  }
  word(cell: CellId): bigint {
    return this.journal.word(this.record(cell));
  }
  tag(cell: CellId): number {
    return this.journal.tag(this.record(cell));
  }
  /** The event that wrote the present value, or confirmed it. */
  writtenAt(cell: CellId): EventIndex {
    return this.journal.event(this.record(cell));
  }

  /** Moves to the state after `event`, forwards or backwards; the cost is that of the writes in between, or since a checkpoint. */
  seek(event: EventIndex): void {
    this.seekTo(this.journal.firstAfter(event), event);
  }

  /** Moves to the middle of what followed from `event`: the records below `target` are in force. */
  seekTo(target: RecordIndex, event: EventIndex): void {
    const { journal } = this;
    this.reserve(journal.cellCount);
    this.setOut(target);
    for (; this.upTo < target; this.upTo++) this.latest[journal.cell(this.upTo)] = this.upTo;
    while (this.upTo > target) {
      this.upTo--;
      this.latest[journal.cell(this.upTo)] = journal.previous(this.upTo);
    }
    this.at = event;
  }

  /** Goes to a checkpoint where the way from there is the shorter one, what it costs to take it over included. */
  private setOut(target: RecordIndex): void {
    const way = Math.abs(target - this.upTo);
    const copied = this.latest.length / CELLS_PER_RECORD;
    if (way <= copied) return;
    const near = this.checkpoints?.nearest(target);
    if (near === undefined || Math.abs(target - near.upTo) + copied >= way) return;
    this.latest.set(near.latest);
    this.latest.fill(0, near.latest.length);
    this.upTo = near.upTo;
  }

  /** The record in force for a cell after an earlier event, without moving. */
  recordAt(cell: CellId, event: EventIndex): RecordIndex {
    let record = this.record(cell);
    while (record !== 0 && this.journal.event(record) > event) record = this.journal.previous(record);
    return record;
  }

  protected reserve(cells: number): void {
    if (cells <= this.latest.length) return;
    const grown = new Uint32Array(Math.max(cells, this.latest.length * 2));
    grown.set(this.latest);
    this.latest = grown;
  }

  /** For {@link WritableState}: a record was appended and is in force. */
  protected advanced(record: RecordIndex, event: EventIndex): void {
    this.upTo = record + 1;
    this.at = event;
  }
}

/** The newest state, the only one that is written: the engine's own. */
export class WritableState extends State {
  /** The event whose consequences are being written. */
  now: EventIndex = BEFORE_FIRST;

  setNumber(cell: CellId, value: number, tag = 0): void {
    this.written(cell, this.journal.appendNumber(cell, value, tag, this.now, this.record(cell)));
  }

  setWord(cell: CellId, value: bigint, tag: number): void {
    this.written(cell, this.journal.appendWord(cell, value, tag, this.now, this.record(cell)));
  }

  /** As {@link setNumber}, but writes nothing where value and tag stay as they are. */
  keepNumber(cell: CellId, value: number, tag = 0): void {
    if (this.number(cell) !== value || this.tag(cell) !== tag || this.record(cell) === 0) this.setNumber(cell, value, tag);
  }

  private written(cell: CellId, record: RecordIndex): void {
    this.reserve(cell + 1);
    this.latest[cell] = record;
    this.advanced(record, this.now);
  }
}
