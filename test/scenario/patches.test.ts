import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { Output } from '../../src/engine/announcement.js';
import { eraFor, withFeatures, withoutFeatures } from '../../src/engine/eras.js';
import type { Feature } from '../../src/engine/features.js';
import type { Gfn } from '../../src/engine/ids.js';
import { checkAll } from '../../src/engine/invariants/check.js';
import type { Cpu, Paging } from '../../src/scenario/cpu.js';
import { Machine } from '../../src/scenario/machine.js';
import { Observer } from '../../src/scenario/observer.js';

const USED = 0x67n;
const CR3 = 1;
const TABLE = 5;
const UPPER_HALF = 0x200000n;
const MOST = 1000;

/** A guest with 4-byte entries: PDE 0 leads to the table at gfn 5, entry 0 of that to gfn 10 and entry 512 to gfn 20. */
class Small {
  readonly machine: Machine;
  readonly observer: Observer;
  readonly events: string[] = [];

  constructor(kernel: string, off: readonly Feature[] = [], on: readonly Feature[] = []) {
    this.machine = new Machine({ era: withFeatures(withoutFeatures(eraFor(kernel), off), on), maxPages: MOST });
    this.machine.addSlot(0 as Gfn, 0x100);
    this.observer = new Observer(this.machine, MOST);
    this.entry(CR3, 0, 0x5);
    this.entry(TABLE, 0, 0x10);
    this.entry(TABLE, 512, 0x20);
    this.machine.onEvent = (announced) => {
      if (announced.output === Output.getPage)
        this.events.push(`get ${announced.fields.gfn!.toString(16)} ${announced.fields.role!.toString(16)}`);
      else if (announced.output === Output.setSpte) this.events.push(`set ${announced.page} ${announced.index} ${announced.spte.value}`);
    };
  }

  entry(table: number, index: number, frame: number): void {
    this.machine.writeUnseen(table * 4096 + index * 4, 4, (BigInt(frame) << 12n) | USED);
  }

  vcpu(paging: Partial<Paging> = {}): Cpu {
    return this.machine.addCpu({ mode: '32', cr3: CR3 as Gfn, wp: true, ...paging });
  }

  /** The guest physical page that an address reaches after it was read. */
  read(cpu: Cpu, address: bigint): number {
    this.observer.begin();
    assert.equal(this.machine.access(cpu, address, {}), 'done');
    return cpu.reaches(address)! / 4096;
  }

  /** Numbers of the invariants that do not hold. */
  broken(): number[] {
    return [...new Set(checkAll(this.observer.snapshot()).violations.map(({ number }) => number))];
  }
}

describe('the quadrant in the role (seed 000)', () => {
  it('keeps the roots and the halves of a table apart', () => {
    const guest = new Small('6.1');
    const cpu = guest.vcpu();
    assert.equal(new Set(cpu.vcpu.roots()).size, 4);
    assert.deepEqual([guest.read(cpu, 0n), guest.read(cpu, UPPER_HALF), guest.read(cpu, 0n)], [0x10, 0x20, 0x10]);
    assert.equal(guest.machine.mmu.livePages(TABLE as Gfn).length, 2);
    assert.deepEqual(guest.broken(), []);
  });

  it('without it they collapse, and an address reads the frame of another', () => {
    const guest = new Small('6.1', ['quadrant-in-role']);
    const cpu = guest.vcpu();
    assert.equal(new Set(cpu.vcpu.roots()).size, 1);
    assert.equal(guest.machine.pages.rootCount(guest.machine.state, cpu.vcpu.roots()[0]!), 4);
    assert.deepEqual([guest.read(cpu, 0n), guest.read(cpu, UPPER_HALF), guest.read(cpu, 0n)], [0x10, 0x20, 0x20]);
    assert.equal(cpu.reaches(UPPER_HALF + 0x4000_0000n), 0x20_000, 'its gPDE is not even present');
    assert.equal(guest.machine.mmu.livePages(TABLE as Gfn).length, 1);
    assert.deepEqual(guest.broken(), [9]);
  });
});

describe('guest writes and the quadrant (seed 004)', () => {
  /** SPTEs left at VA 0 and in the upper half after the guest has written entry 512. */
  function afterWrite(kernel: string, off: readonly Feature[]): (number | undefined)[] & { broken?: number[] } {
    const guest = new Small(kernel, off);
    const cpu = guest.vcpu();
    for (const address of [0n, UPPER_HALF]) guest.read(cpu, address);
    guest.machine.emulate(cpu, TABLE * 4096 + 512 * 4, { bytes: 4, word: 0x21_000n | USED });
    return Object.assign([cpu.reaches(0n), cpu.reaches(UPPER_HALF)], { broken: guest.broken() });
  }

  it('only the SPTE behind the entry goes, or is updated', () => {
    assert.deepEqual([...afterWrite('2.6.22', [])], [0x10_000, undefined]);
    assert.deepEqual([...afterWrite('2.6.24', [])], [0x10_000, 0x21_000]);
    assert.deepEqual([...afterWrite('6.1', [])], [0x10_000, undefined]);
  });

  it('before, its alias went, too; with updates it would have been given the other frame', () => {
    assert.deepEqual([...afterWrite('2.6.21', [])], [undefined, undefined]);
    const wrong = afterWrite('2.6.24', ['quadrant-filter']);
    assert.deepEqual([...wrong], [0x21_000, 0x21_000]);
    assert.deepEqual(wrong.broken, [9]);
  });
});

describe('roles from the parent, or from vCPU and address (seed 002)', () => {
  function run(kernel: string, off: readonly Feature[], on: readonly Feature[] = [], paging: Partial<Paging> = {}): string[] {
    const guest = new Small(kernel, off, on);
    guest.entry(CR3, 0x301, 0x5);
    const cpu = guest.vcpu(paging);
    for (const address of [0n, UPPER_HALF, 0x1000n]) guest.machine.access(cpu, address, {});
    if (paging.mode !== 'off') for (const address of [0xc040_0000n, 0xc060_0000n]) guest.read(cpu, address);
    assert.deepEqual(guest.broken(), []);
    return guest.events;
  }

  it('give the same events', () => {
    assert.deepEqual(run('6.1', ['role-from-parent']), run('6.1', []));
    assert.deepEqual(run('6.1', ['role-from-parent'], [], { mode: 'off' }), run('6.1', [], [], { mode: 'off' }));
    assert.deepEqual(run('5.15', [], ['role-from-parent']), run('5.15', []));
  });

  it('but for a guest without paging under the patch as it was posted to 5.15.y', () => {
    const words = (kernel: string): string[] => [...new Set(run(kernel, [], [], { mode: 'off' }).filter((line) => line.startsWith('get')))];
    const [before, after] = [words('5.15'), words('5.15.y-S002')];
    assert.equal(before.length, after.length);
    assert.notDeepEqual(before, after);
    assert.deepEqual(words('5.15.y-final'), before);
  });
});
