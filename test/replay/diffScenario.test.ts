import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { diffRuns } from '../../src/replay/diff/diff.js';
import { openScenario, rulesNamed } from '../../src/replay/diff/open.js';
import { diffReport, type DiffReport } from '../../src/replay/diff/report.js';

const bundled = (name: string): string => readFileSync(`media/scenarios/${name}.mmu`, 'utf8');
const side = { file: '', kernel: '', without: [] };

interface Rules {
  readonly kernel?: string;
  readonly without?: readonly string[];
}

function compared(text: string, a: Rules, b: Rules): DiffReport {
  const open = ({ kernel, without }: Rules) => openScenario(text, 'test.mmu', rulesNamed(kernel, without)).run;
  return diffReport(diffRuns(open(a), open(b)), side, side);
}

const ALIASES = [
  'kernel 2.6.24',
  'slot ram gfn 0x0..0x3ff pfn 0x10000',
  'vcpu 0 paging 32 cr3 0x1000',
  'set 0x1000[0] = 0x5000|P|W|U|A',
  'set 0x5000[2] = 0x20000|P|W|U|A|D',
  'set 0x5000[514] = 0x21000|P|W|U|A|D',
  'read 0x2000',
  'read 0x202000',
  'emulate 0x5000[2] = 0x30000|P|W|U|A|D',
  'read 0x202000',
].join('\n');

describe('the difference of a scenario with and without a feature', () => {
  it('is none where nothing differs', () => {
    const report = compared(ALIASES, {}, {});
    assert.deepEqual([report.differencesTotal, report.aligned, report.onlyA, report.onlyB], [0, 10, 0, 0]);
  });

  it('begins with the write that touches an alias, where the quadrant is not looked at', () => {
    const report = compared(ALIASES, {}, { without: ['quadrant-filter'] });
    const [first] = report.differences;
    assert.deepEqual((first!.a ?? first!.b)!.statement, { line: 9, text: 'emulate 0x5000[2] = 0x30000|P|W|U|A|D' });
    assert.deepEqual(first!.features, ['quadrant-filter']);
    assert.deepEqual(
      first!.state.map(({ place, a }) => [place, a!.replace(/ \S+$/, '')]),
      [['5 L1 q1 [002]', 'leaf gfn 21']],
    );
    assert.match(first!.message, /only B sets .*quadrant-filter/);
  });

  it('is turned round with its sides', () => {
    const report = compared(ALIASES, { without: ['quadrant-filter'] }, {});
    assert.match(report.differences[0]!.message, /^only A sets .*; B has quadrant-filter: /);
  });

  it('is a page directory that stands for all four, where the role has no quadrant', () => {
    const report = compared(bundled('000-quadrant-in-role'), {}, { without: ['quadrant-in-role'] });
    const [first] = report.differences;
    assert.deepEqual(first!.fields['role.quadrant'], ['1', '0']);
    assert.deepEqual(first!.fields['created'], ['1', '0']);
    assert.match(first!.a!.text, /gfn 1 l2 4-byte q1 .* new$/);
  });

  it('says nothing of the frames that are taken on demand', () => {
    const report = compared(ALIASES.replace(' pfn 0x10000', ''), {}, { without: ['quadrant-filter'] });
    assert.equal(report.differences[0]!.b!.statement!.line, 9);
  });

  it('names an expect that holds in one run only', () => {
    const text = `${ALIASES}\nexpect va 0x202000 is gpa 0x21000`;
    const report = compared(text, {}, { without: ['quadrant-filter'] });
    const last = report.differences.at(-1)!;
    assert.match(last.message, /^only in B an expect fails: /);
    assert.equal(last.a!.statement!.line, 11);
  });

  it('is seen in the state alone, where hardware sets what a sync clears', () => {
    const text = [
      'slot ram gfn 0x0..0x3ff',
      'vcpu 0 paging 32 cr3 0x1000',
      'set 0x1000[0] = 0x5000|P|W|U|A',
      'set 0x1000[1] = 0x6000|P|W|U|A',
      'set 0x5000[2] = 0x20000|P|W|U|A|D',
      'set 0x6000[0] = 0x5000|P|W|U|A|D',
      'read 0x2000',
      'write 0x400000 = 0x21000|P|W|U|A|D',
      'cr3 0x1000',
    ].join('\n');
    const report = compared(text, {}, { without: ['sync-clears-accessed'] });
    assert.deepEqual(
      report.differences.map(({ kind }) => kind),
      ['state'],
    );
    assert.equal(report.differences[0]!.a!.statement!.text, 'cr3 0x1000');
    assert.deepEqual(report.differences[0]!.state, [{ place: '5 L1 q0 [002]', a: 'leaf gfn 20 wuxm--', b: 'leaf gfn 20 wuxmad' }]);
  });

  it('lies between two kernels too', () => {
    const text = ['vcpu 0 paging 32 cr3 0x1000 nonx', 'slot ram gfn 0x0..0x3ff', 'set 0x1000[0] = 0x5000|P|W|U|A', 'read 0x0'].join('\n');
    const report = compared(text, { kernel: '5.10' }, { kernel: '6.1' });
    assert.deepEqual(report.differences[0]!.features, ['nx-forced']);
    assert.deepEqual(report.differences[0]!.fields, { 'role.efer_nx': ['0', '1'] });
  });

  it('has no kernel and no feature that nobody named so', () => {
    assert.throws(() => rulesNamed('1.0'), /there is no era '1\.0'/);
    assert.throws(() => rulesNamed(undefined, ['quadrant-fliter']), /there is no feature 'quadrant-fliter'/);
  });
});
