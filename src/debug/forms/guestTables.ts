import type { PageView } from '../../replay/view.js';
import type { FormContext } from './context.js';
import { addressRange, hex, size, spanOf } from './numbers.js';
import { mapsRange } from './pages.js';

/** What of the guest a shadow page stands for, in words. */

const TABLES: Readonly<Record<number, string>> = {
  1: 'guest page table',
  2: 'guest page directory',
  3: 'guest page directory pointer table',
  4: 'guest level-4 table',
  5: 'guest level-5 table',
};

/** `guest page table 2ced, half 1 (08200000–083fffff)`, `guest page directory 2cd2, quarter 3 (c0000000–ffffffff)` */
export function guestTablePart(ctx: FormContext, page: PageView): string {
  const range = mapsRange(ctx, page);
  const where = range ? ` (${addressRange(range.first, range.last)})` : '';
  if (page.local) return `no guest table: a local page${where}`;
  if (page.direct) return `${directMemory(page)}${where}`;
  const part = page.gpteBytes === 8 ? '' : page.level === 2 ? `, quarter ${page.quadrant}` : `, half ${page.quadrant}`;
  return `${guestTable(page)}${part}${where}`;
}

/** `guest page table 2ced` */
export function guestTable(page: PageView): string {
  return `${TABLES[page.level] ?? 'guest table'} ${hex(page.gfn)}`;
}

/** A direct page has no guest table: it maps a run of guest frames. */
function directMemory(page: PageView): string {
  const frames = BigInt(page.gfn);
  const last = frames + (512n * spanOf(page.level)) / 4096n - 1n;
  return `guest memory, gfn ${hex(frames)}–${hex(last)}, ${size(512n * spanOf(page.level))}`;
}
