import { EntryState, entryState } from '../../engine/entry.js';
import { NO_PAGE, type EventIndex, type PageId, type SpteIndex } from '../../engine/ids.js';
import { decodeStore } from '../../engine/instruction.js';
import { FRAME_MASK } from '../../engine/spte.js';
import { GuestWalk } from '../../engine/walk.js';
import { Kind, SpSlot } from '../../trace/vocabulary.js';
import type { Replayer } from '../replayer.js';
import { Exit, elementOf, type Fault, type Walk } from './exits.js';

/** What is told of a VM, in the order of the events: exits when they are over, everything else at once. */
export interface Listener {
  exitOver(exit: Exit, vcpu: number): void;
  /** the root in use is certain: what the last write of CR3 was shows */
  rootShown(vcpu: number, gfn: number): void;
  zapAllFast(event: EventIndex): void;
  /** system management mode is entered, or left */
  smm(event: EventIndex, entered: boolean): void;
  /** pages went outside of exits, or behind an exit to user space */
  zapped(event: EventIndex): void;
  /** a notifier that belongs to no fault */
  unmapped(event: EventIndex, start: bigint, end: bigint): void;
  /** the guest runs, or leaves: nothing of what went before was the VM's end */
  goesOn(): void;
}

interface Follower {
  exit: Exit | undefined;
  walk: Walk | undefined;
  /** user space runs */
  outside: boolean;
}

const NO_SLOT = 1n << 63n;
const PAGE = 4096;
/** P and W in the error code of a fault */
const REFUSED_WRITE = 3;

/** Puts the events of one VM together to what its vCPUs did between two entries into the guest. */
export class Following {
  private readonly tasks = new Map<number, Follower>();

  constructor(
    private readonly replay: Replayer,
    private readonly vm: number,
    private readonly listener: Listener,
  ) {}

  /** Takes in the event that the replay has just let in. */
  take(event: EventIndex): void {
    const { table, tasks } = this.replay;
    const pid = table.pid(event);
    const place = tasks.place(pid, event);
    if (place?.vm !== this.vm) return;
    let task = this.tasks.get(pid);
    if (!task) this.tasks.set(pid, (task = { exit: undefined, walk: undefined, outside: true }));
    const kind = table.kind(event);
    if (!IN_WALK.has(kind)) this.walkOver(task, event);
    this.event(event, kind, task, place.vcpu);
  }

  /** The range ends: what is under way is over. */
  finish(last: EventIndex): void {
    for (const [pid, task] of this.tasks) {
      const vcpu = this.replay.tasks.place(pid, last)?.vcpu;
      this.walkOver(task, last);
      if (vcpu !== undefined) this.over(task, vcpu);
    }
  }

  private event(event: EventIndex, kind: Kind, task: Follower, vcpu: number | undefined): void {
    const { table } = this.replay;
    const { exit } = task;
    const fault = exit?.fault;
    switch (kind) {
      case Kind.exit:
        if (vcpu !== undefined) this.over(task, vcpu);
        task.exit = new Exit(event, table.string(event, 0), table.word(event, 2));
        task.outside = false;
        this.listener.goesOn();
        break;
      case Kind.entry:
        if (vcpu !== undefined) this.over(task, vcpu);
        task.outside = false;
        this.listener.goesOn();
        break;
      case Kind.pageFault:
        this.exitOf(task, event).faults.push(newFault(event, table.word(event, 2), table.num(event, 3)));
        break;
      case Kind.walk:
        this.beginWalk(task, event);
        break;
      case Kind.element:
        this.element(task, vcpu, table.num(event, 1), table.word(event, 0));
        break;
      case Kind.setAccessed:
      case Kind.setDirty:
        this.sawTable(task, table.word(event, 0));
        break;
      case Kind.walkerError:
        if (task.walk) task.walk.failed = task.walk.walk.failed = true;
        break;
      case Kind.injException:
        if (fault && table.num(event, 0) === 14) fault.injected = true;
        break;
      case Kind.emulateInsn:
        if (exit) this.emulates(exit, event);
        break;
      case Kind.spteRequested:
        if (fault) {
          const pfn = table.word(event, 1);
          fault.requested = { pfn: pfn & NO_SLOT ? undefined : Number(pfn), level: table.num(event, 2) };
        }
        break;
      case Kind.setSpte:
        if (exit) this.leaf(exit, event);
        break;
      case Kind.markMmio:
        if (fault) fault.mmio = true;
        break;
      case Kind.handleMmio:
      case Kind.mmio:
      case Kind.matchMmio:
        if (exit) exit.mmio = true;
        break;
      case Kind.fastPageFault:
        if (fault) fault.fast = true;
        break;
      case Kind.getPage:
        if (vcpu !== undefined) this.root(task, vcpu, event);
        break;
      case Kind.prepareZap:
        if (!exit || task.outside) this.listener.zapped(event);
        else exit.zapped.push(table.num(event, SpSlot.gfn));
        break;
      case Kind.syncPage:
        exit?.synced.push(this.replay.notes.pageOf(event));
        break;
      case Kind.zapAllFast:
        this.listener.zapAllFast(event);
        break;
      case Kind.unmapHva:
        this.unmapped(task, event, table.word(event, 0), table.word(event, 1));
        break;
      case Kind.setSpteHva:
        this.unmapped(task, event, table.word(event, 0), table.word(event, 0) + BigInt(PAGE));
        break;
      case Kind.smmTransition:
        this.listener.smm(event, table.num(event, 2) === 1);
        break;
      case Kind.userspaceExit:
        task.outside = true;
        break;
      default: // nothing that a scenario says
    }
  }

