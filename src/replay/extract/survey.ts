import { NO_PAGE, type EventIndex } from '../../engine/ids.js';
import { roleField, type RoleField } from '../../engine/role.js';
import { Kind } from '../../trace/vocabulary.js';
import type { Replayer } from '../replayer.js';

/** A range of a recording that no scenario can be made of. The message says why, and what to do. */
export class ScenarioRefusal extends Error {}

/** Looks at what a range of a recording holds, and whether the language can say it. */
export class Survey {
  private mmuEvents = 0;
  /** events of kvmmmu and kvm anywhere in what was read */
  private first: EventIndex | undefined;

  constructor(
    private readonly replay: Replayer,
    private readonly range: { readonly from: number; readonly to: number; readonly vm: number },
  ) {}

  /** Before the replay, which may take its time: whether exits and faults have events at all. */
  begin(): void {
    const { table } = this.replay;
    let exits = false;
    let faults = false;
    let mmu = false;
    for (let event = 0; event < table.length && !(exits && faults); event++) {
      const kind = table.kind(event);
      exits ||= kind === Kind.exit || kind === Kind.entry;
      faults ||= kind === Kind.pageFault;
      mmu ||= kind <= Kind.tdpSpteChanged;
    }
    if ((exits && faults) || !mmu) return;
    throw new ScenarioRefusal(
      'recorded without kvm:*, so that no event shows what the guest did; record with `trace-cmd record -e kvmmmu -e kvm`',
    );
  }

  /** Takes in the event that the replay has just let in. */
  take(event: EventIndex): void {
    const { table, tasks, notes } = this.replay;
    const kind = table.kind(event);
    if (kind === Kind.other || tasks.place(table.pid(event), event)?.vm !== this.range.vm) return;
    if (kind <= Kind.tdpSpteChanged) this.first ??= event;
    if (event < this.range.from) return;
    if (kind <= Kind.tdpSpteChanged || kind === Kind.pageFault || kind === Kind.emulateInsn) this.mmuEvents++;
    if (kind === Kind.tdpSpteChanged) this.refuseTdp(event);
    if (kind === Kind.nestedVmenter) this.refuseNested(event);
    if (kind !== Kind.getPage) return;
    const page = notes.pageOf(event);
    if (page === NO_PAGE) return;
    const { role } = this.replay.pages.birth(page);
    const is = (field: RoleField): boolean => roleField(role, field) === 1;
    if (is('guest_mode')) this.refuseNested(event);
    if (is('direct') && roleField(role, 'level') >= 4) this.refuseTdp(event);
  }

  /** The range was read. */
  done(): void {
    const { replay, range } = this;
    const { vm, from, to } = range;
    const vms = replay.tasks.vmCount;
    if (vm >= vms) throw new ScenarioRefusal(`there is no VM ${vm} up to event ${to}: ${vms} showed, numbered from 0`);
    if (this.mmuEvents > 0) return;
    const where = this.first === undefined ? 'there is none up to there' : `the first one is event ${this.first}`;
    throw new ScenarioRefusal(`events ${from} to ${to} hold no event of the MMU of VM ${vm}; ${where}`);
  }

  private refuseTdp(event: EventIndex): never {
    throw new ScenarioRefusal(
      `from event ${event} on the VM runs with two-dimensional paging (NPT or EPT): KVM sees nothing of what the guest does to its tables; a scenario needs a recording with npt=0 or ept=0`,
    );
  }

  private refuseNested(event: EventIndex): never {
    throw new ScenarioRefusal(
      `from event ${event} on a nested guest runs, which a scenario cannot be made of; choose a range before it with --to`,
    );
  }
}
