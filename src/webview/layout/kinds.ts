import type { SpteKind } from '../../protocol.js';

/** Words of a kind (ui.md §2): short for counts, long for screen readers, rule for the list of letters. */
interface KindWords {
  readonly short: string;
  readonly spoken: string;
  readonly meaning: string;
  /** class that carries the hue and the shape of the cell */
  readonly style: string;
}

/** In the order of the legend. */
export const KINDS: ReadonlyMap<SpteKind, KindWords> = new Map<SpteKind, KindWords>([
  ['T', { short: 'table', spoken: 'table', meaning: 'table (non-leaf)', style: 'k-table' }],
  ['W', { short: 'writable', spoken: 'writable leaf', meaning: 'writable leaf', style: 'k-writable' }],
  [
    'w',
    {
      short: 'MMU-writable',
      spoken: 'leaf the MMU may make writable',
      meaning: 'W=0, MMU may set it (dirty log)',
      style: 'k-mmu-writable',
    },
  ],
  ['P', { short: 'write-protected', spoken: 'write-protected leaf', meaning: 'write-protected: gfn is shadowed', style: 'k-protected' }],
  [
    'p',
    {
      short: 'protection left over',
      spoken: 'leaf with write protection left over',
      meaning: 'protection left over',
      style: 'k-left-over',
    },
  ],
  ['R', { short: 'read-only', spoken: 'read-only leaf', meaning: 'read-only for the guest', style: 'k-read-only' }],
  ['H', { short: 'host read-only', spoken: 'host read-only leaf', meaning: 'host read-only', style: 'k-read-only' }],
  ['M', { short: 'MMIO', spoken: 'MMIO', meaning: 'MMIO', style: 'k-mmio' }],
  ['F', { short: 'frozen', spoken: 'frozen', meaning: 'frozen / removed (TDP MMU busy)', style: 'k-frozen' }],
  ['!', { short: 'unexpected bits', spoken: 'unexpected bits', meaning: 'not present, unexpected bits', style: 'k-unexpected' }],
  ['?', { short: 'not known', spoken: 'not known', meaning: 'not known', style: 'k-unknown' }],
  ['·', { short: 'empty', spoken: 'empty', meaning: 'empty', style: 'k-empty' }],
]);

const EMPTY = KINDS.get('·') as KindWords;

export const kindWords = (kind: SpteKind): KindWords => KINDS.get(kind) ?? EMPTY;
