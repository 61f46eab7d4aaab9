import { NO_PAGE, type PageId, type SpteIndex } from '../../engine/ids.js';
import type { Mmu } from '../../engine/mmu.js';
import { roleField } from '../../engine/role.js';
import type { Vcpu } from '../../engine/vcpu.js';

/** A guest address that an SPTE translates, by the first way up to a root; undefined where none leads there. */
export function addressOf(mmu: Mmu, vcpus: readonly Vcpu[], page: PageId, index: SpteIndex): bigint | undefined {
  let address = 0n;
  let at = { page, index };
  // Links go up level by level.
  for (let level = mmu.pages.level(page); ; level++) {
    address |= BigInt(at.index) << BigInt(12 + 9 * (level - 1));
    const [parent] = mmu.parents(at.page);
    if (!parent || parent.page === NO_PAGE) return rooted(mmu, vcpus, at.page, address);
    at = parent;
  }
}

function rooted(mmu: Mmu, vcpus: readonly Vcpu[], root: PageId, address: bigint): bigint | undefined {
  switch (mmu.pages.level(root)) {
    case 5:
      return BigInt.asUintN(64, BigInt.asIntN(57, address));
    case 4:
      return BigInt.asUintN(64, BigInt.asIntN(48, address));
    case 2: {
      const slot = slotOf(mmu, vcpus, root);
      return slot === undefined ? undefined : address | (BigInt(slot) << 30n);
    }
    default:
      return undefined;
  }
}

/** The slot of the PDPT that a page directory stands in: its quadrant where it has one, else where a vCPU has it. */
function slotOf({ pages }: Mmu, vcpus: readonly Vcpu[], root: PageId): number | undefined {
  const { role, gfn } = pages.birth(root);
  if (roleField(role, 'has4ByteGpte')) return roleField(role, 'quadrant');
  if (roleField(role, 'direct')) return Math.floor(gfn / 2 ** 18);
  for (const vcpu of vcpus) {
    const slot = vcpu.roots().indexOf(root);
    if (slot >= 0) return slot;
  }
  return undefined;
}
