import type { EntryView } from '../../replay/view.js';
import type { PageId } from '../../engine/ids.js';
import type { SpteKind } from '../../protocol.js';
import type { FormContext } from './context.js';

/** The order in which counts and legends list the letters (ui.md §2). */
export const KIND_ORDER: readonly SpteKind[] = ['T', 'W', 'w', 'P', 'p', 'R', 'H', 'M', 'F', '!', '?'];

export type KindCounts = ReadonlyMap<SpteKind, number>;

export interface Kinded {
  readonly entry: EntryView;
  readonly kind: SpteKind;
}

/** The entries of a page that are not empty, with their letters. */
export function kindedEntries(ctx: FormContext, id: PageId): Kinded[] {
  return ctx.cursor.entries(id).map((entry) => ({ entry, kind: ctx.cursor.spteKind(id, entry) as SpteKind }));
}

export function countKinds(entries: readonly Kinded[]): KindCounts {
  const counts = new Map<SpteKind, number>();
  for (const { kind } of entries) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

/** `10T 3W 5R`; '' when there are none */
export function letterCounts(counts: KindCounts): string {
  return KIND_ORDER.filter((k) => counts.has(k))
    .map((k) => `${counts.get(k)}${k}`)
    .join(' ');
}

/** `18 of 512: 10T 3W 5R`, `0 of 512` */
export function presentOf512(entries: readonly Kinded[]): string {
  const letters = letterCounts(countKinds(entries));
  return `${entries.length} of 512${letters && `: ${letters}`}`;
}

/** `14: 6T 3W 5R`, for a block of 64 */
export function presentInBlock(entries: readonly Kinded[]): string {
  return `${entries.length}: ${letterCounts(countKinds(entries))}`;
}

/** What a letter means, for hovers and screen readers. */
export const KIND_NAMES: Readonly<Record<SpteKind, string>> = {
  T: 'table',
  W: 'writable leaf',
  w: 'leaf that the MMU may make writable',
  P: 'write-protected: its gfn is a guest table that KVM shadows',
  p: 'still write-protected, though nothing shadows the gfn now',
  R: 'read-only for the guest',
  H: 'host read-only',
  M: 'MMIO',
  F: 'frozen by the TDP MMU',
  '!': 'not present, unexpected bits',
  '·': 'empty',
  '?': 'not known',
};
