import { Output, type Announcement } from '../engine/announcement.js';
import { NO_PAGE, type Gfn, type PageId, type SpteIndex } from '../engine/ids.js';
import type { Known } from '../engine/invariants/index.js';
import { snapshotOf } from '../engine/invariants/index.js';
import type { PageSnapshot, Recent, Snapshot } from '../engine/invariants/snapshot.js';
import { EntryState, entryState } from '../engine/entry.js';
import type { State } from '../engine/state.js';
import { unsyncBelow } from '../engine/steps/unsync.js';
import type { Machine } from './machine.js';

type Fault = NonNullable<Recent['faults']>[number];
type Flush = NonNullable<Recent['flushed']>[number];
type Recycled = NonNullable<Recent['recycled']>[number];

const RESULTS = { fixed: 'fixed', retry: 'retry', emulated: 'emulate', mmio: 'emulate', injected: 'injected' } as const;

/** Looks at a machine from operation to operation: everything that the invariants can know, the engine's own look-ups among it. */
export class Observer {
  /** the events of the operation in hand so far are all zaps: pages are being recycled, or the fault is at its beginning */
  private onlyZaps = false;
  /** happenings before the operation in hand */
  private begun = 0;
  /** the event before: a fault requests an SPTE before it marks one as MMIO, a sync does not */
  private before: Output | undefined;
  private faults: Fault[] = [];
  private flushed: Flush[] = [];
  private synced: PageId[] = [];
  private recycled: Recycled[] = [];
  /** frames that a slot holds again, and whose MMIO SPTE a sync has renewed all the same [6.1 mmu.c:sync_mmio_spte] */
  private readonly renewed = new Set<Gfn>();
  /** 32-bit words of guest memory that changed without KVM's knowledge, by gpa */
  private readonly unseen = new Set<number>();

  constructor(
    private readonly machine: Machine,
    private readonly maxPages?: number,
  ) {
    const { guest } = machine;
    const write = guest.write.bind(guest);
    guest.write = (gpa, bytes, value) => {
      write(gpa, bytes, value);
      this.wrote(gpa, bytes);
    };
    machine.onFault = ({ vcpu }, address, error, result) =>
      this.faults.push({ vcpu: vcpu.id, address, error, result: RESULTS[result], world: this.world });
  }

  /** An operation begins. @param recycles it may begin with pages that are recycled */
  begin(recycles = false): void {
    this.onlyZaps = recycles;
    this.begun = this.machine.happenings.length;
    this.faults = [];
    this.flushed = [];
    this.synced = [];
    this.recycled = [];
  }

  /** An event of the MMU has taken place. Answers whether pages are being recycled by it. */
  saw(announced: Announcement): boolean {
    const isZap = announced.output === Output.prepareZap || announced.output === Output.syncPage;
    const recycles = this.onlyZaps && isZap && !this.emulates();
    this.onlyZaps = recycles;
    if (recycles && announced.output === Output.prepareZap) {
      this.recycled.push({ page: announced.page, rootCount: announced.fields.rootCount ?? 0 });
    }
    if (announced.output === Output.markMmio && this.before !== Output.spteRequested) this.renews(announced.gfn!);
    this.before = announced.output;
    return recycles;
  }

  /** KVM makes the write itself: what goes then does so because of what it hit. */
  private emulates(): boolean {
    const { happenings } = this.machine;
    for (let i = this.begun; i < happenings.length; i++) {
      const happening = happenings[i]!;
      if (happening.kind === 'input' && happening.name === 'kvm_emulate_insn') return true;
    }
    return false;
  }

  private renews(gfn: Gfn): void {
    if (!this.machine.host.isAbsent(gfn)) this.renewed.add(gfn);
  }

  slotsChanged(): void {
    this.renewed.clear();
  }

  flushedAll(vcpu: number): void {
    this.flushed.push({ vcpu, first: 0, last: 2 ** 45 });
    this.synced.push(...this.machine.cpus[vcpu]!.vcpu.roots().filter((page) => page !== NO_PAGE));
  }

  flushedPage(vcpu: number, page: number): void {
    this.flushed.push({ vcpu, first: page, last: page });
  }

  /** What no page shadows KVM has yet to read. */
  wroteUnseen(gpa: number, bytes: number): void {
    if (this.machine.mmu.livePages(Math.floor(gpa / 4096) as Gfn).length === 0) return;
    for (let at = gpa - (gpa % 4); at < gpa + bytes; at += 4) this.unseen.add(at);
  }

