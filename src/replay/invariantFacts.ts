import type { Gfn } from '../engine/ids.js';
import type { Known } from '../engine/invariants/index.js';
import type { Replayer } from './replayer.js';

const PAGE_BYTES = 4096;

/** What the replay knows of a VM beside the engine's cells: the guest's tables and the host's pages as far as events showed them. */
export function knownToInvariants(replay: Replayer, vm: number): Known {
  const kvm = replay.kvm(vm);
  return {
    roleMask: replay.roleMask,
    guest: { gpte: (table, offset) => kvm.guest.at(table * PAGE_BYTES + offset) },
    host: { frameOf: (gfn: Gfn) => kvm.host.at(gfn)?.pfn },
    slots: {
      get generation() {
        return kvm.slotGeneration;
      },
      isVisible: (gfn) => (kvm.host.isAbsent(gfn) ? false : undefined),
    },
    vcpu: (id) => ({ inGuest: replay.isInGuest(vm, id) }),
  };
}
