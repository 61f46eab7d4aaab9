import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Gfn } from '../../../src/engine/ids.js';
import { ScenarioError, runScenario } from '../../../src/scenario/run.js';

const TWO_LEVEL = `
kernel 6.1
slot ram gfn 0..0xff pfn 0x1000
vcpu 0 paging 32 cr3 gfn(1)
set gfn(1)[0] = gfn(5)|P|W|U
set gfn(5)[0] = gfn(0x10)|P|W|U
set gfn(5)[512] = gfn(0x20)|P|W|U
read 0
read 0x200000 # the upper half
`;

describe('a scenario', () => {
  it('runs', () => {
    const { machine, statements, failures } = runScenario(TWO_LEVEL, 'two.mmu');
    assert.deepEqual(failures, []);
    assert.deepEqual(
      machine.mmu.livePages(5 as Gfn).map((page) => machine.pages.level(page)),
      [1, 1],
    );
    assert.equal(machine.host.frameOf(0x20 as Gfn), 0x1020);
    assert.deepEqual(statements.at(-1), {
      line: 9,
      text: 'read 0x200000',
      vcpu: 0,
      first: statements.at(-2)!.last + 1,
      last: machine.state.now,
    });
  });

  it('that is none says where', () => {
    assert.throws(
      () => runScenario('slot ram gfn 0..0xff\nraed 0', 'bad.mmu'),
      (error) => {
        assert.ok(error instanceof ScenarioError);
        assert.match(error.message, /^bad\.mmu:2:1: expected 'if' or a statement, found 'raed'; did you mean 'read'\?$/);
        return true;
      },
    );
  });

  it('leaves out what is said of other kernels', () => {
    const text = `${TWO_LEVEL}if mmio-sptes and not update-on-write: read 0x1000\nif mmio-sptes and update-on-write: read 0x2000\n`;
    assert.equal(runScenario(text, 'two.mmu').statements.at(-1)!.line, 10);
    assert.equal(runScenario(text, 'two.mmu', { with: ['update-on-write'] }).statements.at(-1)!.line, 11);
  });

  it('keeps the supervisor from user pages by SMEP and SMAP, but not without paging', () => {
    const text = `slot ram gfn 0..0xfff
vcpu 0 paging 32 cr3 gfn(1) smep smap
set gfn(1)[0] = gfn(5)|P|W|U|A
set gfn(5)[0] = gfn(0x10)|P|W|U|A|D
read 0 user
expect result done
read 0
expect result injected
fetch 0
expect result injected
vcpu 0 paging off
read 0x10000
expect result done
fetch 0x10000
expect result done
`;
    for (const kernel of ['2.6.24', '5.10', '6.1', '7.x']) assert.deepEqual(runScenario(text, 'smap.mmu', { kernel }).failures, [], kernel);
  });
});
