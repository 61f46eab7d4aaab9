import type { SpteKind } from '../../protocol.js';
import type { PageView } from '../../replay/view.js';
import { formatOf, type FormContext } from './context.js';
import type { Kinded } from './kinds.js';
import { addressRange, hex, indexName, size, spanOf } from './numbers.js';
import { rwxu } from './rights.js';

/** Neighbouring entries of equal kind and rights (ui.md §7). */
export interface Range {
  readonly first: number;
  readonly last: number;
  readonly kind: SpteKind;
  /** `rwx-`; '' for tables and what has no rights */
  readonly rights: string;
  /** `2c00`, `2c00…` when the frames run on, `scattered` */
  readonly gfn: string;
}

export function rangesOf(ctx: FormContext, page: PageView, entries: readonly Kinded[]): Range[] {
  const groups: Kinded[][] = [];
  for (const item of entries) {
    const group = groups.at(-1);
    const last = group?.at(-1);
    if (group && last && last.entry.index + 1 === item.entry.index && keyOf(ctx, last) === keyOf(ctx, item)) group.push(item);
    else groups.push([item]);
  }
  return groups.map((group) => ({
    first: group[0]!.entry.index,
    last: group.at(-1)!.entry.index,
    kind: group[0]!.kind,
    rights: rightsOf(ctx, group[0]!),
    gfn: framesOf(page, group),
  }));
}

function keyOf(ctx: FormContext, item: Kinded): string {
  return item.kind + rightsOf(ctx, item);
}

function rightsOf(ctx: FormContext, { entry }: Kinded): string {
  return entry.state === 'leaf' && entry.value !== null ? rwxu(entry.value, formatOf(ctx)) : '';
}

function framesOf(page: PageView, group: readonly Kinded[]): string {
  const first = group[0]!.entry.gfn;
  if (first === undefined) return '';
  const step = Number(spanOf(page.level) / 4096n);
  const runsOn = group.every(({ entry }, i) => entry.gfn === first + i * step);
  if (!runsOn) return 'scattered';
  return group.length > 1 ? `${hex(first)}…` : hex(first);
}

/** `[000-04f] c2c00000-c2c4ffff  320K  W rwx-  gfn 2c00…  80 × 4K`: a line of a copy */
export function rangeLine(page: PageView, base: bigint | undefined, range: Range): string {
  const span = spanOf(page.level);
  const n = range.last - range.first + 1;
  const indices = n === 1 ? `[${indexName(range.first)}]` : `[${indexName(range.first)}-${indexName(range.last)}]`;
  const at = (index: number): bigint => (base ?? 0n) + BigInt(index) * span;
  const addresses = base === undefined ? [] : [addressRange(at(range.first), at(range.last + 1) - 1n, '-')];
  const rights = range.rights ? `${range.kind} ${range.rights}` : range.kind;
  const gfn = range.gfn ? [range.gfn === 'scattered' ? 'scattered' : `gfn ${range.gfn}`] : [];
  return [`${indices}`.padEnd(9), ...addresses, size(BigInt(n) * span), rights, ...gfn, `${n} × ${size(span)}`].join('  ');
}
