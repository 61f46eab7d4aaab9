import type { Steps } from '../engine/announcement.js';
import type { FaultPath } from '../engine/faultPath.js';
import type { PagingMode } from '../engine/gpte.js';
import type { Gfn } from '../engine/ids.js';
import type { Kvm } from '../engine/kvm.js';
import { PferrBit } from '../engine/permission.js';
import { directPageFault } from '../engine/steps/directFault.js';
import { hitsTrackedTable, type Fault } from '../engine/steps/fault.js';
import { walkedPageFault } from '../engine/steps/fetch.js';
import { beginsCountAnew } from '../engine/steps/flood.js';
import { invalidate } from '../engine/steps/invalidate.js';
import { mmioPageFault } from '../engine/steps/mmio.js';
import { trackWrite } from '../engine/steps/trackWrite.js';
import { unprotect } from '../engine/steps/unprotect.js';
import { GuestWalk } from '../engine/walk.js';
import type { Access, Cpu } from './cpu.js';
import type { Input } from './happening.js';
import { loading, storing, storingOddly } from './instructions.js';
import type { GuestMemory, HostMemory } from './memory.js';
import type { VcpuRun } from './vcpuRun.js';

/** What a page fault came to. */
export type FaultResult =
  /** the guest tries again */
  | 'fixed'
  /** so it does, since what stood in its way is gone */
  | 'retry'
  /** KVM has made the write to memory itself */
  | 'emulated'
  | 'mmio'
  /** the guest gets the fault */
  | 'injected';

/** The VM that a fault is handled in. */
export interface FaultingVm {
  readonly kvm: Kvm<GuestMemory, HostMemory>;
  /** runs a function of the kernel to its end */
  run<T>(cpu: Cpu, steps: Steps<T>, path?: FaultPath): T;
  /** the host takes back what it gave a guest frame, while a vCPU or nobody waits for it */
  unmap(gfn: Gfn, cpu?: Cpu): void;
  /** where the vCPU is, and the events that show it */
  runOf(cpu: Cpu): VcpuRun;
  happens(cpu: Cpu, input: Input): void;
}

const PAGE = 4096;

/** [6.1 mmu.c:kvm_mmu_page_fault]: MMIO, then a fault of the shadow or of the direct MMU, then the emulation where that is asked for. */
export function pageFault(vm: FaultingVm, cpu: Cpu, address: bigint, error: number, access: Access): FaultResult {
  vm.runOf(cpu).pageFault(address, error);
  const { trail } = vm.kvm.mmu;
  const call = trail?.enter('pageFault', address, error);
  const result = handle(vm, cpu, address, error, access);
  trail?.leave(call!);
  return result;
}

function handle(vm: FaultingVm, cpu: Cpu, address: bigint, error: number, access: Access): FaultResult {
  const direct = cpu.mode === undefined;
  const fault: Fault = { kvm: vm.kvm, vcpu: cpu.vcpu, path: cpu.pathOf(address), walk: undefined, address, error };
  if (error & PferrBit.reserved && vm.run(cpu, mmioPageFault(fault, direct), fault.path))
    return mmio(vm, cpu, address, cpu.mmioGfn(address), access);
  return cpu.mode === undefined ? directFault(vm, cpu, fault, access) : shadowFault(vm, cpu, cpu.mode, fault, access);
}

function directFault(vm: FaultingVm, cpu: Cpu, fault: Fault, access: Access): FaultResult {
  const gfn = Number(fault.address >> 12n) as Gfn;
  breakSharing(vm, cpu, gfn, fault.error);
  const emulate = hitsTrackedTable(fault, gfn);
  vm.run(cpu, directPageFault(fault), fault.path);
  return finish(vm, cpu, fault, gfn, emulate, access);
}

function shadowFault(vm: FaultingVm, cpu: Cpu, mode: PagingMode, fault: Fault, access: Access): FaultResult {
  const { address, error } = fault;
  const { trail } = vm.kvm.mmu;
  const call = trail?.enter('walkPageFault', address, error);
  const { walk, outcome } = walkGuest(vm, cpu, mode, address, error);
  if (outcome.kind === 'fault' || outcome.kind === 'incomplete') {
    const injected = inject(vm, cpu, address, outcome.error);
    trail?.leave(call!);
    return injected;
  }
  if (outcome.kind !== 'ok') throw new Error(`a guest walk of ${address.toString(16)} has no certain end: ${outcome.why}`);
  breakSharing(vm, cpu, outcome.gfn, error);
  const shadow = { ...fault, walk, path: cpu.pathOf(address, walk) };
  const emulate = hitsTrackedTable(shadow, outcome.gfn);
  vm.run(cpu, walkedPageFault(shadow), shadow.path);
  trail?.leave(call!);
  return finish(vm, cpu, shadow, outcome.gfn, emulate, access);
}

function walkGuest(vm: FaultingVm, cpu: Cpu, mode: PagingMode, address: bigint, error: number): ReturnType<Cpu['walk']> {
  const { trail } = vm.kvm.mmu;
  const call = trail?.enter('walkAddr', address, error);
  vm.runOf(cpu).walks(address, error);
  const walked = cpu.walk(mode, address, error, (input) => vm.happens(cpu, input));
  trail?.leave(call!, walked.outcome.kind === 'ok' ? walked.outcome.gfn : -1);
  return walked;
}

