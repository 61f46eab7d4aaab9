import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { eraFor, hasFeature, withoutFeatures } from '../../src/engine/eras.js';
import { FEATURES, FEATURE_NAMES, type Feature } from '../../src/engine/features.js';
import { NO_PAGE, type Gfn, type PageId, type SpteIndex } from '../../src/engine/ids.js';
import { encodeOldRole } from '../../src/engine/oldRoleLayout.js';
import { encodeRole } from '../../src/engine/roleLayout.js';
import { ACC_ALL, roleField, withRole } from '../../src/engine/role.js';
import { Machine } from '../../src/scenario/machine.js';
import { runScenario, type ScenarioRun } from '../../src/scenario/run.js';
import { replayed } from '../replay/recordings.js';

/** A kernel on which the feature is on or off, and what makes the difference. */
interface Proof {
  readonly kernel: string;
  readonly lines: readonly string[];
  /** set in both runs, so that the difference can show */
  readonly without?: readonly Feature[];
  readonly with?: readonly Feature[];
}

const RAM = 'slot ram gfn 0..0xff pfn 0x1000';
const TABLES32 = [
  RAM,
  'set 0x1000[0] = 0x5000|P|W|U|A as 4 bytes',
  'set 0x5000[0] = 0x10000|P|W|U|A|D as 4 bytes',
  'set 0x5000[1] = 0x11000|P|W|U|A|D as 4 bytes',
  'set 0x5000[5] = 0x5000|P|W|U|A|D as 4 bytes',
  'set 0x5000[6] = 0x1000|P|W|U|A|D as 4 bytes',
  'set 0x5000[512] = 0x20000|P|W|U|A|D as 4 bytes',
  'vcpu 0 paging 32 cr3 0x1000',
];
const OFF = [RAM, 'vcpu 0 paging off'];
const MMIO = [...TABLES32, 'set 0x5000[2] = 0xfee00000|P|W|U|A|D', 'read 0x2000', 'read 0x2000'];
/** The guest writes its own page table; then the TLB is flushed. */
const UNSYNC = [...TABLES32, 'read 0', 'write 0x5004 = 0x12000|P|W|U|A|D', 'read 0x1000', 'cr3 0x1000', 'read 0x1000'];
const LARGE = ['slot big gfn 0x400..0xbff pfn 0x4000 large'];
const SPLIT = [...TABLES32, ...LARGE, 'set 0x1000[2] = 0x400000|P|W|U|A|D|PS', 'host map gfn 0x400..0x7ff pfn 0x6001'];
const DIRECTORY_CHANGES = ['read 0x800000', 'set 0x1000[2] = 0x800000|P|W|U|A|D|PS', 'read 0x810000'];
/** A supervisor's writable page becomes the user's, unseen. */
const MADE_ANEW = [...TABLES32, 'set 0x5000[1] = 0x11000|P|W|A|D', 'write 0x1000', 'set 0x5000[1] = 0x11000|P|W|U|A|D', 'read 0x1000 user'];
const LONG = [
  RAM,
  'vcpu 0 paging 4-level cr3 0x1000',
  'set 0x1000[0] = 0x2000|P|W|U|A',
  'set 0x2000[0] = 0x3000|P|W|U|A',
  'set 0x3000[0] = 0x5000|P|W|U|A',
  'set 0x5000[0] = 0x10000|P|W|U|A|D',
];

