import type { EventTable } from '../trace/table.js';
import { Kind } from '../trace/vocabulary.js';
import type { VcpuInfo, VmInfo } from './view.js';

/** Where a task belongs. `vcpu` is undefined for threads that run no guest. */
export interface TaskPlace {
  readonly pid: number;
  readonly vm: number;
  readonly vcpu: number | undefined;
  /** the number is a guess, from an event that does not carry it */
  readonly guessed?: boolean;
  /** first event of the task that belongs there; absent for the first place that it has */
  readonly since?: number;
}

/** The message of the event that making a VM begins with; clocks of a VM that runs match. */
const NEW_VM = /^masterclock 0 .*offsetmatched 0$/;

/** A vCPU gets its first TSC: it is being made [6.1 x86.c:kvm_arch_vcpu_postcreate]. */
const NEW_VCPU = /^vcpu=0 prev=0 /;

/** libvirt and QEMU with debug-threads name their vCPU threads so. */
const QEMU_VCPU = /^CPU (\d+)\/KVM/;

/**
 * Tells which VM and vCPU a task works for. No event names the VM: it is found from the thread group where the trace has it, from the
 * names and numbers of QEMU's vCPU threads, and from neighbouring pids for threads that run no guest (tracepoints.md §6). A task whose
 * first event is the setting of a clock that has no vCPUs has just made a VM: what it does from then on is of that one. So has a task that
 * makes a first vCPU though it ran one before.
 */
export class Tasks {
  private readonly places = new Map<number, TaskPlace>();
  /** places of tasks that went on to another VM */
  private readonly past: TaskPlace[] = [];
  private readonly vmOfTgid = new Map<number, number>();
  private vms = 0;
  /** tasks that have nothing to do with a VM so far */
  private readonly strangers = new Set<number>();
  /** tasks that made a VM; its number, once it has an event of the vocabulary */
  private readonly makers = new Map<number, number | undefined>();
  /** grows with every change */
  version = 0;

  constructor(private readonly table: EventTable) {}

  /** VMs seen so far; at least one, so that a trace without vCPU events has a place for what it shows. */
  get vmCount(): number {
    return Math.max(this.vms, 1);
  }

  get all(): Iterable<TaskPlace> {
    return this.past.length === 0 ? this.places.values() : [...this.past, ...this.places.values()];
  }

  place(pid: number, event: number): TaskPlace | undefined {
    return placeAt(this.places.get(pid), this.past, event);
  }

  /** The place of an event's task; found from this event when the task is new. Undefined for tasks that have nothing to do with a VM. */
  placeOf(event: number): TaskPlace | undefined {
    const pid = this.table.pid(event);
    const known = this.places.get(pid);
    const kind = this.table.kind(event);
    if (kind === Kind.other) {
      if (!known) this.meet(event, pid);
      return known && makesFirstVcpu(this.table, event) ? this.goOn(known, event) : known;
    }
    if (known?.guessed && VCPU_SLOT.has(kind)) this.places.delete(pid);
    else if (known && (known.vcpu !== undefined || !runsGuest(kind))) return known;
    this.version++;
    const found = runsGuest(kind) ? this.vcpuThread(event, pid) : this.helperThread(event, pid);
    this.places.set(pid, found);
    return found;
  }

  /** Takes in the tasks of all events of the table, which needs no replay. */
  seeAll(): void {
    let pid = NaN;
    let settled = false;
    for (let event = 0; event < this.table.length; event++) {
      const its = this.table.pid(event);
      const isOther = this.table.kind(event) === Kind.other;
      if (its === pid && settled && !isOther) continue;
      if (its === pid || isOther || !this.isSettled(its)) this.placeOf(event);
      pid = its;
      settled = this.isSettled(its);
    }
  }

  /** No later event of the vocabulary can tell anything else of the task. */
  private isSettled(pid: number): boolean {
    const place = this.places.get(pid);
    return place?.vcpu !== undefined && !place.guessed;
  }

  /** Looks at the first event of a task for whether it makes a VM. */
  private meet(event: number, pid: number): void {
    if (this.strangers.has(pid)) return;
    this.strangers.add(pid);
    if (this.table.name(event) === 'kvm_update_master_clock' && NEW_VM.test(this.table.message(event))) this.makers.set(pid, undefined);
  }

  /** A task makes another VM than the one that it ran a vCPU of. */
  private goOn(before: TaskPlace, event: number): TaskPlace {
    if (before.vcpu === undefined) return before;
    const { pid } = before;
    const tgid = this.table.tgid(event);
    const place = { pid, vm: this.vms++, vcpu: 0, since: event };
    this.past.push(before);
    if (tgid !== undefined) this.vmOfTgid.set(tgid, place.vm);
    this.places.set(pid, place);
    this.version++;
    return place;
  }

  private vcpuThread(event: number, pid: number): TaskPlace {
    const vcpu = this.vcpuNumber(event);
    const guessed = !VCPU_SLOT.has(this.table.kind(event)) && !QEMU_VCPU.test(this.table.comm(event));
    const tgid = this.table.tgid(event);
    if (tgid !== undefined) {
      const vm = this.vmOfTgid.get(tgid) ?? this.madeBy(pid) ?? this.vms++;
      this.vmOfTgid.set(tgid, vm);
      return { pid, vm, vcpu, guessed };
    }
    return { pid, vm: this.madeBy(pid) ?? this.sibling(vcpu, pid, this.table.comm(event)) ?? this.newVm(pid), vcpu, guessed };
  }

