import { FRAME_MASK, NX, PAGE_SIZE_BIT, type SpteFormat } from '../../engine/spte.js';

interface BitChange {
  readonly label: string;
  readonly join: '=' | ' ';
  readonly expected: string;
  readonly recorded: string;
}

/** The bits in which two SPTEs differ, by the names that ui.md §12 has for them: `W`, `mw`, `hw`, `D`, …; the frame as `pfn`. */
export function changedBits(format: SpteFormat, expected: bigint, recorded: bigint): BitChange[] {
  const named: [string, bigint][] = [
    ['P', format.present],
    ['W', format.writable],
    ['U', format.user],
    ['A', format.accessed],
    ['D', format.dirty],
    ['PS', PAGE_SIZE_BIT],
    ['hw', format.hostWritable],
    ['mw', format.mmuWritable],
    ['NX', NX],
  ];
  const difference = expected ^ recorded;
  const changes: BitChange[] = [];
  let rest = difference;
  for (const [label, mask] of named) {
    if ((difference & mask) === 0n) continue;
    rest &= ~mask;
    changes.push({ label, join: '=', expected: expected & mask ? '1' : '0', recorded: recorded & mask ? '1' : '0' });
  }
  if (rest & FRAME_MASK) {
    const frame = (spte: bigint): string => ((spte & FRAME_MASK) >> 12n).toString(16);
    changes.push({ label: 'pfn', join: ' ', expected: frame(expected), recorded: frame(recorded) });
    rest &= ~FRAME_MASK;
  }
  if (rest)
    changes.push({ label: 'other bits', join: ' ', expected: (expected & rest).toString(16), recorded: (recorded & rest).toString(16) });
  return changes;
}