  private over(task: Follower, vcpu: number): void {
    const { exit } = task;
    task.exit = undefined;
    task.walk = undefined;
    if (exit) this.listener.exitOver(exit, vcpu);
  }

  /** What happens before the first exit, or in a trace that begins in the middle of one. */
  private exitOf(task: Follower, event: EventIndex): Exit {
    return (task.exit ??= new Exit(event, '', 0n));
  }

  private beginWalk(task: Follower, event: EventIndex): void {
    const { table } = this.replay;
    const exit = this.exitOf(task, event);
    const address = table.word(event, 0);
    const walk: Walk = { event, walk: new GuestWalk(address, table.num(event, 1)), elements: [], failed: false };
    const { fault } = exit;
    if (fault && !exit.emulating && fault.address === address) fault.walk = walk;
    else exit.others.push(walk);
    task.walk = walk;
  }

  private element(task: Follower, vcpu: number | undefined, level: number, value: bigint): void {
    const { walk } = task;
    if (!walk || vcpu === undefined) return;
    const its = this.replay.vcpu(this.vm, vcpu);
    walk.walk.read(level, value);
    walk.elements.push(elementOf(walk.walk, level, value, its, this.replay.pages));
    const root = its?.rootFor(walk.walk.page) ?? NO_PAGE;
    if (its?.isRootCertain() && root !== NO_PAGE && task.exit?.faults.length)
      this.listener.rootShown(vcpu, this.replay.pages.birth(root).gfn);
  }

  /** The guest's accessed bits show where the topmost table is, even where nothing else does. */
  private sawTable({ walk }: Follower, gpa: bigint): void {
    if (!walk) return;
    walk.walk.sawTable(gpa);
    const { topGfn } = walk.walk;
    const [top] = walk.elements;
    if (top && topGfn === Number(gpa >> 12n)) walk.elements[0] = { ...top, gpa: Number(gpa) };
  }

  private walkOver(task: Follower, event: EventIndex): void {
    const { walk, exit } = task;
    task.walk = undefined;
    if (!walk || !exit?.emulating || !walk.walk.isWrite || walk.failed) return;
    const { instruction } = exit;
    const gfn = walk.walk.gfn;
    if (!instruction?.bytes || instruction.bytes > 8 || !instruction.tracked || gfn === undefined) return;
    const gpa = gfn * PAGE + Number(walk.walk.address & 0xfffn);
    exit.stores.push({ event, gpa, bytes: instruction.bytes as 1 | 2 | 4 | 8, value: instruction.value });
  }

  private emulates(exit: Exit, event: EventIndex): void {
    const { table } = this.replay;
    exit.emulating = true;
    const bytes = new Uint8Array(16);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(0, table.word(event, 3), true);
    view.setBigUint64(8, table.word(event, 4), true);
    exit.instruction = decodeStore(bytes.subarray(0, Math.min(table.num(event, 2), 15)), table.string(event, 5));
  }

  private leaf(exit: Exit, event: EventIndex): void {
    const { table, notes, pages } = this.replay;
    const spte = table.word(event, 1);
    const at = notes.spteOf(event);
    const page = at?.page ?? NO_PAGE;
    const index = at?.index ?? (Number((table.word(event, 2) >> 3n) & 511n) as SpteIndex);
    const level = table.num(event, 3) || (page === NO_PAGE ? 1 : pages.level(page));
    const { fault } = exit;
    const leaves = fault?.requested ? fault.leaves : exit.leaves;
    leaves.push({ gfn: table.num(event, 0), spte, level, page, index });
    if (fault && leaves === fault.leaves && leaves.length === 1 && at) fault.lostWrite = this.lostWrite(fault, event, spte, page, index);
  }

  /** A write was refused by an SPTE that was writable as far as events tell: dirty logging takes W away without one. */
  private lostWrite({ error }: Fault, event: EventIndex, spte: bigint, page: PageId, index: SpteIndex): boolean {
    const { state, pages } = this.replay;
    if ((error & REFUSED_WRITE) !== REFUSED_WRITE) return false;
    const { format } = this.replay.mmu(this.vm);
    const record = state.recordAt(pages.entryCell(page, index), (event - 1) as EventIndex);
    if (entryState(state.journal.tag(record)) !== EntryState.leaf) return false;
    const before = state.journal.word(record);
    const bits = FRAME_MASK | format.mmuWritable;
    return (before & format.mmuWritable) !== 0n && ((before ^ spte) & bits) === 0n;
  }

  /** A page of a root load: the vCPU has it in a slot now. */
  private root(task: Follower, id: number, event: EventIndex): void {
    const { notes, pages } = this.replay;
    const page: PageId = notes.pageOf(event);
    const vcpu = this.replay.vcpu(this.vm, id);
    if (page === NO_PAGE || !vcpu || !vcpu.roots().includes(page) || pages.level(page) !== vcpu.rootLevel()) return;
    const exit = this.exitOf(task, event);
    if (exit.fault?.walk && !exit.emulating && pages.level(page) < 3 && exit.fault.requested) return;
    exit.roots.push(page);
  }

  private unmapped(task: Follower, event: EventIndex, start: bigint, end: bigint): void {
    const fault = task.exit?.fault;
    if (fault && !fault.requested) fault.taken.push({ start, end });
    else this.listener.unmapped(event, start, end);
  }
}

const IN_WALK = new Set<Kind>([Kind.element, Kind.setAccessed, Kind.setDirty, Kind.walkerError]);

function newFault(event: number, address: bigint, error: number): Fault {
  return { event, address, error, leaves: [], mmio: false, taken: [], injected: false, lostWrite: false, fast: false };
}

/** Page frame that a leaf maps. */
export function frameOf(spte: bigint): number {
  return Number((spte & FRAME_MASK) >> 12n);
}
