import type { Gfn, PageId, SpteIndex } from '../../engine/ids.js';
import type { FindHit } from '../../protocol.js';
import { parseReference } from '../../replay/query/references.js';
import { ConditionError } from '../../replay/query/errors.js';
import { spteFrameOf } from '../../replay/query/spteBits.js';
import { vmAt, type FormContext } from './context.js';
import { hex, plural, spanOf } from './numbers.js';
import { pageName, pageRef, spteName } from './pages.js';
import { spteLine } from './sptes.js';

/** Answers of `shadowMmu/find`: hits, or one sentence why there are none. */
export interface FindAnswer {
  readonly hits: FindHit[];
  readonly message?: string;
}

const FRAME = /^(gfn|pfn)\s*=*\s*(?:0x)?([0-9a-f]+)$/iu;
const ADDRESS = /^(?:0x)?([0-9a-f]{1,16})$/iu;
const HELP = 'Write a guest address (c2ced000), gfn 2ced, pfn 16ceed, or a page (2c00 L1 q0, 2c00 L1 q0 [0ed]).';

/** An address, `gfn 2ced`, `pfn 16ceed`, or a page name, in the state at the cursor. */
export function find(ctx: FormContext, query: string): FindAnswer {
  const text = query.trim();
  const frame = FRAME.exec(text);
  if (frame) return frame[1]!.toLowerCase() === 'gfn' ? byGfn(ctx, parseInt(frame[2]!, 16)) : byPfn(ctx, BigInt(`0x${frame[2]!}`));
  const named = byName(ctx, text);
  if (named) return named;
  const address = ADDRESS.exec(text);
  return address ? byAddress(ctx, BigInt(`0x${address[1]!}`)) : { hits: [], message: HELP };
}

function byName(ctx: FormContext, text: string): FindAnswer | undefined {
  const ref = parseReference(text);
  if (ref instanceof ConditionError) return { hits: [], message: ref.toString() };
  if (!ref?.page) return undefined;
  const { gfn, level, quadrant, direct } = ref.page;
  const pages = ctx.cursor.livePages(vmAt(ctx)).filter((id) => {
    const p = ctx.cursor.header(id);
    return p.gfn === gfn && p.level === level && p.quadrant === quadrant && (!direct || p.direct);
  });
  if (pages.length === 0) return { hits: [], message: `No page ${pageName({ gfn: gfn as Gfn, level, quadrant })} is live here.` };
  return { hits: pages.map((id) => (ref.index === undefined ? pageHit(ctx, id) : spteHit(ctx, id, ref.index))) };
}

/** Reverse look-up: the pages that shadow the frame, then the leaves that map it. */
function byGfn(ctx: FormContext, gfn: number): FindAnswer {
  const vm = vmAt(ctx);
  const hits = [
    ...ctx.cursor.pagesOfGfn(vm, gfn as Gfn).map((id) => pageHit(ctx, id, 'shadowed as ')),
    ...ctx.cursor.mappers(vm, gfn as Gfn).map(({ page, index }) => spteHit(ctx, page, index, 'mapped by ')),
  ];
  return hits.length ? { hits } : { hits, message: `Nothing maps or shadows gfn ${hex(gfn)} here.` };
}

/** Leaves and links are searched one by one: only a person asks this. */
function byPfn(ctx: FormContext, pfn: bigint): FindAnswer {
  const hits: FindHit[] = [];
  for (const id of ctx.cursor.livePages(vmAt(ctx))) {
    const page = ctx.cursor.page(id);
    if (page.frame !== null && BigInt(page.frame) === pfn) hits.push(pageHit(ctx, id, 'is '));
    for (const entry of ctx.cursor.entries(id)) {
      if (entry.state !== 'leaf' || entry.value === null) continue;
      const first = spteFrameOf(entry.value);
      if (pfn >= first && pfn < first + spanOf(page.level) / 4096n) hits.push(spteHit(ctx, id, entry.index, 'mapped by '));
    }
  }
  return hits.length ? { hits } : { hits, message: `No SPTE maps pfn ${hex(pfn)} here.` };
}

/** Down from the roots of every vCPU, the current one's first, as far as the shadow tables go. */
function byAddress(ctx: FormContext, address: bigint): FindAnswer {
  const current = ctx.cursor.event >= 0 ? ctx.replay.vcpuOf(ctx.cursor.event)?.vcpu : undefined;
  const roots = [...ctx.cursor.roots(vmAt(ctx))].sort((a, b) => Number(b.vcpu === current) - Number(a.vcpu === current));
  const hits: FindHit[] = [];
  const seen = new Set<string>();
  for (const { vcpu, pages } of roots) {
    const place = descend(ctx, rootFor(ctx, pages, address), address);
    const key = place && `${place.page}.${place.index}`;
    if (!place || seen.has(key!)) continue;
    seen.add(key!);
    hits.push(spteHit(ctx, place.page, place.index, `vCPU ${vcpu}: `));
  }
  return hits.length ? { hits } : { hits, message: `No root is loaded that could map ${hex(address, 8)}.` };
}

/** PAE roots are four, one for each GiB. */
function rootFor(ctx: FormContext, pages: readonly PageId[], address: bigint): PageId | undefined {
  const [first] = pages.filter((id) => id !== 0);
  if (first === undefined) return undefined;
  if (ctx.cursor.page(first).level >= 3) return first;
  return address >> 32n ? undefined : pages[Number(address >> 30n)] || undefined;
}

/** The last entry on the way to an address: a leaf, or where the way ends. */
function descend(ctx: FormContext, root: PageId | undefined, address: bigint): { page: PageId; index: SpteIndex } | undefined {
  if (root === undefined) return undefined;
  let page = root;
  for (;;) {
    const level = ctx.cursor.page(page).level;
    const index = Number((address / spanOf(level)) % 512n) as SpteIndex;
    const { child } = ctx.cursor.entry(page, index);
    if (child === undefined || level <= 1) return { page, index };
    page = child;
  }
}

function pageHit(ctx: FormContext, id: PageId, lead = ''): FindHit {
  const page = ctx.cursor.page(id);
  const present = plural(ctx.cursor.entries(id).length, 'SPTE');
  return { page: pageRef(ctx, id), label: `${lead}${pageName(page)}  ${page.access}, ${present}` };
}

function spteHit(ctx: FormContext, id: PageId, index: SpteIndex, lead = ''): FindHit {
  const page = ctx.cursor.page(id);
  return { page: pageRef(ctx, id), index, label: `${lead}${spteName(page, index)}  ${spteLine(ctx, page, ctx.cursor.entry(id, index))}` };
}
