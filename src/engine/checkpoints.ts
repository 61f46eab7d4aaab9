import type { CellId, Journal, RecordIndex } from './journal.js';

/** What was in force when the records below one had been written: by cell, its record. */
export interface Checkpoint {
  readonly upTo: RecordIndex;
  readonly latest: Uint32Array;
}

/** Records between two checkpoints of a short journal: replayed in well under a millisecond. */
const SPACING = 1 << 16;
/** All checkpoints together, in bytes. */
const MOST_BYTES = 16 << 20;
/** Fewer than these are worth more than the memory that they take. */
const LEAST = 4;

/**
 * Places of a journal from which a state can set out, so that a seek costs at most half of the way between two of them, and not that from
 * where it was. They lie evenly; when together they pass their limit every other one goes, and the next ones lie twice as far apart.
 */
export class Checkpoints {
  /** by place: at every multiple of {@link spacing}, from the beginning on */
  private readonly kept: Checkpoint[] = [{ upTo: 1, latest: new Uint32Array() }];
  private latest = new Uint32Array(1 << 12);
  private upTo: RecordIndex = 1;

  constructor(
    private readonly journal: Journal,
    private readonly mostBytes = MOST_BYTES,
    /** records between two of them, at first */
    private spacing = SPACING,
  ) {}

  /** Bytes that they take. */
  get byteLength(): number {
    return this.kept.reduce((sum, { latest }) => sum + latest.byteLength, this.latest.byteLength);
  }

  /** The one nearest to a place, before it or after it. */
  nearest(target: RecordIndex): Checkpoint {
    this.follow();
    const before = this.kept[Math.floor(target / this.spacing)]!;
    const after = this.kept[Math.ceil(target / this.spacing)] ?? before;
    return after.upTo - target < target - before.upTo ? after : before;
  }

  /** Whether a cell has ever been written. */
  wasWritten(cell: CellId): boolean {
    this.follow();
    return (this.latest[cell] ?? 0) !== 0;
  }

  /** Takes in what has been written since the last time. */
  follow(): void {
    const { journal } = this;
    const end = journal.length;
    if (this.upTo === end) return;
    this.reserve(journal.cellCount);
    while (this.upTo < end) {
      const stop = Math.min(end, this.kept.length * this.spacing);
      for (; this.upTo < stop; this.upTo++) this.latest[journal.cell(this.upTo)] = this.upTo;
      if (stop === this.kept.length * this.spacing) this.keep();
    }
  }

  private keep(): void {
    this.kept.push({ upTo: this.upTo, latest: this.latest.slice(0, this.journal.cellCount) });
    if (this.byteLength <= this.mostBytes || this.kept.length <= LEAST) return;
    const thinned = this.kept.filter((_, i) => i % 2 === 0);
    this.kept.splice(0, this.kept.length, ...thinned);
    this.spacing *= 2;
  }

  private reserve(cells: number): void {
    if (cells <= this.latest.length) return;
    const grown = new Uint32Array(Math.max(cells, this.latest.length * 2));
    grown.set(this.latest);
    this.latest = grown;
  }
}
