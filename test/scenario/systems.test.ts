import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { describe, it } from 'mocha';
import { ERAS } from '../../src/engine/eras.js';
import type { Feature } from '../../src/engine/features.js';
import type { Gfn, PageId } from '../../src/engine/ids.js';
import { roleField } from '../../src/engine/role.js';
import { runScenario, type RunOptions, type ScenarioRun } from '../../src/scenario/run.js';

const without = (...features: Feature[]): RunOptions => ({ without: features });

const FOLDER = 'media/scenarios';
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.mmu'));

function textOf(system: string): string {
  const file = FILES.find((name) => name.startsWith(system));
  assert.ok(file, `there is no scenario ${system}`);
  return readFileSync(`${FOLDER}/${file}`, 'utf8');
}

/** The scenario of a system, up to before the first line that holds `until`. */
function run(system: string, options: RunOptions = {}, until?: string): ScenarioRun {
  const lines = textOf(system).split('\n');
  const end = until === undefined ? lines.length : lines.findIndex((line) => line.includes(until));
  assert.ok(end > 0, `no line with ${until}`);
  return runScenario(lines.slice(0, end).join('\n'), system, options);
}

/** What each scenario has something to say of, besides its own kernel. */
const RUNS: Record<string, RunOptions[]> = {
  '000': [{}, without('quadrant-in-role'), { kernel: '2.6.28' }, { kernel: '5.10' }, { kernel: '7.x' }],
  '001': [{}, without('local-pages'), without('local-quadrant-mod-4'), { kernel: '6.1' }],
  '002': [{}, without('role-from-parent'), ...['5.10', '5.15', '5.15.y-S002', '6.1', '7.x'].map((kernel) => ({ kernel }))],
  '003': [{}, without('mmio-decoupling'), ...['2.6.21', '2.6.24', '5.10', '6.1', '7.x'].map((kernel) => ({ kernel }))],
  '004': [{}, without('quadrant-filter'), without('update-on-write'), ...['2.6.21', '2.6.22', '6.1'].map((kernel) => ({ kernel }))],
};

/** Live pages of a gfn and level as `quadrant`, or `quadrant+invalid`, by quadrant. */
function pages({ machine: { mmu, pages, state } }: ScenarioRun, gfn: number, level: number): string[] {
  const of = (id: PageId): string => {
    const role = pages.role(state, id);
    return `${roleField(role, 'quadrant')}${roleField(role, 'invalid') ? '+invalid' : ''}`;
  };
  return mmu
    .livePages(gfn as Gfn)
    .filter((id) => pages.level(id) === level)
    .map(of)
    .sort();
}

/** Where the first vCPU gets to by its shadow pages, bytes. */
function reaches({ machine }: ScenarioRun, address: number): number | undefined {
  return machine.cpus[0]!.reaches(BigInt(address));
}

