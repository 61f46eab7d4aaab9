import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { compileTemplate, completions, ConditionError, evaluate, type EventScope, type Value } from '../../src/replay/query/index.js';
import { plainValue } from '../../src/debug/forms/values.js';
import { at, gfn, spArgs, World } from './world.js';

function stopped(): { world: World; scope: EventScope } {
  const world = new World();
  world.addPage(1, { gfn: 0x2c00, level: 1, has4ByteGpte: 1, direct: 1, access: 3 }, { unsync: false, born: at(0) });
  world.addPage(2, { gfn: 0x2ced, level: 1, has4ByteGpte: 1 });
  world.addPage(3, { gfn: 0x2ced, level: 1, has4ByteGpte: 1, access: 3 });
  world.set(1, 0xed, { kind: 'W', value: 0x16ceede63n, gfn: gfn(0x2ced) });
  world.add({ name: 'kvm_mmu_get_page', args: spArgs({ gfn: 0x2c00, level: 1, has4ByteGpte: 1, direct: 1, access: 3 }), page: 1 });
  world.add({
    name: 'kvm_mmu_set_spte',
    args: { gfn: 0x2ced, spte: 0x16ceede63n, sptep: 0x1694a8768n, level: 1, r: 1, x: 1, u: 0 },
    spte: { page: 1, index: 0xed },
    time: '34.466762',
  });
  world.seek(at(1));
  return { world, scope: { replay: world, cursor: world, event: at(1) } };
}

function value(text: string, event = 1): Value {
  const { scope } = stopped();
  scope.event = at(event);
  return evaluate(text, scope);
}

describe('evaluate', () => {
  const cases: Record<string, Value> = {
    'event.index': { type: 'number', value: 1n, base: 10 },
    'event.name': { type: 'text', value: 'kvm_mmu_set_spte' },
    'event.time': { type: 'time', text: '34.466762' },
    gfn: { type: 'number', value: 0x2cedn, base: 16 },
    level: { type: 'number', value: 1n, base: 10 },
    sp: { type: 'page', page: 1 as never },
    spte: { type: 'spte', page: 1 as never, index: 0xed as never },
    'spte.value': { type: 'number', value: 0x16ceede63n, base: 16 },
    'spte.w': { type: 'number', value: 1n, base: 10 },
    'spte.pfn': { type: 'number', value: 0x16ceedn, base: 16 },
    'role.quadrant': { type: 'number', value: 0n, base: 10 },
    'sp.gfn': { type: 'number', value: 0x2c00n, base: 16 },
    '2c00.1.0': { type: 'page', page: 1 as never },
    '2c00.1.0d': { type: 'page', page: 1 as never },
    ' 2c00 L1 q0 ': { type: 'page', page: 1 as never },
    '2C00 l1 Q0 direct': { type: 'page', page: 1 as never },
    '2ced.1.0': { type: 'pages', pages: [2, 3] as never },
    '2c00 L1 q0 [0ed]': { type: 'spte', page: 1 as never, index: 0xed as never },
    '2c00.1.0[ed]': { type: 'spte', page: 1 as never, index: 0xed as never },
    '2c00.1.0[0xed].w': { type: 'number', value: 1n, base: 10 },
    '2c00.1.0.unsync': { type: 'number', value: 0n, base: 10 },
    'sp[0ed]': { type: 'spte', page: 1 as never, index: 0xed as never },
    'sp [0ed] .value': { type: 'error', error: null as never },
    'level == 1 && gfn == 0x2ced': { type: 'boolean', value: true },
    '0xffffffffffffffff': { type: 'number', value: 0xffffffffffffffffn, base: 16 },
    '42': { type: 'number', value: 42n, base: 10 },
  };
  for (const [text, expected] of Object.entries(cases)) {
    it(text, () => {
      const got = value(text);
      if (expected.type === 'error') assert.equal(got.type, 'error');
      else assert.deepEqual(got, expected);
    });
  }

  it('says why there is nothing', () => {
    assert.deepEqual(value('exit_reason'), { type: 'none', why: 'no exit_reason here: kvm_mmu_set_spte does not give it' });
    assert.deepEqual(value('ffff.1.0'), { type: 'none', why: 'no such page is live here' });
    assert.deepEqual(value('gfn', -1), { type: 'none', why: 'no gfn here: before the first event does not give it' });
  });

  it('before the first event the index is -1 and no comparison holds', () => {
    assert.deepEqual(value('event.index', -1), { type: 'number', value: -1n, base: 10 });
    assert.deepEqual(value('gfn != 1', -1), { type: 'boolean', value: false });
  });

  it('knows nothing of JavaScript', () => {
    const traps = ['globalThis', 'process.exit(1)', 'this', 'constructor', '__proto__', 'toString', 'sp.constructor', 'event.__proto__'];
    for (const text of [...traps, '(() => 1)()', '`x`', 'gfn; gfn', 'import("fs")', '2c00.1.0.constructor', 'sp[0].__proto__']) {
      assert.equal(value(text).type, 'error', text);
    }
  });

  it('log messages', () => {
    const { world, scope } = stopped();
    const template = compileTemplate('{{{event.index}}} gfn={gfn} {level == 1} {sp[0ed]} {exit_reason}');
    assert.ok(!(template instanceof ConditionError));
    const text = template.render(scope, (v) => plainValue({ replay: world, cursor: world }, v));
    assert.equal(
      text,
      '{1} gfn=0x2ced true W rwx- ad- hm  gfn 2ced → pfn 16ceed · 16ceede63 no exit_reason here: kvm_mmu_set_spte does not give it',
    );
  });
});

describe('completions', () => {
  const labels = (text: string, column = text.length): string[] => completions(text, column).map((c) => c.label);

  it('fields by prefix, then by their last part', () => {
    assert.ok(labels('').includes('gfn') && labels('').includes('sp.unsync') && labels('').includes('event.index'));
    assert.deepEqual(labels('event.in'), ['event.index']);
    assert.deepEqual(labels('gfn == 1 && quad'), ['role.quadrant', 'sp.quadrant']);
    assert.deepEqual(labels('!(sp.uns'), ['sp.unsync']);
  });

  it('operators after a field, && and || after a comparison', () => {
    assert.deepEqual(labels('comm '), ['==', '!=', '~', '&&', '||']);
    assert.ok(labels('gfn ').includes('<=') && !labels('gfn ').includes('~'));
    assert.deepEqual(labels('gfn == 1 '), ['&&', '||']);
    assert.deepEqual(labels('(gfn == 1) '), ['&&', '||']);
  });

  it('values where they are a closed set', () => {
    assert.ok(labels('event.name == ').includes('kvm_mmu_set_spte'));
    assert.deepEqual(labels('event.name == kvm_mmu_zap'), ['kvm_mmu_zap_all_fast']);
    assert.deepEqual(labels('role.access == w-'), ['w--', 'w-x']);
    assert.deepEqual(labels('gfn == '), []);
  });

  it('replace what was typed', () => {
    const [first] = completions('gfn == 1 && event.i', 19);
    assert.deepEqual(first, { label: 'event.index', detail: 'number of the event, from 0', kind: 'field', start: 12, length: 7 });
  });
});
