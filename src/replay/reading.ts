import type { EventIndex } from '../engine/ids.js';
import type { EventTable } from '../trace/table.js';
import type { Kind } from '../trace/vocabulary.js';
import type { Difference } from './compare.js';

/**
 * The arguments of a recorded event as the engine takes them in: as recorded, except for fields in which the record contradicts what
 * must come. The engine goes on with those as announced, so that one wrong field leads to one finding; views show the recorded ones.
 */
export class Reading {
  private readonly corrected = new Map<number, bigint>();

  constructor(
    private readonly table: EventTable,
    readonly event: EventIndex,
    differences: readonly Difference[] = [],
  ) {
    for (const { slot, mask, right } of differences) this.corrected.set(slot, (this.word(slot) & ~mask) | (right & mask));
  }

  get kind(): Kind {
    return this.table.kind(this.event);
  }

  has(slot: number): boolean {
    return this.table.has(this.event, slot);
  }

  num(slot: number): number {
    const corrected = this.corrected.get(slot);
    return corrected === undefined ? this.table.num(this.event, slot) : Number(corrected);
  }

  word(slot: number): bigint {
    return this.corrected.get(slot) ?? this.table.word(this.event, slot);
  }
}
