import { PferrBit } from '../engine/permission.js';
import type { Cpu } from './cpu.js';
import { isLong } from './registers.js';
import type { ExitReason, Input } from './happening.js';
import type { Code } from './instructions.js';

const PAGE_FAULT_VECTOR = 14;
/** where the guest's instructions are, as far as anybody looks */
const RIP = 0x10000n;
/** SVM: the exit was a mov, from register 0 */
const MOV_TO_CR = 1n << 63n;

/** A vCPU going into the guest and out of it, with the events of `kvm:*` that show it. */
export class VcpuRun {
  inGuest = false;
  /** error code of a #PF that the guest gets at the next entry */
  private exception: number | undefined;
  /** user space owes the value of a read */
  private reading: { readonly gpa: number; readonly bytes: number } | undefined;

  constructor(
    readonly cpu: Cpu,
    private readonly happens: (input: Input) => void,
  ) {}

  get code(): Code {
    return isLong(this.cpu.paging.mode) ? 'prot64' : 'prot32';
  }

  exit(reason: ExitReason, info1 = 0n, info2 = 0n): void {
    this.inGuest = false;
    this.happens({ name: 'kvm_exit', reason, rip: RIP, info1, info2 });
  }

  /** The shadow page tables refuse an access. */
  pageFault(address: bigint, error: number): void {
    this.exit('PF excp', BigInt(error), address);
    this.happens({ name: 'kvm_page_fault', rip: RIP, address, error });
  }

  writesCr(cr: 0 | 3 | 4, value: bigint): void {
    this.exit(`write_cr${cr}`, MOV_TO_CR);
    this.happens({ name: 'kvm_cr', cr, value });
  }

  /** User space runs in between. */
  leaves(): void {
    this.exit('interrupt');
    this.happens({ name: 'kvm_userspace_exit', reason: 'KVM_EXIT_INTR' });
  }

  /** A walk of the guest's tables begins, KVM's or the emulator's. */
  walks(address: bigint, error: number): void {
    this.happens({ name: 'kvm_mmu_pagetable_walk', address, error: error & ~PferrBit.reserved });
  }

  refuses(error: number): void {
    this.happens({ name: 'kvm_mmu_walker_error', error });
    this.exception = error;
  }

  emulates(bytes: readonly number[]): void {
    this.happens({ name: 'kvm_emulate_insn', rip: RIP, bytes, mode: this.code });
  }

  /** User space is asked for a device's registers, with the address that the vCPU remembers. */
  mmio(gva: bigint, gpa: number, bytes: number, write: boolean, gpaMatch: boolean, value: bigint): void {
    this.happens({ name: 'vcpu_match_mmio', gva, gpa, write, gpaMatch });
    this.happens({ name: 'kvm_mmio', type: write ? 'write' : 'unsatisfied-read', bytes, gpa, value });
    this.happens({ name: 'kvm_userspace_exit', reason: 'KVM_EXIT_MMIO' });
    if (!write) this.reading = { gpa, bytes };
  }

  /** Code in a device's memory cannot be emulated. */
  fails(): void {
    this.happens({ name: 'kvm_userspace_exit', reason: 'KVM_EXIT_INTERNAL_ERROR' });
  }

  /** User space has answered, before KVM_RUN does anything else. */
  resumes(): void {
    if (this.reading) this.happens({ name: 'kvm_mmio', type: 'read', ...this.reading, value: 0n });
    this.reading = undefined;
  }

  /** What waits is injected: before a missing root is loaded. */
  injects(): void {
    if (this.exception !== undefined) this.happens({ name: 'kvm_inj_exception', vector: PAGE_FAULT_VECTOR, error: this.exception });
  }

  enters(): void {
    this.happens({ name: 'kvm_entry', rip: RIP, injects: this.exception });
    this.exception = undefined;
    this.inGuest = true;
  }
}
