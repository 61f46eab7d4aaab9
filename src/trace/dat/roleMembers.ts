import { LAYOUT_5_1, LAYOUT_5_17, LAYOUT_7, type RoleLayout } from '../../engine/roleLayout.js';
import type { RoleField } from '../../engine/role.js';
import { visitAll, type PrintFmt } from './expr.js';

/** Names that members of `union kvm_mmu_page_role` have or had (spec/roles.md §2), by the engine's own. */
const ENGINE_NAME: Readonly<Record<string, RoleField>> = {
  gpte_is_8_bytes: 'has4ByteGpte',
  cr4_pae: 'has4ByteGpte',
  has_4_byte_gpte: 'has4ByteGpte',
  nxe: 'efer_nx',
};

/** A bit field of the kernel's role word, as its own name says. */
export function roleMember(layout: RoleLayout, member: string, word: number): bigint {
  const place = layout.fields[ENGINE_NAME[member] ?? (member as RoleField)];
  return place ? BigInt((word >>> place[0]) & ((1 << place[1]) - 1)) : 0n;
}

/**
 * The layout of role words, from the print fmt of an event that prints one: the name of bit 4 says which way round it is, the number of
 * access strings how many access bits there are (spec/roles.md §2.8). Undefined when it prints no role.
 */
export function layoutOf(print: PrintFmt): RoleLayout | undefined {
  let layout: RoleLayout | undefined;
  let letters = 0;
  visitAll(print, (e) => {
    if (e.t === 'table') letters = Math.max(letters, e.items[0]?.length ?? 0);
    else if (e.t === 'role' && (e.member === 'gpte_is_8_bytes' || e.member === 'cr4_pae')) layout = LAYOUT_5_1;
    else if (e.t === 'role' && e.member === 'has_4_byte_gpte') layout ??= LAYOUT_5_17;
  });
  return layout && letters === 4 ? LAYOUT_7 : layout;
}