/** Features that a scenario shows, and how. */
const PROOFS: Partial<Record<Feature, Proof>> = {
  'quadrant-filter': { kernel: '6.1', lines: [...TABLES32, 'read 0', 'read 0x200000', 'emulate 0x5000[512] = 0x21000|P|W|U|A|D'] },
  'mmio-decoupling': { kernel: '2.6.26', lines: MMIO },
  'mmio-sptes': { kernel: '6.1', lines: MMIO },
  'quadrant-in-role': { kernel: '6.1', lines: [...TABLES32, 'read 0', 'read 0x200000'] },
  'role-from-parent': { kernel: '5.15', lines: OFF, without: ['direct-has-8-byte-gptes'] },
  'direct-has-8-byte-gptes': { kernel: '5.15', lines: [...SPLIT, 'read 0x800000'] },
  'direct-mmu-quadrants': { kernel: '2.6.24', lines: OFF.concat('read 0') },
  'nonpaging-has-4-byte-gptes': { kernel: '5.15.y-S002', lines: OFF },
  'local-pages': { kernel: 'rfc-local', lines: [...TABLES32, 'read 0'] },
  'local-quadrant-mod-4': { kernel: 'rfc-local', lines: [...TABLES32, 'set 0x1000[0x300] = 0x5000|P|W|U|A', 'read 0xc0000000'] },
  'invalid-roots': { kernel: '2.6.26', lines: [...TABLES32, 'read 0', 'emulate 0x1002 = 0 as 4 bytes', 'read 0'] },
  unsync: { kernel: '6.1', lines: UNSYNC },
  'unsync-many': { kernel: '6.1', lines: [...TABLES32, 'read 0', 'read 0x200000', 'write 0x5004 = 0x12000|P|W|U|A|D'] },
  'transient-sync': {
    kernel: '6.1',
    lines: [...UNSYNC.slice(0, -2), 'write 0x5004 = 0x13000|P|W|U|A|D', 'set 0x1000[3] = 0x5000|P|W|U|A', 'read 0xc01000'],
  },
  'update-on-write': { kernel: '2.6.24', lines: [...TABLES32, 'read 0', 'emulate 0x5000[0] = 0x21000|P|W|U|A|D'] },
  'child-gfn-check': { kernel: '6.1', lines: [...SPLIT, 'host map gfn 0x800..0xbff pfn 0x7001', ...DIRECTORY_CHANGES] },
  'child-role-check': {
    kernel: '6.1',
    lines: [...SPLIT, 'set 0x400000[16] = 0x10000|P|W|U|A|D', 'read 0x800000', 'set 0x1000[2] = 0x400000|P|W|U|A', 'read 0x810000'],
  },
  'drop-before-mmio': {
    kernel: '6.1',
    lines: [...TABLES32, 'set 0x5000[1] = 0x11000|P|W|U|A', 'read 0x1000', 'set 0x5000[1] = 0xfee00000|P|W|U|A', 'write 0x1000'],
  },
  'flood-per-page': { kernel: '6.1', lines: [...TABLES32, 'read 0', ...[1, 2, 3].map(() => 'emulate 0x5000[7] = 0')] },
  'page-track': {
    kernel: '6.1',
    lines: [...TABLES32, 'read 0x6000', 'write 0x6008 = 0x5000|P|W|U|A'],
  },
  'user-write-unshadows': { kernel: '2.6.24', lines: [...TABLES32, 'read 0', 'read 0x200000', 'write 0x5008 = 0 user'] },
  prefetch: { kernel: '6.1', lines: [...TABLES32, 'host map gfn 0x10..0x11 pfn 0x2000', 'read 0', 'read 0x1000'] },
  'fast-page-fault': { kernel: '6.1', lines: [...OFF, 'read 0x10000', 'host log gfn 0..0xff', 'write 0x10000'] },
  'large-pages': { kernel: '6.1', lines: ['slot big gfn 0..0x3ff pfn 0x4000 large', 'vcpu 0 paging off', 'read 0x3000'] },
  'direct-gfn-of-part': { kernel: '2.6.28', lines: [...SPLIT, 'read 0xa00000'] },
  'byte-writes': { kernel: '6.1', lines: [...TABLES32, 'read 0', 'emulate 0x5000 = 0x67 as 1 bytes'] },
  generations: { kernel: '6.1', lines: [...TABLES32, ...LARGE, 'read 0', 'delete slot big'] },
  'rmap-of-all-leaves': {
    kernel: '2.6.25',
    lines: [...TABLES32, 'set 0x5000[1] = 0x11000|P|U|A', 'read 0x1000', 'host take gfn 0x11', 'read 0x1000'],
  },
  'access-in-role': { kernel: '2.6.25', lines: [...TABLES32, 'set 0x1000[0] = 0x5000|P|U|A', 'read 0'] },
  'read-access': { kernel: '7.x', lines: TABLES32 },
  'smep-in-role': { kernel: '7.x', lines: [...TABLES32, 'vcpu 0 smep'] },
  'nx-forced': { kernel: '6.1', lines: [...TABLES32, 'vcpu 0 nonx'] },
  'previous-roots': { kernel: '6.1', lines: [...LONG, 'read 0', 'cr3 0x9000', 'cr3 0x1000'] },
  'nonpaging-write-protection': {
    kernel: '2.6.25',
    lines: [...TABLES32, 'read 0', 'vcpu 1 paging off', 'write 0x5004 = 0x12000|P|W|U|A'],
  },
  'sync-clears-accessed': { kernel: '6.1', lines: UNSYNC },
  'resetting-keeps-dirty': { kernel: '6.18', lines: MADE_ANEW },
  'writable-stays': { kernel: '6.1', lines: MADE_ANEW },
  'mmio-counts-as-writable': {
    kernel: '6.1',
    lines: [...MMIO, 'slot more gfn 0x800..0x8ff', 'set 0x5000[2] = 0x1000|P|W|U|A|D', 'read 0x2000'],
  },
  'invalidate-syncs': { kernel: '6.12', lines: [...UNSYNC.slice(0, -2), 'invlpg 0x1000'] },
  'requests-print-address': { kernel: '5.15', lines: [...TABLES32, 'read 0x1000'] },
  'mmio-set-spte': { kernel: '5.10', lines: MMIO },
  'sync-zaps-empty': { kernel: '5.10', lines: [...UNSYNC.slice(0, -3), ...[0, 1, 5, 6].map((i) => `set 0x5000[${i}] = 0`), 'cr3 0x1000'] },
  'prefetch-unsyncs': {
    kernel: '5.10',
    lines: [...TABLES32, 'set 0x5000[2] = 0x5000|P|W|U|A|D', 'host map gfn 0..0x20 pfn 0x1000', 'read 0'],
  },
};

