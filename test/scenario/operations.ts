import fc from 'fast-check';
import { Output, type Announcement } from '../../src/engine/announcement.js';
import { pageOf } from '../../src/engine/gpte.js';
import type { Snapshot } from '../../src/engine/invariants/snapshot.js';
import { roleField } from '../../src/engine/role.js';
import type { Cpu } from '../../src/scenario/cpu.js';
import type { Machine } from '../../src/scenario/machine.js';
import { MODES, SLOTS, addressOf, entryWrite, gfn, linearAddress, rootOf, type EntryChoice, type Mode } from './guest.js';
import type { Observer } from '../../src/scenario/observer.js';

const nat = (below: number): fc.Arbitrary<number> => fc.nat({ max: below - 1 });
const place = fc.tuple(nat(64), nat(64), nat(64), nat(64));
const cpu = nat(2);
const entry: fc.Arbitrary<EntryChoice> = fc.record({ kind: nat(64), table: nat(2), index: nat(64), target: nat(64), flags: nat(2 ** 13) });

/** One thing that the guest, user space or the host does; numbers pick from what there is at that moment. */
export const operation = fc.oneof(
  { weight: 40, arbitrary: fc.record({ op: fc.constant('access' as const), cpu, at: place, offset: nat(4096), how: nat(24) }) },
  { weight: 16, arbitrary: fc.record({ op: fc.constant('write-entry' as const), cpu, entry, size: nat(16), odd: nat(12) }) },
  { weight: 5, arbitrary: fc.record({ op: fc.constant('emulate' as const), cpu, entry, size: nat(16) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('write-unseen' as const), entry }) },
  { weight: 5, arbitrary: fc.record({ op: fc.constant('switch' as const), cpu, root: nat(2) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('mode' as const), cpu, mode: nat(64), root: nat(2) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('write-protect' as const), cpu }) },
  { weight: 6, arbitrary: fc.record({ op: fc.constant('invlpg' as const), cpu, at: place }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('unmap' as const), at: nat(64) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('share' as const), at: nat(64) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('slot' as const), slot: nat(2) }) },
);
export type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** Guest frames that the host may take away or share: tables and data. */
const FRAMES = [5, 7, 9, 0x13, 0x14, 0x15, 0x16, 0x17, 0x19, 0x1a, 0x100, 0x101, 0x400, 0x401, 0x601];
/** A fast zap may let go of the lock after so many pages. */
const ZAP_BATCH = 10;

/** What happened, by name. */
export class Counts {
  private readonly counts = new Map<string, number>();

  add(name: string, by = 1): void {
    this.counts.set(name, this.of(name) + by);
  }
  of(name: string): number {
    return this.counts.get(name) ?? 0;
  }
  toString(): string {
    return [...this.counts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  }
}

/** Does operations to a machine, and counts what comes of them. */
export class Driver {
  /** pages that a fast zap has zapped so far; undefined while there is none */
  private zapping: number | undefined;

  constructor(
    private readonly machine: Machine,
    private readonly observer: Observer,
    private readonly counts: Counts,
    private readonly check: (snapshot: Snapshot) => void,
    private readonly modes: readonly Mode[] = MODES,
  ) {
    machine.onEvent = (announced) => this.event(announced);
  }

  do(operation: Operation): void {
    this.observer.begin(operation.op === 'access');
    this.counts.add('operations');
    if ('cpu' in operation) this.countCpu(this.cpu(operation.cpu), operation.cpu);
    this.perform(operation);
  }

  private perform(operation: Operation): void {
    const { machine, observer, counts } = this;
    switch (operation.op) {
      case 'access':
        return this.access(operation);
      case 'write-entry':
        return this.writeEntry(operation);
      case 'emulate': {
        const { gpa, bytes, word } = this.sized(operation.entry, operation.size);
        machine.emulate(this.cpu(operation.cpu), gpa, { bytes, word });
        return counts.add('emulated by KVM');
      }
      case 'write-unseen': {
        const { gpa, bytes, word } = entryWrite(operation.entry);
        // Upper tables that change unseen are no guest that works.
        if (machine.mmu.isTracked(gfn(Math.floor(gpa / 4096)))) return;
        machine.writeUnseen(gpa, bytes, word);
        observer.wroteUnseen(gpa, bytes);
        return counts.add('written by user space');
      }
      case 'switch':
        return this.setPaging(this.cpu(operation.cpu), { root: operation.root }, 'CR3 load');
      case 'mode':
        return this.setPaging(
          this.cpu(operation.cpu),
          { root: operation.root, mode: this.modes[operation.mode % this.modes.length]! },
          'mode change',
        );
      case 'write-protect':
        return this.setPaging(this.cpu(operation.cpu), { wp: !this.cpu(operation.cpu).paging.wp }, 'CR0.WP toggle');
      case 'invlpg': {
        const target = this.cpu(operation.cpu);
        const address = addressOf(target.paging.mode, operation.at, 0);
        machine.invlpg(target, address);
        if (target.mode) observer.flushedPage(target.vcpu.id, pageOf(target.mode, address));
        return counts.add('INVLPG');
      }
      case 'unmap':
        machine.takePage(gfn(FRAMES[operation.at % FRAMES.length]!));
        return counts.add('unmapped by the host');
      case 'share':
        machine.sharePages(gfn(FRAMES[operation.at % FRAMES.length]!), 1);
        return counts.add('shared by the host');
      case 'slot': {
        const slot = SLOTS[operation.slot]!;
        if (machine.host.hasSlot(slot.first)) {
          this.zapping = 0;
          machine.deleteSlot(slot.first);
          this.zapping = undefined;
          observer.slotsChanged();
          return counts.add('slot deletion');
        }
        machine.addSlot(slot.first, slot.pages, slot.large);
        return counts.add('slot creation');
      }
    }
  }