  /** The guest wrote, or KVM did for it: what user space wrote there before is of no account. */
  private wrote(gpa: number, bytes: number): void {
    for (let at = gpa - (gpa % 4); at < gpa + bytes; at += 4) this.unseen.delete(at);
  }

  /** @param zapping a fast zap of everything has let go of the lock */
  snapshot(zapping = false): Snapshot {
    const { machine } = this;
    this.forgetUnseen();
    return snapshotOf(machine.mmu, machine.kvm.vcpus, machine.state, this.known(zapping));
  }

  /** What the cells alone say, at an earlier position. */
  past(state: State): Snapshot {
    const { mmu, kvm } = this.machine;
    return snapshotOf(mmu, kvm.vcpus, state, {
      features: mmu,
      page: (id, at) => ({ birth: mmu.pages.birth(id), writeFloodingCount: mmu.pages.writeFlooding(at, id) }),
      recent: { zapAllFastUnfinished: false },
    });
  }

  /** A write that nobody saw is of no account once no page shadows the table. */
  private forgetUnseen(): void {
    for (const gpa of this.unseen) if (this.machine.mmu.livePages(Math.floor(gpa / 4096) as Gfn).length === 0) this.unseen.delete(gpa);
  }

  private get world(): number {
    return this.machine.guest.version + this.machine.host.version;
  }

  private known(zapping: boolean): Known {
    const { machine } = this;
    const { mmu, kvm, guest, host } = machine;
    return {
      features: mmu,
      activeList: [...mmu.active].reverse(),
      counters: {
        unsync: mmu.statistics.value('mmu_unsync'),
        indirectShadowPages: mmu.largePages.shadowed,
        max: this.maxPages,
      },
      tracking: {
        // The engine knows whether a gfn is tracked, and not by how many.
        track: (_smm, gfn) => (mmu.isTracked(gfn) ? Infinity : 0),
        external: () => undefined,
        disallowLpage: (_smm, level, gfn) => (level > 2 ? undefined : mmu.largePages.disallowed(gfn) ? 1 : 0),
      },
      guest: {
        gpte: (table, offset, bytes) => {
          const gpa = table * 4096 + offset;
          return this.unseen.has(gpa) || (bytes === 8 && this.unseen.has(gpa + 4)) ? undefined : guest.at(gpa, bytes);
        },
        pse: true,
      },
      host: { frameOf: (gfn) => host.frameOf(gfn), physicalBits: 40 },
      slots: { generation: kvm.slotGeneration!, isVisible: (gfn) => (this.renewed.has(gfn) ? undefined : !host.isAbsent(gfn)) },
      recent: {
        zapAllFastUnfinished: zapping,
        zapYielded: false,
        synced: this.synced,
        flushed: this.flushed,
        recycled: this.recycled,
        faults: this.faults,
      },
      page: (id) => this.page(id),
      vcpu: (id) => ({ inGuest: true, reloadPending: machine.mustReload(machine.cpus[id]!) }),
    };
  }

  private page(id: PageId): Partial<PageSnapshot> {
    const { mmu } = this.machine;
    const { pages, state } = mmu;
    const bitmap = this.unsyncBitmap(id);
    return {
      birth: pages.birth(id),
      writeFloodingCount: pages.writeFlooding(state, id),
      list: mmu.active.has(id) ? 'active' : 'none',
      unsyncBitmap: bitmap,
      unsyncChildren: bitmap.size,
    };
  }

  /** The engine keeps no bitmaps; its bits are the entries through which it finds unsync pages. */
  private unsyncBitmap(id: PageId): ReadonlySet<SpteIndex> {
    const { mmu, kvm } = this.machine;
    const { pages, state } = mmu;
    const bits = new Set<SpteIndex>();
    const below = new Set(unsyncBelow(kvm, id));
    if (below.size === 0) return bits;
    for (let index = 0; index < 512; index++) {
      const cell = pages.entryCell(id, index as SpteIndex);
      if (entryState(state.tag(cell)) !== EntryState.link) continue;
      const child = state.number(cell) as PageId;
      if (below.has(child) || unsyncBelow(kvm, child).some((page) => below.has(page))) bits.add(index as SpteIndex);
    }
    return bits;
  }
}
