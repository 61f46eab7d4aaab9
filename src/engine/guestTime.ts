import type { EventIndex } from './ids.js';
import type { Mmu } from './mmu.js';

/** Guest code runs now. */
const NEVER_QUIET = Infinity as EventIndex;

/**
 * When the vCPUs of a VM run guest code, as far as the trace shows it: while one does, guest memory changes unseen. Traces without
 * kvm_exit show it by the walks that faults begin with; then every other vCPU may be running at any time.
 */
export class GuestTime {
  /** kvm_exit has been seen */
  showsExits = false;
  /** kvm_page_fault has been seen */
  showsFaults = false;
  private readonly seen = new Set<number>();
  /** by vCPU */
  private readonly running: boolean[] = [];
  private runningCount = 0;

  constructor(private readonly mmu: Mmu) {}

  /** Another vCPU may run guest code while one of them is in KVM. */
  get othersRun(): boolean {
    return this.runningCount > 0;
  }

  /** A vCPU entered the guest. */
  entered(vcpu: number): void {
    this.seen.add(vcpu);
    this.runs(vcpu, true);
    this.mmu.quietSince = NEVER_QUIET;
  }

  /** A vCPU is in KVM: by its exit, or by what only KVM does. */
  left(vcpu: number, now: EventIndex): void {
    this.seen.add(vcpu);
    if (!this.showsExits) for (const other of this.seen) this.runs(other, true);
    this.runs(vcpu, false);
    this.mmu.quietSince = this.othersRun ? NEVER_QUIET : now;
  }

  /** Events were lost: any vCPU may have entered the guest. */
  lost(): void {
    for (const vcpu of this.seen) this.runs(vcpu, true);
    this.mmu.quietSince = NEVER_QUIET;
  }

  private runs(vcpu: number, is: boolean): void {
    if ((this.running[vcpu] ?? false) === is) return;
    this.running[vcpu] = is;
    this.runningCount += is ? 1 : -1;
  }
}