describe('the five systems', () => {
  for (const [system, runs] of Object.entries(RUNS)) {
    it(`${system} is true of each kernel it speaks of`, () => {
      for (const options of runs) assert.deepEqual(run(system, options).failures, [], JSON.stringify(options));
      assert.ok(textOf(system).trimEnd().split('\n').length <= 40, 'it fits on a screen');
    });
  }

  it('every scenario has its runs here', () => {
    assert.deepEqual(
      FILES.map((name) => name.slice(0, 3)),
      Object.keys(RUNS).sort(),
    );
  });

  for (const { name } of ERAS) {
    it(`keep every invariant on ${name}`, () => {
      for (const file of FILES) {
        const doings = readFileSync(`${FOLDER}/${file}`, 'utf8').replace(/^(if .*: )?expect .*$/gm, '');
        assert.deepEqual(runScenario(`${doings}\nexpect invariants hold`, file, { kernel: name }).failures, [], file);
      }
    });
  }

  it('000: without the quadrant gfn and role identify nothing, and the guest reads the wrong frame', () => {
    const good = run('000');
    const bad = run('000', without('quadrant-in-role'));
    assert.deepEqual([pages(good, 1, 2), pages(bad, 1, 2)], [['0', '1', '2', '3'], ['0']]);
    assert.deepEqual([pages(good, 5, 1), pages(bad, 5, 1)], [['0', '1'], ['0']]);
    assert.deepEqual([reaches(good, 0x201000), reaches(bad, 0x201000)], [0x21000, 0x11000]);
  });

  it('001: a page directory below a local page is a child like others, below a bare table it is a root', () => {
    const [local, bare] = [run('001', {}, 'zap all'), run('001', without('local-pages'), 'zap all')];
    assert.deepEqual(
      [pages(local, 1, 2), pages(bare, 1, 2)],
      [
        ['0', '2'],
        ['0', '1', '2', '3'],
      ],
    );
    assert.deepEqual([pages(local, 0, 3), pages(bare, 0, 3)], [[], []], 'neither is in the hash');
    assert.equal(local.machine.mmu.usedPages() - bare.machine.mmu.usedPages(), -2, 'the local page is not counted');
    const [revived, reloaded] = [run('001', {}, 'vcpu 1'), run('001', without('local-pages'), 'vcpu 1')];
    assert.deepEqual([pages(revived, 1, 2), pages(reloaded, 1, 2)], [['0'], ['0', '1', '2', '3']]);
    assert.deepEqual(
      [revived, reloaded].map(({ machine }) => machine.mmu.generation()),
      [0, 0],
    );
    const [root] = revived.machine.cpus[0]!.vcpu.roots();
    assert.equal(
      revived.machine.pages.born(root!),
      local.machine.pages.born(local.machine.cpus[0]!.vcpu.roots()[0]!),
      'it is the same page',
    );
  });

  it('001: by parity the page directories of slots 0 and 2 are one', () => {
    const parity = run('001', without('local-quadrant-mod-4'), 'zap all');
    assert.deepEqual(pages(parity, 1, 2), ['0']);
    assert.equal(reaches(parity, 0), 0x20000, 'address 0 leads where 2 GiB does');
  });

  it('002: both rules give the same pages, but for the page that splits a 4 MiB page', () => {
    const keys = ({ machine: { mmu, pages: all, state } }: ScenarioRun): string[] =>
      [...mmu.hashed()].map((id) => `${all.gfn(state, id).toString(16)} ${all.role(state, id).toString(16)}`).sort();
    assert.deepEqual(keys(run('002')), keys(run('002', without('role-from-parent'))));
    const before = keys(run('002', { kernel: '5.15' }, 'vcpu 1'));
    const posted = keys(run('002', { kernel: '5.15.y-S002' }, 'vcpu 1'));
    assert.deepEqual(
      before.filter((key) => !posted.includes(key)).map((key) => key.split(' ')[0]),
      ['600'],
    );
    assert.deepEqual(pages(run('002', { kernel: '5.15' }), 0x80000, 2), ['0']);
    assert.deepEqual(pages(run('002', { kernel: '5.15.y-S002' }), 0x80000, 2), ['2']);
    assert.deepEqual(pages(run('002'), 0x80000, 2), ['0']);
  });

  it('003: before, after, today', () => {
    const at = 'read 0x401000';
    assert.deepEqual(pages(run('003', without('mmio-decoupling'), at), 6, 1), ['0']);
    assert.deepEqual(pages(run('003', {}, at), 6, 1), []);
    assert.deepEqual(pages(run('003', { kernel: '6.1' }, at), 6, 1), ['0']);
    // Nothing stands between the guest and its table where no page shadows it.
    const tracked = [run('003', without('mmio-decoupling'), at), run('003', {}, at)].map(
      ({ machine }) => machine.mmu.shadowsOf(6 as Gfn).length,
    );
    assert.deepEqual(tracked, [1, 0]);
  });

  it('004: without the filter a write touches the same index in every alias', () => {
    const [good, bad] = [run('004', {}, 'read 0x400000'), run('004', without('quadrant-filter'), 'read 0x400000')];
    assert.deepEqual([reaches(good, 0xc0682000), reaches(bad, 0xc0682000)], [0x77000, 0x77000]);
    assert.deepEqual([reaches(good, 0xc0482000), reaches(bad, 0xc0482000)], [0x33000, 0x77000]);
    const [all, none] = [run('004'), run('004', without('quadrant-filter'))];
    const aliases = [0x400000, 0x40400000, 0x80400000];
    assert.deepEqual(
      aliases.map((address) => reaches(all, address)),
      [0x50000, 0x50000, 0x50000],
    );
    assert.deepEqual(
      aliases.map((address) => reaches(none, address)),
      [undefined, undefined, undefined],
    );
  });
});
