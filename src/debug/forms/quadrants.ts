import type { Gfn, PageId } from '../../engine/ids.js';
import type { QuadrantBox, QuadrantPicture } from '../../protocol.js';
import { sameButQuadrant } from '../../replay/query/roles.js';
import type { PageView } from '../../replay/view.js';
import { vmOfPage, type FormContext } from './context.js';
import { gpdeIndex, gpdeValue, isHalfOf4MiB } from './guestEntries.js';
import { countKinds, kindedEntries, letterCounts } from './kinds.js';
import { address, hex, spanOf } from './numbers.js';
import { pageRef } from './pages.js';

/**
 * The quadrant picture (ui.md §5): a guest table of 1024 entries fills several shadow pages of 512, left to right in the order of
 * addresses.
 */
export function quadrantPicture(ctx: FormContext, page: PageView): QuadrantPicture | undefined {
  if (isHalfOf4MiB(ctx, page)) return largePage(ctx, page);
  if (page.direct || page.gpteBytes !== 4) return undefined;
  if (page.level === 2) return pageDirectory(ctx, page);
  return page.level === 1 ? pageTable(ctx, page) : undefined;
}

/** In place of a picture, for all other guests. */
export function oneToOneText(page: PageView): string {
  if (page.local) return 'local: no guest table behind it, a page of one vCPU';
  return page.direct ? 'direct: no guest table behind it' : `${page.gpteBytes}-byte gPTEs: one guest table, one shadow page`;
}

function pageDirectory(ctx: FormContext, page: PageView): QuadrantPicture {
  return {
    caption: `guest page directory ${hex(page.gfn)}`,
    note: '1024 × 4 B → 4 pages',
    boxes: [0, 1, 2, 3].map((q) => box(ctx, page, page.gfn, q, BigInt(q) << 30n)),
    ranges: [0, 1, 2, 3].map((q) => `${hex(256 * q, 3)}–${hex(256 * q + 255, 3)}`),
  };
}

function pageTable(ctx: FormContext, page: PageView): QuadrantPicture {
  return {
    caption: `guest page table ${hex(page.gfn)}`,
    note: '1024 × 4 B → 2 pages',
    boxes: [0, 1].map((q) => box(ctx, page, page.gfn, q, halfAddress(ctx, page, q))),
    ranges: ['gPTE 000–1ff', 'gPTE 200–3ff'],
  };
}

function largePage(ctx: FormContext, page: PageView): QuadrantPicture {
  const index = gpdeIndex(ctx, page);
  const value = gpdeValue(ctx, page);
  const half = page.gfn % 1024 < 512 ? 0 : 1;
  const first = page.gfn - half * 512;
  return {
    caption: `guest 4 MiB page ${index ? `gPDE ${index}` : `gfn ${hex(first)}`}`,
    note: `${value === undefined ? '?' : hex(value, 8)} → 2 pages`,
    // kernels before 5.17 give the halves no quadrant of their own: the frame tells which it is
    boxes: [0, 1].map((q) => box(ctx, page, (first + 512 * q) as Gfn, q, halfAddress(ctx, page, q, half))),
    ranges: ['+0 MiB', '+2 MiB'],
  };
}

function halfAddress(ctx: FormContext, page: PageView, q: number, own = page.quadrant): bigint | undefined {
  const base = ctx.cursor.baseAddress(page.id);
  return base === undefined ? undefined : base + BigInt(q - own) * spanOf(2);
}

function box(ctx: FormContext, shown: PageView, gfn: Gfn, quadrant: number, first: bigint | undefined): QuadrantBox {
  const page = sibling(ctx, shown, gfn, quadrant);
  const place = { quadrant, ...(first !== undefined && { address: address(first) }) };
  if (!page) return { ...place, counts: 'no page', ticks: [] };
  const entries = kindedEntries(ctx, page.id);
  return {
    ...place,
    page: pageRef(ctx, page.id),
    counts: letterCounts(countKinds(entries)) || 'empty',
    ticks: entries.map(({ entry, kind }) => [entry.index, kind]),
    ...(page.derivedQuadrant !== undefined && { derivedQuadrant: page.derivedQuadrant }),
  };
}

/**
 * The page of another quadrant. Several can have the name, of other roles or other roots: the one beside the shown page in the same
 * parent comes first, then the youngest.
 */
function sibling(ctx: FormContext, shown: PageView, gfn: Gfn, quadrant: number): PageView | undefined {
  if (gfn === shown.gfn && quadrant === shown.quadrant) return shown;
  if (gfn === shown.gfn && shown.direct) return shown;
  const pages = ctx.cursor.pagesOfGfn(vmOfPage(ctx, shown), gfn).map((id) => ctx.cursor.page(id));
  const wanted = (p: PageView): boolean => (shown.direct || p.quadrant === quadrant) && sameButQuadrant(p.role, shown.role);
  const candidates = pages.filter((p) => p.id !== shown.id && wanted(p));
  return candidates.find((p) => areNeighbours(p, shown)) ?? candidates.filter((p) => !p.invalid).at(-1) ?? candidates.at(-1);
}

/** Both hang in the same parents, or are roots of the same vCPU. */
function areNeighbours(a: PageView, b: PageView): boolean {
  const parents = new Set<PageId>(b.parents.map((p) => p.page));
  return a.parents.some((p) => parents.has(p.page)) || a.roots.some((r) => b.roots.some((s) => s.vcpu === r.vcpu));
}