/** What no statement of a scenario brings about. */
const SHOWN_APART: readonly Feature[] = [
  'passthrough',
  'clear-child-invalid',
  'unprotect-after-fault',
  'injected-until-entry',
  'notifier-events',
];

function roleWord({ era }: ScenarioRun, machine: Machine, page: PageId): string {
  const role = machine.pages.role(machine.state, page);
  const word = 'bit4Is8Byte' in era.roles ? encodeRole(era.roles, role) : encodeOldRole(era.roles, role, 2);
  return word.toString(16);
}

/** Everything that took place, and what is there at the end. */
function outcome(run: ScenarioRun): string[] {
  const { machine } = run;
  const { pages, state, mmu } = machine;
  const lines = run.happenings.map((happening) =>
    JSON.stringify(happening, (_, value: unknown) => (typeof value === 'bigint' ? value.toString(16) : value)),
  );
  for (let page = 1 as PageId; page <= pages.last; page++) {
    if (!pages.isLive(state, page)) continue;
    lines.push(
      `page ${page} gfn ${pages.gfn(state, page)} ${roleWord(run, machine, page)} ${pages.rootCount(state, page)} ${pages.isUnsync(state, page)}`,
    );
    for (let index = 0; index < 512; index++) {
      const cell = pages.entryCell(page, index as SpteIndex);
      if (state.tag(cell)) lines.push(`  ${index} ${state.tag(cell)} ${state.word(cell).toString(16)}`);
    }
  }
  for (const gfn of mmu.mappedFrames())
    lines.push(
      `rmap ${gfn} ${mmu
        .rmap(gfn)
        .map(({ page, index }) => `${page}[${index}]`)
        .join()}`,
    );
  for (const { vcpu } of machine.cpus)
    lines.push(
      `roots ${vcpu.roots().join()} ${vcpu
        .previousRoots()
        .filter((root) => root !== NO_PAGE)
        .join()}`,
    );
  return lines;
}