  /** The VM that a task made. */
  private madeBy(pid: number): number | undefined {
    if (!this.makers.has(pid)) return undefined;
    const vm = this.makers.get(pid) ?? this.vms++;
    this.makers.set(pid, vm);
    return vm;
  }

  /** A VM that has no vCPU yet, made by the nearest older task; or one that lost its only thread, which was guessed; else a new one. */
  private newVm(pid: number): number {
    const empty = new Set(Array.from({ length: this.vms }, (_, vm) => vm));
    for (const place of this.all) if (place.vcpu !== undefined) empty.delete(place.vm);
    let nearest: { vm: number; maker: number } | undefined;
    for (const [maker, vm] of this.makers) {
      if (vm === undefined || !empty.delete(vm) || maker > pid) continue;
      if (!nearest || maker > nearest.maker) nearest = { vm, maker };
    }
    return nearest?.vm ?? [...empty][0] ?? this.vms++;
  }

  /** The number in the event, else in the thread's name, else 0. */
  private vcpuNumber(event: number): number {
    const slot = VCPU_SLOT.get(this.table.kind(event));
    if (slot !== undefined && this.table.has(event, slot)) return this.table.num(event, slot);
    const named = QEMU_VCPU.exec(this.table.comm(event));
    return named ? Number(named[1]) : 0;
  }

  /** The VM whose vCPU threads this one continues: same kind of name, this number still free, nearest pid. */
  private sibling(vcpu: number, pid: number, comm: string): number | undefined {
    if (vcpu === 0 && !QEMU_VCPU.test(comm)) return undefined;
    let best: { vm: number; distance: number } | undefined;
    for (let vm = 0; vm < this.vms; vm++) {
      const threads = [...this.places.values()].filter((place) => place.vm === vm && place.vcpu !== undefined);
      if (threads.length === 0 || threads.some((place) => place.vcpu === vcpu)) continue;
      const distance = Math.min(...threads.map((place) => Math.abs(place.pid - pid)));
      if (!best || distance < best.distance) best = { vm, distance };
    }
    return best?.vm;
  }

  /** A thread that runs no guest: the VMM's, or a kernel thread made for the VM. */
  private helperThread(event: number, pid: number): TaskPlace {
    const made = this.madeBy(pid);
    const tgid = this.table.tgid(event);
    if (made !== undefined && tgid !== undefined) this.vmOfTgid.set(tgid, made);
    if (made !== undefined) return { pid, vm: made, vcpu: undefined };
    const vcpus = [...this.places.values()].filter((place) => place.vcpu !== undefined);
    if (this.vms <= 1) return { pid, vm: 0, vcpu: undefined };
    const byGroup = tgid === undefined ? undefined : this.vmOfTgid.get(tgid);
    if (byGroup !== undefined) return { pid, vm: byGroup, vcpu: undefined };
    // The VMM's process is older than its vCPU threads, KVM's own threads are younger; whoever made the VM is older than all.
    const younger = this.table.comm(event).startsWith('kvm-');
    const distance = (place: TaskPlace): number => {
      const gap = younger || this.makers.has(place.pid) ? pid - place.pid : place.pid - pid;
      return gap >= 0 ? gap : 1_000_000 - gap;
    };
    const makers = [...this.makers].flatMap(([maker, vm]) => (vm === undefined ? [] : [{ pid: maker, vm, vcpu: undefined }]));
    const nearest = [...vcpus, ...makers].reduce((best, place) => (distance(place) < distance(best) ? place : best));
    return { pid, vm: nearest.vm, vcpu: undefined };
  }
}

/** The first vCPU of a VM is made. */
export function makesFirstVcpu(table: EventTable, event: number): boolean {
  return table.kind(event) === Kind.other && table.name(event) === 'kvm_write_tsc_offset' && NEW_VCPU.test(table.message(event));
}

/** Where a task belonged at an event, its last place and those of all tasks before being known. */
export function placeAt(last: TaskPlace | undefined, before: readonly TaskPlace[], event: number): TaskPlace | undefined {
  if (last?.since === undefined || last.since <= event) return last;
  return before.findLast(({ pid, since = 0 }) => pid === last.pid && since <= event);
}

/** The VMs that tasks work for. */
export function vmsOf({ all, vmCount }: { readonly all: Iterable<TaskPlace>; readonly vmCount: number }): VmInfo[] {
  const places = [...all];
  return Array.from({ length: vmCount }, (_, vm) => ({
    vm,
    vcpus: vcpusOf(places, vm),
    pids: places.filter((place) => place.vm === vm).map((place) => place.pid),
  }));
}

/** The vCPU threads of a VM, by number. */
export function vcpusOf(places: Iterable<TaskPlace>, vm: number): VcpuInfo[] {
  const vcpus: VcpuInfo[] = [];
  for (const { pid, vm: its, vcpu } of places) if (its === vm && vcpu !== undefined) vcpus.push({ vm, vcpu, pid });
  return vcpus.sort((a, b) => a.vcpu - b.vcpu);
}

/** Slot of the vCPU number, for the events that carry it. */
const VCPU_SLOT: ReadonlyMap<number, number> = new Map<number, number>([
  [Kind.entry, 0],
  [Kind.exit, 6],
  [Kind.pageFault, 0],
  [Kind.fastPageFault, 0],
]);

/** Roots are loaded and guest tables walked by vCPU threads only. */
function runsGuest(kind: number): boolean {
  return (
    kind === Kind.getPage ||
    kind === Kind.walk ||
    kind === Kind.entry ||
    kind === Kind.exit ||
    kind === Kind.pageFault ||
    kind === Kind.fastPageFault
  );
}
