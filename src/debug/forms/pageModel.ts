import type { EventIndex, PageId } from '../../engine/ids.js';
import type { EntryModel, PageModel, PageRef } from '../../protocol.js';
import { sameRole } from '../../replay/query/roles.js';
import type { EntryView, PageView } from '../../replay/view.js';
import { vmAt, vmOfPage, type FormContext } from './context.js';
import { pageCopy } from './copies.js';
import { eventRef } from './events.js';
import { setByOf } from './history.js';
import { kindedEntries, type Kinded } from './kinds.js';
import { address, hex, spanOf } from './numbers.js';
import { mapsText, pageName, pageRef, pageTags, roleFormOf, rootTable } from './pages.js';
import { oneToOneText, quadrantPicture } from './quadrants.js';
import { roleRows, roleWordText } from './roles.js';
import { pfnText, spteHover, wideLetters } from './sptes.js';

/** Everything the SPTE layout shows of a page at the cursor's position; `previousStop` is where the debugger stood before. */
export function pageModel(ctx: FormContext, id: PageId, previousStop: EventIndex | null): PageModel {
  const { cursor, replay } = ctx;
  const page = cursor.page(id);
  const entries = kindedEntries(ctx, id);
  const base = cursor.baseAddress(id);
  const changed = previousStop === null || previousStop === cursor.event ? [] : cursor.changedSince(id, previousStop);
  const quadrants = quadrantPicture(ctx, page);
  const successor = page.live ? undefined : successorOf(ctx, page);
  return {
    event: eventRef(replay.table, cursor.event),
    previousStop: previousStop === null ? null : eventRef(replay.table, previousStop),
    page: { id, name: pageName(page) },
    gfn: hex(page.gfn),
    level: page.level,
    quadrant: page.quadrant,
    tags: pageTags(page),
    live: page.live,
    maps: mapsText(ctx, page, '') ?? null,
    ...(base !== undefined && { base: address(base) }),
    span: hex(spanOf(page.level)),
    role: roleWordText(roleFormOf(ctx, page)),
    roleFields: roleRows(roleFormOf(ctx, page)),
    gen: page.gen,
    born: page.bornBefore ? null : eventRef(replay.table, page.born),
    ...(page.zappedAt !== undefined && { zapped: eventRef(replay.table, page.zappedAt) }),
    ...(successor && { successor }),
    frame: page.frame === null ? null : hex(page.frame),
    parents: parentsOf(ctx, page),
    rootOf: rootsOf(page),
    ...(quadrants ? { quadrants } : { oneToOne: oneToOneText(page) }),
    entries: entries.map((e) => entryModel(ctx, page, base, e)),
    changed: changed.map((c) => c.index),
    before: changed.map((c) => [c.index, valueBefore(c.before)]),
    memory: Buffer.from(cursor.memory(id)).toString('base64'),
    text: pageCopy(ctx, page, entries),
  };
}

/** One entry that is not empty. */
export function entryModel(ctx: FormContext, page: PageView, base: bigint | undefined, { entry, kind }: Kinded): EntryModel {
  const pfn = entry.state === 'leaf' ? pfnText(entry) : undefined;
  const setBy = setByOf(ctx, page.id, entry);
  return {
    index: entry.index,
    kind,
    wide: wideLetters(ctx, kind, entry),
    value: entry.value === null ? null : hex(entry.value),
    ...(entry.value === null && entry.flags !== undefined && { flags: hex(entry.flags) }),
    grade: entry.grade,
    ...(entry.doubt && { doubt: entry.doubt.why }),
    ...(entry.child !== undefined && { child: pageRef(ctx, entry.child) }),
    ...(entry.gfn !== undefined && { gfn: hex(entry.gfn) }),
    ...(pfn !== undefined && { pfn }),
    hover: spteHover(ctx, page, base, kind, entry),
    ...(setBy >= 0 && { setBy }),
  };
}

function valueBefore(entry: EntryView): string | null {
  return entry.state === 'empty' || entry.value === null ? null : hex(entry.value);
}

/** A zapped page's place is often taken again: the live page of the same gfn and role. */
function successorOf(ctx: FormContext, page: PageView): PageRef | undefined {
  const next = ctx.cursor
    .pagesOfGfn(vmOfPage(ctx, page), page.gfn)
    .find((id) => id !== page.id && sameRole(ctx.cursor.page(id).role, page.role));
  return next === undefined ? undefined : pageRef(ctx, next);
}

/** Parents with the vCPU that reaches them, if any does; those of the current vCPU first. */
export function parentsOf(ctx: FormContext, page: PageView): PageModel['parents'] {
  const current = ctx.cursor.event >= 0 ? ctx.replay.vcpuOf(ctx.cursor.event)?.vcpu : undefined;
  const reached = vcpusByPage(ctx);
  const parents = page.parents.map(({ page: id, index }) => {
    const vcpus = reached(id);
    const vcpu = current !== undefined && vcpus.includes(current) ? current : vcpus[0];
    return { page: pageRef(ctx, id), index, ...(vcpu !== undefined && { vcpu }) };
  });
  const rank = (vcpu: number | undefined): number => (vcpu === undefined ? 2 : vcpu === current ? 0 : 1);
  return parents.sort((a, b) => rank(a.vcpu) - rank(b.vcpu));
}

/** The vCPUs whose root leads to a page. */
function vcpusByPage(ctx: FormContext): (id: PageId) => number[] {
  const roots = ctx.cursor.roots(vmAt(ctx));
  const known = new Map<PageId, number[]>();
  const find = (id: PageId): number[] => {
    const done = known.get(id);
    if (done) return done;
    known.set(id, []);
    const own = roots.filter((r) => r.pages.includes(id)).map((r) => r.vcpu);
    const above = ctx.cursor.page(id).parents.flatMap((p) => find(p.page));
    const all = [...new Set([...own, ...above])].sort((a, b) => a - b);
    known.set(id, all);
    return all;
  };
  return find;
}

/** `vCPU 0, PDPTE 3, CR3 gfn 2cd2`; a 4-level root hangs in no PDPTE. */
function rootsOf(page: PageView): string[] {
  return page.roots.map(({ vcpu, slot }) =>
    [`vCPU ${vcpu}`, ...(page.level <= 2 ? [`PDPTE ${slot}`] : []), ...(page.direct ? [] : [rootTable(page)])].join(', '),
  );
}
