import type { Doing } from './doings.js';
import type { Group } from './extractor.js';
import type { HostModel } from './hostModel.js';
import type { Slot } from './memorySlots.js';

/** What became of a slot: user space deleted it, and made it again. */
interface Change {
  /** number of the group that shows it */
  readonly seq: number;
  readonly is: 'there' | 'gone';
}

/**
 * Puts the deletion of slots, and their return, into the groups: a slot goes with the last zap of everything before it was seen to be
 * gone, and comes back right before it is seen again. Answers the slots that are there at the beginning.
 */
export function placeSlotChanges(slots: readonly Slot[], host: HostModel, groups: readonly Group[], zaps: readonly Group[]): Slot[] {
  const bySeq = new Map(groups.map((group) => [group.seq, group]));
  const firstSeq = groups[0]?.seq ?? Infinity;
  return slots.filter((slot) => {
    if (!slot.comesAndGoes) return true;
    let there = true;
    let atBegin = true;
    for (const { seq, is } of changesOf(slot, host)) {
      if ((is === 'there') === there) continue;
      const zap = is === 'gone' ? zaps.findLast((each) => each.seq < seq) : undefined;
      if (is === 'gone' && !zap) continue;
      there = is === 'there';
      const at = zap?.seq ?? seq;
      if (at < firstSeq) atBegin = there;
      else if (zap) zap.doings.splice(0, zap.doings.length, { kind: 'delete', name: slot.name });
      else bySeq.get(seq)?.before.unshift(...madeAgain(slot, host, seq));
    }
    return atBegin;
  });
}

/** When the frames of a slot were seen with memory and without, in order. */
function changesOf({ first, last }: Slot, host: HostModel): Change[] {
  const changes: Change[] = [];
  for (const [map, is] of [[host.present, 'there'] as const, [host.absent, 'gone'] as const]) {
    for (const [gfn, seqs] of map) if (gfn >= first && gfn <= last) for (const seq of seqs) changes.push({ seq, is });
  }
  return changes.sort((a, b) => a.seq - b.seq);
}

/** The slot is made again, with the memory that it had. */
function madeAgain(slot: Slot, host: HostModel, seq: number): Doing[] {
  const doings: Doing[] = [];
  const shared: Doing[] = [];
  for (let gfn = slot.first; gfn <= slot.last; gfn++) {
    // What shows later only is there from the beginning.
    const { pfn, shared: readOnly } = host.before(gfn, seq) ?? { pfn: host.first.get(gfn), shared: false };
    if (pfn === undefined) continue;
    const run = doings.at(-1);
    if (run?.kind === 'map' && run.last === gfn - 1 && run.pfn + gfn - run.gfn === pfn) doings[doings.length - 1] = { ...run, last: gfn };
    else doings.push({ kind: 'map', gfn, last: gfn, pfn });
    if (readOnly) extend(shared, gfn);
  }
  return [{ kind: 'slot', ...slot }, ...doings, ...shared];
}

function extend(doings: Doing[], gfn: number): void {
  const run = doings.at(-1);
  if (run?.kind === 'share' && run.last === gfn - 1) doings[doings.length - 1] = { ...run, last: gfn };
  else doings.push({ kind: 'share', gfn, last: gfn });
}