/** What comes after the SPTE: nothing, an access to MMIO, or the emulation of a write to a tracked guest table. */
function finish(vm: FaultingVm, cpu: Cpu, fault: Fault, gfn: Gfn, tracked: boolean, access: Access): FaultResult {
  const refused = access.write === true && cpu.isWriteProtected(fault.address);
  if (!tracked && !refused) beginsCountAnew(fault);
  if (!tracked && vm.kvm.host.isAbsent(gfn)) return mmio(vm, cpu, fault.address, gfn, access);
  // A write may have got a read-only SPTE; and where the frame was MMIO once, its mark stands.
  if (!tracked && !refused && !cpu.leadsToMmio(fault.address)) return 'fixed';
  const run = vm.runOf(cpu);
  const { bytes, word } = access.value ?? UNCHANGED;
  const error = (fault.error & PferrBit.user) | PferrBit.write;
  if (access.odd) {
    run.emulates(storingOddly(run.code, bytes));
    // [6.1 x86.c:retry_instruction]: the frame is looked up anew.
    if (cpu.mode !== undefined) walkGuest(vm, cpu, cpu.mode, fault.address, error);
    vm.run(cpu, unprotect(vm.kvm, gfn));
    return 'retry';
  }
  run.emulates(storing(run.code, bytes, word));
  if (cpu.mode !== undefined) {
    // An instruction that needs the old contents reads them first.
    if (word === undefined) walkGuest(vm, cpu, cpu.mode, fault.address, error & ~PferrBit.write);
    walkGuest(vm, cpu, cpu.mode, fault.address, error);
  }
  writePhysical(vm, cpu, gpaOf(gfn, fault.address), { bytes, word });
  return 'emulated';
}

/** A store of which nobody says what it stores. */
const UNCHANGED: NonNullable<Access['value']> = { bytes: 1 };

/** What is read from a device, or written where nobody says what. */
const REGISTER: NonNullable<Access['value']> = { bytes: 4 };

function gpaOf(gfn: Gfn, address: bigint): number {
  return gfn * PAGE + Number(address % BigInt(PAGE));
}

/** The emulator writes to memory, then tells who tracks it [6.1 x86.c:emulator_write_phys]. */
export function writePhysical(vm: FaultingVm, cpu: Cpu, gpa: number, { bytes, word }: NonNullable<Access['value']>): void {
  if (word !== undefined) vm.kvm.guest.write(gpa, bytes, word);
  vm.run(cpu, trackWrite(vm.kvm, gpa, bytes, cpu.mode !== undefined && cpu.mode !== '32', undefined, cpu.vcpu));
}

function mmio(vm: FaultingVm, cpu: Cpu, address: bigint, gfn: Gfn, { write = false, fetch, value }: Access): FaultResult {
  const { vcpu, mode } = cpu;
  const run = vm.runOf(cpu);
  const { bytes, word = 0n } = (write ? value : undefined) ?? REGISTER;
  vcpu.mmio.keep(address, mode === undefined, vm.kvm.slotGeneration);
  if (fetch) {
    run.fails();
    return 'mmio';
  }
  run.emulates(write ? storing(run.code, bytes, word) : loading());
  run.mmio(address, gpaOf(gfn, address), bytes, write, mode === undefined, word);
  return 'mmio';
}

/** The guest gets a #PF at its next entry; one for something present drops what the shadow has for the address first. */
function inject(vm: FaultingVm, cpu: Cpu, address: bigint, error: number): FaultResult {
  vm.runOf(cpu).refuses(error);
  beginsCountAnew({ kvm: vm.kvm, vcpu: cpu.vcpu });
  if ((error & (PferrBit.present | PferrBit.reserved)) === PferrBit.present) invalidateAddress(vm, cpu, address, cpu.vcpu.roots());
  return 'injected';
}

/** [6.1 mmu.c:kvm_mmu_invalidate_gva] below some roots of the vCPU. */
export function invalidateAddress(vm: FaultingVm, cpu: Cpu, address: bigint, roots: Iterable<ReturnType<FaultPath['at']>>): void {
  const { mode, vcpu } = cpu;
  if (mode === undefined) return;
  vcpu.mmio.clear(address);
  for (const root of vcpu.shape() === 'single' ? roots : [vcpu.rootFor(cpu.pathOf(address).page)]) {
    // The kernel looks at no guest entry but the last.
    const walk = new GuestWalk(address, 0, mode);
    const path = cpu.pathOf(address, walk);
    path.isAt(vcpu.rootLevel(), root);
    vm.run(cpu, invalidate({ kvm: vm.kvm, vcpu, path, walk, address, error: 0 }), path);
  }
}

/** A write to a page that the host shares gets a copy of it [mm/memory.c:do_wp_page]; the old one goes from the shadow first. */
function breakSharing(vm: FaultingVm, cpu: Cpu, gfn: Gfn, error: number): void {
  const asksToWrite = (error & PferrBit.write) !== 0 || vm.kvm.mmu.format.hostWritable === 0n;
  if (asksToWrite && vm.kvm.host.isShared(gfn)) vm.unmap(gfn, cpu);
}