  private access({ cpu: id, at, offset, how }: Extract<Operation, { op: 'access' }>): void {
    const target = this.cpu(id);
    const address = addressOf(target.paging.mode, at, offset);
    const write = how % 3 === 1;
    const fetch = how % 3 === 2 && how % 2 === 0;
    const user = how % 4 === 3;
    this.counts.add(`access: ${this.machine.access(target, address, { write, fetch, user })}`);
  }

  private writeEntry({ cpu: id, entry: choice, size, odd }: Extract<Operation, { op: 'write-entry' }>): void {
    const target = this.cpu(id);
    const { gpa, bytes, word } = this.sized(choice, size);
    const address = linearAddress(target.paging.mode, gpa);
    const result = this.machine.access(target, address, { write: true, value: { bytes, word }, odd: odd === 0 });
    this.counts.add(`table write: ${result}`);
  }

  /** Most writes are of one entry; some are of other sizes, or begin within the entry. */
  private sized(choice: EntryChoice, size: number): { gpa: number; bytes: 1 | 2 | 4 | 8; word: bigint } {
    const { gpa, bytes, word } = entryWrite(choice);
    if (size === 0) return { gpa, bytes: 1, word: word & 0xffn };
    if (size === 1) return { gpa: gpa + 2, bytes: 2, word: 0n };
    if (size === 2) return { gpa: gpa - (gpa % 8), bytes: 8, word };
    if (size === 3) return { gpa: gpa + (bytes === 8 ? 4 : 0), bytes: 4, word: 0n };
    if (size === 4) return { gpa: gpa + 2, bytes: 4, word: 0n };
    return { gpa, bytes, word };
  }

  private setPaging(target: Cpu, change: { root?: number; mode?: Mode; wp?: boolean }, name: string): void {
    const mode = change.mode ?? target.paging.mode;
    const cr3 = change.root === undefined ? target.paging.cr3 : rootOf(mode, change.root);
    const cached = target.vcpu.previousRoots().length;
    // The second vCPU's nested page tables have five levels.
    const rootLevels = target.vcpu.id === 0 ? 4 : 5;
    this.machine.setPaging(target, { mode, cr3, wp: change.wp ?? target.paging.wp, rootLevels });
    this.observer.flushedAll(target.vcpu.id);
    this.counts.add(name);
    if (cached > 0) this.counts.add('root kept for later');
  }

  private cpu(id: number): Cpu {
    return this.machine.cpus[id]!;
  }

  private countCpu({ paging: { mode, cr3 } }: Cpu, id: number): void {
    this.counts.add(`paging ${mode}`);
    this.counts.add(`vCPU ${id}`);
    if (mode !== 'off') this.counts.add(`root ${cr3 === rootOf(mode, 0) ? 0 : 1}`);
  }

  private event(announced: Announcement): void {
    const { counts } = this;
    const name = Object.entries(Output).find(([, output]) => output === announced.output)![0];
    counts.add(`event ${name}`);
    if (this.observer.saw(announced)) counts.add('recycled');
    if (this.zapping !== undefined && announced.output === Output.prepareZap && ++this.zapping % ZAP_BATCH === 0) {
      counts.add('fast zap that lets go of the lock');
      this.check(this.observer.snapshot(true));
    }
    if (announced.output === Output.getPage && announced.fields.created && roleField(announced.fields.role!, 'direct'))
      counts.add('direct page');
    if (announced.output === Output.setSpte && announced.level > 1) counts.add('large SPTE');
  }
}
