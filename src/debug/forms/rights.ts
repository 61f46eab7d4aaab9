import { isEpt, spteBit, type SpteField, type SpteFormat } from '../../replay/query/spteBits.js';

/**
 * The one alphabet of rights (ui.md §2): `rwxu ads g hm`, positions fixed, absent `-`. An SPTE has no guest-global letter; its `s` says
 * `-` also for a large leaf, whose size stands behind the page frame. A guest entry has no `hm`.
 */

const EPT_SAVED_READ = 1n << 54n;
const EPT_SAVED_EXEC = 1n << 56n;

/** `rwx-`. Saved rights of an access-tracked EPT entry print as capitals. */
export function rwxu(value: bigint, format: SpteFormat): string {
  const letter = (field: SpteField, c: string): string => (spteBit(value, field, format) ? c : '-');
  const saved = (mask: bigint, c: string): string | undefined => (isEpt(format) && (value & mask) !== 0n ? c : undefined);
  const read = letter('r', 'r') === '-' ? (saved(EPT_SAVED_READ, 'R') ?? '-') : 'r';
  const exec = letter('x', 'x') === '-' ? (saved(EPT_SAVED_EXEC, 'X') ?? '-') : 'x';
  // an EPT entry has no user bit of its own
  return read + letter('w', 'w') + exec + (isEpt(format) ? ' ' : letter('u', 'u'));
}

/** `ad-` */
export function accessedDirty(value: bigint, format: SpteFormat): string {
  return `${spteBit(value, 'a', format) ? 'a' : '-'}${spteBit(value, 'd', format) ? 'd' : '-'}-`;
}

/** `hm`: host-writable, MMU-writable */
export function hostMmu(value: bigint, format: SpteFormat): string {
  return `${spteBit(value, 'hw', format) ? 'h' : '-'}${spteBit(value, 'mw', format) ? 'm' : '-'}`;
}

/** `rwx- ad- hm`: an SPTE */
export function shadowRights(value: bigint, format: SpteFormat): string {
  return `${rwxu(value, format)} ${accessedDirty(value, format)} ${hostMmu(value, format)}`;
}

/** `rwx- ads g`: a guest entry; `bytes` is its size, since 4-byte entries have no NX. */
export function guestRights(pte: bigint, bytes: 4 | 8): string {
  const on = (bit: number, c: string): string => ((pte >> BigInt(bit)) & 1n ? c : '-');
  const nx = bytes === 8 && (pte >> 63n) & 1n;
  return `${on(0, 'r')}${on(1, 'w')}${nx ? '-' : on(0, 'x')}${on(2, 'u')} ${on(5, 'a')}${on(6, 'd')}${on(7, 's')} ${on(8, 'g')}`;
}

/** One letter for the wide cell: dirty, accessed, or neither (prefetched, not used). */
export function usedLetter(value: bigint, format: SpteFormat): 'd' | 'a' | '-' {
  return spteBit(value, 'd', format) ? 'd' : spteBit(value, 'a', format) ? 'a' : '-';
}
