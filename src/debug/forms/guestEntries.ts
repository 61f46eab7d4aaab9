import type { PageView } from '../../replay/view.js';
import { ArgumentReader, Kind } from '../../replay/query/arguments.js';
import { walkBefore } from './bursts.js';
import type { FormContext } from './context.js';
import { hex } from './numbers.js';

/** Which guest entry stands behind an SPTE, and what the guest's large pages are called. */

const ENTRY_NAMES: Readonly<Record<number, string>> = { 1: 'gPTE', 2: 'gPDE', 3: 'gPDPTE', 4: 'gPML4E', 5: 'gPML5E' };
const PAGE_SIZE_BIT = 1n << 7n;
const LARGE_PAGE_FRAMES = 1024;

/** A direct page that is one half of a 4 MiB page of a guest with 4-byte entries; the guest's page directory leads to it. */
export function isHalfOf4MiB(ctx: FormContext, page: PageView): boolean {
  if (!page.direct || page.level !== 1) return false;
  // kernels before 5.17 call every direct page "8-byte": its parent tells
  const parent = page.parents[0] && ctx.cursor.page(page.parents[0].page);
  return parent ? parent.gpteBytes === 4 && !parent.direct : page.gpteBytes === 4;
}

/** `gPDE 30b`, `gPTE 131`, `gPDE 30b + 0ed pages`; '' for direct pages that no guest entry stands behind. */
export function guestEntryName(ctx: FormContext, page: PageView, index: number): string {
  if (isHalfOf4MiB(ctx, page)) {
    const frame = (page.gfn % LARGE_PAGE_FRAMES) + index;
    return `gPDE ${gpdeIndex(ctx, page) ?? '?'} + ${hex(frame, 3)} pages`;
  }
  if (page.direct) return '';
  const name = ENTRY_NAMES[page.level] ?? 'entry';
  if (page.gpteBytes === 8) return `${name} ${hex(index, 3)}`;
  const entry = page.level === 2 ? 256 * page.quadrant + (index >> 1) : 512 * page.quadrant + index;
  return `${name} ${hex(entry, 3)}`;
}

/** Index of the guest's page-directory entry that maps a 4 MiB page; undefined when the address is not known. */
export function gpdeIndex(ctx: FormContext, page: PageView): string | undefined {
  const base = ctx.cursor.baseAddress(page.id);
  return base === undefined ? undefined : hex(base >> 22n, 3);
}

/** The page-directory entry of a 4 MiB page, as the walk read it that made the page; undefined when the trace does not show it. */
export function gpdeValue(ctx: FormContext, page: PageView): bigint | undefined {
  const { table } = ctx.replay;
  const walk = page.born < 0 ? undefined : walkBefore(table, page.born);
  if (walk === undefined) return undefined;
  const pid = table.pid(walk);
  const frame = page.gfn - (page.gfn % LARGE_PAGE_FRAMES);
  let found: bigint | undefined;
  for (let e = walk as number; e <= page.born; e++) {
    if (table.kind(e) !== Kind.element || table.pid(e) !== pid) continue;
    const pte = new ArgumentReader(table, e).word('pte') ?? 0n;
    if (pte & PAGE_SIZE_BIT && Number(pte >> 22n) * LARGE_PAGE_FRAMES === frame) found = pte;
  }
  return found;
}
