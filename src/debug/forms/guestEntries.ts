import type { EventIndex } from '../../engine/ids.js';
import type { EventSource } from '../../replay/query/scope.js';
import type { PageView } from '../../replay/view.js';
import { ArgumentReader, Kind } from '../../replay/query/arguments.js';
import { walkBefore } from './bursts.js';
import type { FormContext } from './context.js';
import { hex, size, spanOf } from './numbers.js';
import { guestRights } from './rights.js';

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

/** `gPDE 30b`, `gPTE 131`, `gPDE 30b + 0ed pages`; '' for direct and local pages, which no guest entry stands behind. */
export function guestEntryName(ctx: FormContext, page: PageView, index: number): string {
  if (isHalfOf4MiB(ctx, page)) {
    const frame = (page.gfn % LARGE_PAGE_FRAMES) + index;
    return `gPDE ${gpdeIndex(ctx, page) ?? '?'} + ${hex(frame, 3)} pages`;
  }
  if (page.direct || page.local) return '';
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

/**
 * A guest entry as a walk read it: `102007 at level 2: rwxu a-- -  gfn 102`, `02c001e3 at level 2: rwx- ads g  gfn 2c00 4M`. The
 * first level that the walk read tells the size of its entries: only a walk of 4-byte entries begins at level 2.
 */
export function guestEntryText(table: EventSource, event: EventIndex): string {
  const args = new ArgumentReader(table, event);
  const pte = args.word('pte') ?? 0n;
  const level = args.num('level') ?? 0;
  const top = topLevel(table, event);
  const bytes = top === 2 ? 4 : 8;
  const name = `${hex(pte)} at level ${level}`;
  if (!(pte & 1n)) return `${name}: not present`;
  const large = (pte & PAGE_SIZE_BIT) !== 0n && (level === 2 || level === 3);
  const page = bytes === 4 && large ? (pte >> 22n) << 10n : (pte & 0x000f_ffff_ffff_f000n) >> 12n;
  // of the bits below the frame, a PDPTE of PAE paging has P alone
  if (level === 3 && top === 3) return `${name}: gfn ${hex(page)}`;
  const bytesMapped = bytes === 4 ? 1n << 22n : spanOf(level);
  return `${name}: ${guestRights(pte, bytes)}  gfn ${hex(page)}${large ? ` ${size(bytesMapped)}` : ''}`;
}

/** Level of the first entry of the walk that an element belongs to. */
function topLevel(table: EventSource, element: EventIndex): number | undefined {
  const walk = walkBefore(table, element);
  if (walk === undefined) return undefined;
  const pid = table.pid(walk);
  for (let e: number = walk + 1; e <= element; e++) {
    if (table.kind(e) === Kind.element && table.pid(e) === pid) return new ArgumentReader(table, e).num('level');
  }
  return undefined;
}
