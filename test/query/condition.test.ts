import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { compileCondition, ConditionError, type EventScope } from '../../src/replay/query/index.js';
import { at, spArgs, World } from './world.js';

/** Events of a made-up trace, one of each kind that conditions look at. */
function world(): World {
  const w = new World();
  w.addPage(1, { gfn: 0x2ced, level: 1, has4ByteGpte: 1, quadrant: 1, access: 15 }, { unsync: true, rootCount: 0, born: at(0) });
  w.addPage(2, { gfn: 0x2cd2, level: 2, has4ByteGpte: 1, quadrant: 3 }, { rootCount: 1 });
  w.set(1, 0x31, { kind: 'W', value: 0x16ceede63n, gfn: 0x2ced as never });
  w.add({
    name: 'kvm_mmu_get_page',
    args: spArgs({ gfn: 0x2ced, level: 1, has4ByteGpte: 1, quadrant: 1 }),
    page: 1,
    time: '34.467238',
    line: 14,
  });
  w.add({ name: 'kvm_mmu_get_page', args: spArgs({ gfn: 0x2c00, level: 1, direct: 1, access: 11 }), page: 2, comm: 'CPU 1/KVM', pid: 101 });
  w.add({
    name: 'kvm_mmu_set_spte',
    args: { gfn: 0x2ced, spte: 0x8000_0001_6cee_de63n, sptep: 0x1694a8768n, level: 1, r: 1, x: 1, u: -1 },
    spte: { page: 1, index: 0x31 },
    time: '34.500000',
  });
  w.add({ name: 'kvm_mmu_pagetable_walk', args: { addr: 0xffff_8880_0000_1000n, pferr: 0x14 } });
  w.add({ name: 'kvm_exit', args: { exit_reason: 'PF excp', guest_rip: 0x1000, vcpu_id: 0 } });
  w.add({ name: 'kvm_fpu', text: 'load', comm: 'qemu', pid: 7 });
  return w;
}

/** The events for which a condition holds. */
function hits(text: string, w = world()): number[] {
  const condition = compileCondition(text);
  assert.ok(!(condition instanceof ConditionError), `${text} does not compile`);
  const scope: EventScope = { replay: w, event: at(0) };
  return w.events.flatMap((_, e) => {
    scope.event = at(e);
    return condition.test(scope) ? [e] : [];
  });
}

describe('conditions', () => {
  const cases: Record<string, number[]> = {
    'gfn == 0x2ced': [0, 2],
    'gfn == 11501 && level == 1': [0, 2],
    'gfn != 0x2ced': [1],
    'gfn > 0x2c00 || addr': [0, 2, 3],
    'level == 1': [0, 1, 2],
    'role.quadrant == 1': [0],
    'role.direct': [1],
    '!role.direct': [0],
    'role.word == 0x3731': [0],
    'role == 0x3731': [0],
    'role & 0x80': [1],
    'role.access == wux': [0],
    'role.access == w-x': [1],
    'role.access == "---"': [],
    'role.access == 3': [1],
    'access ~ "w*"': [0, 1],
    'role.efer_nx == 1 && role.cr0_wp': [0, 1],
    'role.gpte_bytes == 8': [1],
    'role.has_4_byte_gpte == 1': [0],
    'role.passthrough == 0': [0, 1],
    'role.cr4_smep == 0': [],
    'event.name == kvm_exit': [4],
    'event.name ~ "kvm_mmu_*"': [0, 1, 2, 3],
    'event.name ~ "*[sg]et_?p*" || event.name ~ "*[!s]et_p?ge"': [0, 1, 2],
    'event.index >= 4': [4, 5],
    'event.line == 14': [0],
    'event.text == load': [5],
    'event.time == 34.467238': [0],
    'event.time > 34.467238': [2],
    'event.time >= 34.467238 && event.time < 34.5': [0],
    'comm == "CPU 0/KVM"': [0, 2, 3, 4],
    'comm ~ "CPU ?/KVM" && vcpu == 1': [1],
    'comm == qemu': [5],
    'pid == 101 || common_pid == 7': [1, 5],
    'cpu == 1': [0, 1, 2, 3, 4, 5],
    'spte == 0x800000016ceede63': [2],
    'spte != 0x800000016ceede62': [2],
    'spte > 0x7fffffffffffffff': [2],
    'spte & 0x8000000000000000': [2],
    '!(spte & 0x8000000000000000)': [],
    'spte & 2': [2],
    '!(spte & 0x10)': [2],
    'addr == 0xffff888000001000': [3],
    'addr == 0xffff888000001001': [],
    'addr & 0xffff000000000000': [3],
    'u == -1': [2],
    'u < 0': [2],
    created: [0, 1],
    'new == true': [0, 1],
    'error & 4': [3],
    'exit_reason == "PF excp"': [4],
    '!(exit_reason ~ "PF*")': [],
    'sp.unsync': [0, 2],
    '!sp.unsync': [1],
    'sp.root_count == 1': [1],
    'sp.level == 2 && sp.quadrant == 3': [1],
    sp: [0, 1, 2],
    '!sp': [3, 4, 5],
    'spte.w == 1': [2],
    'spte.value == 0x16ceede63 && spte.index == 0x31': [2],
    'spte.kind == W': [2],
    '!(gfn == 0x2ced)': [1],
    '!(gfn == 0x2ced || level == 1)': [],
    '!(gfn == 0x2ced && level == 2)': [0, 1, 2],
    'event.time': [0, 1, 2, 3, 4, 5],
  };
  for (const [text, expected] of Object.entries(cases)) it(text, () => assert.deepEqual(hits(text), expected));

  it('a missing field makes every comparison false, negated or not', () => {
    for (const op of ['==', '!=', '<', '<=', '>', '>=', '&']) {
      assert.ok(!hits(`created ${op} 1`).includes(3), op);
      assert.ok(!hits(`!(created ${op} 1)`).includes(3), `! ${op}`);
    }
  });

  it('fields that a text trace does not print have no value', () => {
    const w = world();
    w.roles = 'printed';
    assert.deepEqual(hits('role.cr0_wp == 0 || role.cr0_wp == 1 || role.word > 0', w), []);
    assert.deepEqual(hits('role.efer_nx == 1', w), [0, 1]);
  });

  it('needs the state only where it says so, and only when it gets so far', () => {
    const needs = (text: string): boolean => (compileCondition(text) as { needsState: boolean }).needsState;
    assert.equal(needs('gfn == 1 && role.quadrant == 1 && sp && spte == 2 && sp.id == 1 && spte.index == 0'), false);
    assert.equal(needs('gfn == 1 || sp.unsync'), true);
    assert.equal(needs('spte.w'), true);
    const w = world();
    hits('sp.unsync && event.name == kvm_mmu_set_spte', w);
    assert.equal(w.seeks, 1);
  });

  it('joins && before ||, left to right', () => {
    assert.deepEqual(hits('gfn == 0x2c00 || gfn == 0x2ced && level == 9'), [1]);
    assert.deepEqual(hits('(gfn == 0x2c00 || gfn == 0x2ced) && level == 9'), []);
  });

  it('clocks that count have whole times', () => {
    const w = new World();
    w.add({ name: 'kvm_fpu', time: '18446744073709551615' });
    w.add({ name: 'kvm_fpu', time: '9007199254740993' });
    assert.deepEqual(hits('event.time == 9007199254740993', w), [1]);
    assert.deepEqual(hits('event.time == 9007199254740992', w), []);
    assert.deepEqual(hits('event.time > 9007199254740993', w), [0]);
    assert.deepEqual(hits('event.time > 1.5', w), []);
  });
});