function runProof({ kernel, lines, ...rules }: Proof, feature: Feature, on: boolean): ScenarioRun {
  const { without = [], with: more = [] } = rules;
  const text = lines.join('\n');
  return runScenario(text, `${feature}.mmu`, {
    kernel,
    without: on ? without : [...without, feature],
    with: on ? [...more, feature] : more,
  });
}

describe('every feature', () => {
  for (const feature of FEATURE_NAMES) {
    const proof = PROOFS[feature];
    if (!proof) continue;
    it(`${feature}: ${FEATURES[feature].on}`, () => {
      const [on, off] = [runProof(proof, feature, true), runProof(proof, feature, false)];
      assert.notDeepEqual(outcome(on), outcome(off));
      assert.ok(hasFeature(eraFor(proof.kernel), feature) || on.with.includes(feature));
    });
  }
  /** Everything that an emulated write to the top table of a nested 4-level guest zaps on a host with five levels. */
  function zappedBelow(off: readonly Feature[]): { marked: number; tracked: number } {
    const machine = new Machine({ era: withoutFeatures(eraFor('6.1'), off), maxPages: 100 });
    machine.addSlot(0 as Gfn, 0x100);
    for (const [table, next] of [
      [1, 2],
      [2, 3],
      [3, 5],
      [5, 0x10],
    ] as const)
      machine.writeUnseen(table * 4096, 8, (BigInt(next) << 12n) | 0x67n);
    const cpu = machine.addCpu({ mode: '4-level', rootLevels: 5, cr3: 1 as Gfn, wp: true });
    assert.equal(machine.access(cpu, 0n, { user: true }), 'done');
    assert.equal(cpu.reaches(0n), 0x10_000);
    const [root] = cpu.vcpu.roots();
    return {
      marked: roleField(machine.pages.role(machine.state, root!), 'passthrough'),
      tracked: machine.mmu.shadowsOf(1 as Gfn).length,
    };
  }
  it(`passthrough: ${FEATURES.passthrough.on}`, () => {
    assert.deepEqual(zappedBelow([]), { marked: 1, tracked: 1 });
    assert.deepEqual(zappedBelow(['passthrough']), { marked: 0, tracked: 2 });
  });

  it(`clear-child-invalid: ${FEATURES['clear-child-invalid'].on}`, () => {
    const invalid = (off: readonly Feature[]): number => {
      const { machine } = runScenario(TABLES32.join('\n'), 'invalid.mmu', { kernel: '6.1', without: off });
      const zapped = withRole(machine.pages.role(machine.state, machine.cpus[0]!.vcpu.roots()[0]!), { invalid: 1 });
      return roleField(machine.mmu.roles.child(zapped, 0 as SpteIndex, false, ACC_ALL), 'invalid');
    };
    assert.deepEqual([invalid([]), invalid(['clear-child-invalid'])], [0, 1]);
  });

  for (const feature of ['unprotect-after-fault', 'injected-until-entry'] as const) {
    it(`${feature}: ${FEATURES[feature].on}`, async () => {
      const count = async (without: readonly Feature[]): Promise<number> =>
        (await replayed('k7.2-nonpae-small-all.txt.zst', { without })).findings.length;
      assert.notEqual(await count([]), await count([feature]));
    });
  }

  it(`notifier-events: ${FEATURES['notifier-events'].on}`, async () => {
    // A write that ended without a request has an explanation only where the host may have copied the page unseen.
    const findings = async (more: readonly Feature[]): Promise<string[]> =>
      (await replayed('k5.10-nonpae-small-all.txt.zst', { with: more })).findings.map(({ kind }) => kind);
    assert.deepEqual(await findings([]), []);
    assert.notDeepEqual(await findings(['notifier-events']), []);
  });

  it('is shown', () => {
    assert.deepEqual(
      FEATURE_NAMES.filter((name) => !PROOFS[name] && !SHOWN_APART.includes(name)),
      [],
    );
  });
});
