import type { PageId } from '../../engine/ids.js';
import type { PageRef } from '../../protocol.js';
import type { PageView, VcpuRoots } from '../../replay/view.js';
import { layoutOf, type FormContext } from './context.js';
import { kindedEntries, presentOf512, type Kinded } from './kinds.js';
import type { RoleForm } from './roles.js';
import { addressRange, count, hex, indexName, size, spanOf } from './numbers.js';

type Named = Readonly<Pick<PageView, 'gfn' | 'level' | 'quadrant'>>;

/** `2c00 L1 q0` */
export function pageName({ gfn, level, quadrant }: Named): string {
  return `${hex(gfn)} L${level} q${quadrant}`;
}

/** `2c00 L1 q0 [0ed]` */
export function spteName(page: Named, index: number): string {
  return `${pageName(page)} [${indexName(index)}]`;
}

export function pageRef(ctx: FormContext, id: PageId): PageRef {
  return { id, name: pageName(ctx.cursor.page(id)) };
}

/** The name in links: `2c00.1.0d`, d for direct. */
export function pageLinkName(page: PageView): string {
  return `${hex(page.gfn)}.${page.level}.${page.quadrant}${page.direct ? 'd' : ''}`;
}

/** `4-byte` or `8-byte`: what its guest entries are; `direct` where it has none. A `local` page is above the guest's tables. */
export function gpteWord(page: PageView): string {
  return page.local ? 'local' : page.direct ? 'direct' : `${page.gpteBytes}-byte`;
}

/** `sync`, `unsync since 300,018` */
export function syncText(page: PageView): string {
  if (!page.unsync) return 'sync';
  return page.unsyncSince === undefined ? 'unsync' : `unsync since ${count(page.unsyncSince)}`;
}

/** `2cd2 L2 q3  4-byte wux root×1 sync gen 0 · 18 of 512: 10T 3W 5R` */
export function pageLine(ctx: FormContext, page: PageView, entries: readonly Kinded[] = kindedEntries(ctx, page.id)): string {
  return `${pageName(page)}${mismatch(page)}  ${pageWords(page)} · ${presentOf512(entries)}`;
}

/** `4-byte wux root×1 sync gen 0`, with `invalid`, `obsolete`, `zapped at 1,234` where it is. */
export function pageWords(page: PageView): string {
  return [
    gpteWord(page),
    page.access,
    ...(page.invalid ? ['invalid'] : []),
    ...(page.rootCount ? [`root×${page.rootCount}`] : []),
    syncText(page),
    `gen ${page.gen}`,
    ...(page.obsolete ? ['obsolete'] : []),
    ...lifeWords(page),
  ].join(' ');
}

/** `zapped at 1,234`, or `born at 1,234` for a page that is not there yet: a locked view can be before its birth. */
function lifeWords(page: PageView): string[] {
  if (page.live) return [];
  return [page.zappedAt === undefined ? `born at ${count(page.born)}` : `zapped at ${count(page.zappedAt)}`];
}

/** ` != derived q0` where the engine derived another quadrant than was recorded */
export function mismatch(page: PageView): string {
  return page.derivedQuadrant === undefined ? '' : ` != derived q${page.derivedQuadrant}`;
}

/** First guest address of a page and its last, when the path from a root is known. */
export function mapsRange(ctx: FormContext, page: PageView): { first: bigint; last: bigint } | undefined {
  const first = ctx.cursor.baseAddress(page.id);
  // A local page has the addresses of a 32-bit guest: four GiB below a PDPT, or what entry 0 leads to.
  const entries = !page.local ? 512n : page.level === 3 ? 4n : 1n;
  return first === undefined ? undefined : { first, last: first + entries * spanOf(page.level) - 1n };
}

/** `c0000000–ffffffff, 2M each`; `not known` when no path from a root is known. `comma` '' is the header of the layout. */
export function mapsText(ctx: FormContext, page: PageView, comma = ','): string | undefined {
  const range = mapsRange(ctx, page);
  return range && `${addressRange(range.first, range.last)}${comma} ${size(spanOf(page.level))} each`;
}

/** Row `parents`: `2cd2 L2 q3 [016] +6 more`, `none (root slot 3 of vCPU 0)`, `none`. */
export function parentsText(ctx: FormContext, page: PageView): string {
  const [first] = page.parents;
  if (first) {
    const more = page.parents.length - 1;
    return `${spteName(ctx.cursor.page(first.page), first.index)}${more ? ` +${more} more` : ''}`;
  }
  const roots = page.roots.map((r) => (page.level >= 4 || page.local ? `root of vCPU ${r.vcpu}` : `root slot ${r.slot} of vCPU ${r.vcpu}`));
  return roots.length ? `none (${roots.join(', ')})` : 'none';
}

/** Value of a vCPU's root row: `CR3 gfn 2cd2, PAE, 4 × L2`, `CR3 gfn 105, 1 × L4`, `no root loaded`. */
export function rootText(ctx: FormContext, pages: readonly PageId[]): string {
  const loaded = pages.filter((id) => id !== 0).map((id) => ctx.cursor.page(id));
  const [first] = loaded;
  if (!first) return 'no root loaded';
  const tables = [...new Set(loaded.map(rootTable))];
  const kind = first.local ? ['local'] : first.level === 2 ? ['PAE'] : [];
  return [...(first.local ? [] : [tables.join(', ')]), ...kind, `${loaded.length} × L${first.level}`].join(', ');
}

/**
 * The guest table of a root page: `CR3 gfn 2cd2`. A PAE guest's four page directories hang in a table of their own, whose place no
 * event shows; a guest without paging has none.
 */
export function rootTable(page: PageView): string {
  if (page.direct || page.local) return 'no guest table';
  return page.level === 2 && page.gpteBytes === 8 ? `PD gfn ${hex(page.gfn)}` : `CR3 gfn ${hex(page.gfn)}`;
}

/** `no page header: [000] → 1 L2 q0, [001] → 1 L2 q1`; `no page header: [000] → pae_root` */
export function tableText(ctx: FormContext, { entries }: VcpuRoots['tables'][number]): string {
  const places = entries.map(({ index, to }) => `[${indexName(index)}] → ${typeof to === 'string' ? to : pageName(ctx.cursor.header(to))}`);
  return `no page header: ${places.join(', ') || 'empty'}`;
}

/** Tags of the layout's header, in order (ui.md §5). */
export function pageTags(page: PageView): { text: string; warn?: boolean }[] {
  const tags: { text: string; warn?: boolean }[] = [{ text: gpteWord(page) }, { text: page.access }];
  if (page.rootCount) tags.push({ text: `root ×${page.rootCount}` });
  if (page.unsync) tags.push({ text: 'unsync', warn: true });
  if (page.invalid) tags.push({ text: 'invalid', warn: true });
  if (page.obsolete) tags.push({ text: 'obsolete' });
  for (const text of lifeWords(page)) tags.push({ text });
  if (page.derivedQuadrant !== undefined) tags.push({ text: `≠ derived q${page.derivedQuadrant}`, warn: true });
  if (page.doubt) tags.push({ text: page.doubt.what === 'gone' ? 'perhaps gone' : 'perhaps more entries', warn: true });
  if (page.word === null) tags.push({ text: 'role partial' });
  return tags;
}

/** A page's role, for the forms of roles.ts. */
export function roleFormOf(ctx: FormContext, page: PageView): RoleForm {
  return { role: page.role, layout: layoutOf(ctx), exact: page.word !== null, word: page.word };
}
