import { EntryState, entryState } from '../../engine/entry.js';
import type { Era } from '../../engine/eras.js';
import type { PageId, SpteIndex } from '../../engine/ids.js';
import { NX, readMmioSpte, spteFrame } from '../../engine/spte.js';
import { hex } from '../language/reader.js';
import type { SpteIs, SptePlace } from '../language/statement.js';
import type { Cpu } from '../cpu.js';
import type { Machine } from '../machine.js';
import { spteText } from './describe.js';
import { filterText, foundPages, pagesLike } from './pages.js';

export type Spte = { readonly page: PageId; readonly index: SpteIndex } | { readonly none: string };

/** The SPTE at a place, or why there is none. */
export function spteOf(machine: Machine, era: Era, cpu: Cpu | undefined, place: SptePlace): Spte {
  if (place.kind === 'page') {
    const found = pagesLike(machine, era, place.page);
    const [page] = found;
    if (page === undefined || found.length > 1) {
      return {
        none: `${page === undefined ? 'no page' : 'several pages'} ${filterText(place.page)}${page === undefined ? '' : `: ${foundPages(machine, found)}`}`,
      };
    }
    return { page, index: place.index.value as SpteIndex };
  }
  const at = cpu?.spteAt(place.address.value, place.level?.value);
  if (!at) return { none: 'no root' };
  if (place.level && at.level !== place.level.value) {
    return { none: `a walk that ends at level ${at.level}: ${spteText(machine, at.page, at.index)}` };
  }
  return at;
}

/** Whether an SPTE is what is wanted of it. */
export function isSpte(machine: Machine, era: Era, { page, index }: { page: PageId; index: SpteIndex }, is: SpteIs): boolean {
  const { pages, state, mmu } = machine;
  const cell = pages.entryCell(page, index);
  const kind = entryState(state.tag(cell));
  const word = state.word(cell);
  const same = (wanted: { readonly value: number } | undefined, found: number): boolean => wanted === undefined || wanted.value === found;
  const bit = (wanted: boolean | undefined, found: boolean): boolean => wanted === undefined || wanted === found;
  switch (is.kind) {
    case 'empty':
      return kind === EntryState.empty;
    case 'marked':
      return kind === EntryState.mmio && !mmu.has('mmio-sptes');
    case 'word':
      return spteWord(machine, era, page, index) === is.word.value;
    case 'link':
      return kind === EntryState.link && pagesLike(machine, era, is.to).includes(state.number(cell) as PageId);
    case 'mmio': {
      if (kind !== EntryState.mmio) return false;
      if (!mmu.has('mmio-sptes')) return is.generation === undefined && same(is.gfn, state.number(pages.gfnCell(page, index)));
      const { gfn, generation } = readMmioSpte(mmu.format, word);
      return same(is.gfn, gfn) && same(is.generation, generation);
    }
    case 'leaf':
      return (
        kind === EntryState.leaf &&
        same(is.gfn, state.number(pages.gfnCell(page, index))) &&
        same(is.pfn, spteFrame(word)) &&
        bit(is.writable, (word & mmu.format.writable) !== 0n) &&
        bit(is.user, (word & mmu.format.user) !== 0n) &&
        bit(is.executable, (word & NX) === 0n) &&
        bit(is.accessed, (word & mmu.format.accessed) !== 0n) &&
        bit(is.dirty, (word & mmu.format.dirty) !== 0n)
      );
  }
}

/** The 64 bits of an SPTE: a link is its page's frame and the flags of links. */
function spteWord({ pages, state, mmu }: Machine, era: Era, page: PageId, index: SpteIndex): bigint {
  const cell = pages.entryCell(page, index);
  switch (entryState(state.tag(cell))) {
    case EntryState.empty:
      return era.emptySpte;
    case EntryState.link: {
      const frame = pages.frame(state, state.number(cell) as PageId);
      return (BigInt(frame ?? 0) << 12n) | mmu.linkFlags(page);
    }
    default:
      return state.word(cell);
  }
}

/** What is wanted, in the words of the language. */
export function spteIsText(is: SpteIs): string {
  const number = (name: string, value: { readonly value: number } | undefined): string | undefined =>
    value && `${name} ${hex(value.value)}`;
  const bit = (value: boolean | undefined, yes: string, no: string): string | undefined =>
    value === undefined ? undefined : value ? yes : no;
  switch (is.kind) {
    case 'empty':
    case 'marked':
      return is.kind;
    case 'word':
      return hex(is.word.value);
    case 'link':
      return `link ${filterText(is.to)}`.trimEnd();
    case 'mmio':
      return join('mmio', number('gfn', is.gfn), number('gen', is.generation));
    case 'leaf':
      return join(
        'leaf',
        number('gfn', is.gfn),
        number('pfn', is.pfn),
        bit(is.writable, 'writable', 'read-only'),
        bit(is.user, 'user', 'supervisor'),
        bit(is.executable, 'executable', 'no-execute'),
        bit(is.accessed, 'accessed', 'not-accessed'),
        bit(is.dirty, 'dirty', 'clean'),
      );
  }
}

function join(...words: (string | undefined)[]): string {
  return words.filter((word) => word !== undefined).join(' ');
}

export function placeText(place: SptePlace): string {
  if (place.kind === 'page') return `spte (${filterText(place.page)})[${place.index.value}]`;
  return join('spte va', hex(place.address.value), place.level && `level ${place.level.value}`);
}
