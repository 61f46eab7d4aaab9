import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { Output, type Announcement } from '../../src/engine/announcement.js';
import { parse } from '../../src/scenario/language/parser.js';
import { Machine } from '../../src/scenario/machine.js';
import { Runner } from '../../src/scenario/run/runner.js';
import { eraOfProgram } from '../../src/scenario/run.js';

/** Leaves that a scenario sets, as `gfn level pfn`, in order. */
function leaves(...lines: string[]): string[] {
  const { program, diagnostics } = parse(lines.join('\n'));
  assert.deepEqual(diagnostics, []);
  const { era } = eraOfProgram(program);
  const machine = new Machine({ era, maxPages: Infinity });
  const runner = new Runner(machine, era);
  const found: string[] = [];
  const { onEvent } = machine;
  machine.onEvent = (announced: Announcement) => {
    onEvent(announced);
    if (announced.output !== Output.setSpte) return;
    const pfn = (announced.spte.value >> 12n) & 0xffffffffffn;
    found.push(`${announced.gfn!.toString(16)} ${announced.level} ${pfn.toString(16)}${announced.spte.value & 2n ? '' : ' read-only'}`);
  };
  runner.run(program);
  return found;
}

describe('pages of the host', () => {
  it('are prefetched only where the host has them already', () => {
    const start = ['slot ram gfn 0..0xff', 'vcpu 0 paging off'];
    assert.deepEqual(leaves(...start, 'write 0x10000'), ['10 1 1004']);
    assert.deepEqual(leaves(...start, 'host map gfn 0x11..0x12 pfn 0x500', 'write 0x10000').slice(1), ['11 1 500', '12 1 501']);
    assert.deepEqual(leaves(...start, 'set 0x11000 = 1', 'write 0x10000').length, 2);
    assert.deepEqual(leaves(...start, 'host map gfn 0x11 pfn 0x500', 'host take gfn 0x11', 'write 0x10000').length, 1);
  });

  it('are large where a whole large page is mapped', () => {
    const start = ['slot ram gfn 0..0x3ff large', 'vcpu 0 paging off'];
    assert.deepEqual(leaves(...start, 'host map gfn 0..0x1ff pfn 0x2000', 'read 0x3000'), ['0 2 2000']);
    assert.deepEqual(leaves(...start, 'host map gfn 0..0xff pfn 0x2000', 'read 0x3000')[0], '3 1 2003');
    assert.deepEqual(leaves(...start, 'host map gfn 0..0x1ff pfn 0x2001', 'read 0x3000')[0], '3 1 2004');
  });

  it('that are shared are mapped read-only, large ones whole', () => {
    const start = ['slot ram gfn 0..0x3ff large', 'vcpu 0 paging off', 'host map gfn 0..0x1ff pfn 0x2000'];
    assert.deepEqual(leaves(...start, 'host share gfn 0..0x1ff', 'read 0x3000'), ['0 2 2000 read-only']);
    assert.deepEqual(leaves(...start, 'host share gfn 3', 'read 0x3000')[0], '3 1 2003 read-only');
  });
});

describe('from 6.4 on a sync', () => {
  const tables = [
    'kernel 6.12',
    'slot ram gfn 0..0xff pfn 0x1000',
    'vcpu 0 paging 32 cr3 gfn(1)',
    'set gfn(1)[0] = gfn(5)|P|W',
    'set gfn(5)[3] = gfn(5)|P|W',
    'set gfn(5)[9] = gfn(0x10)|P|W|A',
    'read 0x9000',
    'write 0x3000',
  ];
  it('makes a leaf anew when its rights have changed, and leaves it alone otherwise', () => {
    // The page that is read gets no W before it is dirty; then the INVLPG gives it W without an event, and the guest writes freely.
    assert.deepEqual(leaves(...tables, 'set gfn(5)[9] = gfn(0x10)|P|W|A|D', 'invlpg 0x9000', 'write 0x9000').slice(2), []);
    assert.deepEqual(leaves(...tables, 'invlpg 0x9000', 'write 0x9000').slice(2), ['10 1 1010']);
  });
});
