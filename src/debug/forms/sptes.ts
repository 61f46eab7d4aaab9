import type { PageId } from '../../engine/ids.js';
import type { SpteKind } from '../../protocol.js';
import type { EntryView, PageView } from '../../replay/view.js';
import { mmioFields, spteFrameOf } from '../../replay/query/spteBits.js';
import { formatOf, type FormContext } from './context.js';
import { setByOf } from './history.js';
import { kindedEntries, presentOf512 } from './kinds.js';
import { address, count, hex, indexName, size, spanOf } from './numbers.js';
import { pageName } from './pages.js';
import { rwxu, shadowRights, usedLetter } from './rights.js';

/** Text forms of one SPTE (ui.md §2, §5, §11). */

/** The letter of an entry; the middle dot for an empty one. */
export function kindOf(ctx: FormContext, page: PageId, entry: EntryView): SpteKind {
  return entry.state === 'empty' ? '·' : (ctx.cursor.spteKind(page, entry) as SpteKind);
}

/**
 * `R r-x- a-- h-  gfn 1000 → pfn 16bc00 2M · 16bc00aa1`, `T → 2c00 L1 q0 direct w-x · 488 of 512: 480W 8P · 1694a8827 ~`,
 * `M rw gfn fee00 gen 12 · 80000fee00097`, `· 0`.
 */
export function spteLine(ctx: FormContext, page: PageView, entry: EntryView): string {
  const kind = kindOf(ctx, page.id, entry);
  switch (entry.state) {
    case 'empty':
      return '· 0';
    case 'unknown':
      return `${kind}${kind === '?' ? '' : ' ?'} · ${entry.doubt?.why ?? 'not known'}`;
    case 'link':
      return tableLine(ctx, kind, entry);
    case 'mmio':
      return `${kind} ${mmioText(ctx, entry)} · ${valueText(entry)}`;
    case 'leaf':
      return entry.value === null
        ? `${kind} ${frames(page, entry)} · ${valueText(entry)}`
        : `${kind} ${shadowRights(entry.value, formatOf(ctx))}  ${frames(page, entry)} · ${valueText(entry)}`;
  }
}

function tableLine(ctx: FormContext, kind: SpteKind, entry: EntryView): string {
  if (entry.child === undefined) return `${kind} → ? · ${valueText(entry)}`;
  const child = ctx.cursor.page(entry.child);
  // halves of one large page differ in access alone
  const name = child.direct ? `${pageName(child)} direct ${child.access}` : pageName(child);
  const entries = entry.value === null ? [] : kindedEntries(ctx, entry.child);
  return [`${kind} → ${name}`, ...(entries.length ? [presentOf512(entries)] : []), valueText(entry)].join(' · ');
}

/**
 * `16ceede63`, derived `1694a8827 ~`, link without a known frame `?827`, contradicted ` !=`. What may have happened to it unseen is a
 * sentence, not a mark: hovers, details and copies say it.
 */
export function valueText(entry: EntryView): string {
  const known = entry.value !== null ? hex(entry.value) : entry.flags !== undefined ? `?${hex(entry.flags & 0xfffn, 3)}` : '?';
  // the ? in place of the digits says already that it is not recorded
  const grade = entry.value !== null && (entry.grade === 'derived' || entry.grade === 'assumed') ? ' ~' : '';
  return `${known}${grade}${entry.grade === 'contradicted' ? ' !=' : ''}`;
}

/** `rw gfn fee00 gen 12` */
function mmioText(ctx: FormContext, entry: EntryView): string {
  if (entry.value === null) return `gfn ${entry.gfn === undefined ? '?' : hex(entry.gfn)} gen ?`;
  const { gfn, gen, access } = mmioFields(entry.value, formatOf(ctx));
  return `${access & 2 ? 'rw' : 'r-'} gfn ${hex(entry.gfn ?? gfn)} gen ${hex(gen)}`;
}

/** `gfn 1000 → pfn 16bc00 2M` */
export function frames(page: PageView, entry: EntryView, arrow = '→'): string {
  const gfn = entry.gfn === undefined ? '?' : hex(entry.gfn);
  const pfn = pfnText(entry) ?? '?';
  return `gfn ${gfn} ${arrow} pfn ${pfn}${page.level > 1 ? ` ${size(spanOf(page.level))}` : ''}`;
}

export function pfnText(entry: EntryView): string | undefined {
  return entry.value === null ? undefined : hex(spteFrameOf(entry.value));
}

/** The four letters of a wide cell: `Wx-d`, `Tq0`, `Td1`, `M`. */
export function wideLetters(ctx: FormContext, kind: SpteKind, entry: EntryView): string {
  if (kind === 'T') {
    if (entry.child === undefined) return 'T?';
    const child = ctx.cursor.page(entry.child);
    return `T${child.direct ? 'd' : 'q'}${child.quadrant}`;
  }
  if (entry.state !== 'leaf' || entry.value === null) return kind;
  const rights = rwxu(entry.value, formatOf(ctx));
  return `${kind}${rights[2]}${rights[3]}${usedLetter(entry.value, formatOf(ctx))}`;
}

/** `[0ed] c2ced000 W gfn 2ced → pfn 16ceed rwx- d, set by 300,019` */
export function spteHover(ctx: FormContext, page: PageView, base: bigint | undefined, kind: SpteKind, entry: EntryView): string {
  const place = base === undefined ? [] : [address(base + BigInt(entry.index) * spanOf(page.level))];
  const what = [`[${indexName(entry.index)}]`, ...place, kind, ...contents(ctx, page, entry)].join(' ');
  const derived = entry.grade === 'recorded' ? '' : entry.grade === 'contradicted' ? ' !=' : ' ~';
  const event = setByOf(ctx, page.id, entry);
  const verb = entry.state === 'link' ? 'linked' : 'set';
  const by = event < 0 ? `${verb} before the trace` : `${verb} by ${count(event)}${derived}`;
  return `${what}, ${by}${entry.doubt ? `; ${entry.doubt.why}` : ''}`;
}

function contents(ctx: FormContext, page: PageView, entry: EntryView): string[] {
  switch (entry.state) {
    case 'leaf': {
      if (entry.value === null) return [frames(page, entry)];
      const format = formatOf(ctx);
      return [frames(page, entry), rwxu(entry.value, format), usedLetter(entry.value, format)];
    }
    case 'link': {
      const child = entry.child === undefined ? undefined : ctx.cursor.page(entry.child);
      return ['→', child ? `${pageName(child)}${child.direct ? ' direct' : ''} ${child.access}` : '?'];
    }
    case 'mmio':
      return [mmioText(ctx, entry)];
    default:
      return [];
  }
}

/** For copies: `W rwx- ad- hm  gfn 2ced -> pfn 16ceed`, `T -> 2c00 L1 q0`. */
export function copyContents(ctx: FormContext, page: PageView, entry: EntryView): string {
  const kind = kindOf(ctx, page.id, entry);
  switch (entry.state) {
    case 'leaf':
      return entry.value === null
        ? `${kind} ${frames(page, entry, '->')}`
        : `${kind} ${shadowRights(entry.value, formatOf(ctx))}  ${frames(page, entry, '->')}`;
    case 'link': {
      const child = entry.child === undefined ? undefined : ctx.cursor.page(entry.child);
      return `${kind} -> ${child ? pageName(child) : '?'}`;
    }
    case 'mmio':
      return `${kind} ${mmioText(ctx, entry)}`;
    case 'unknown':
      return kind;
    case 'empty':
      return '·';
  }
}
