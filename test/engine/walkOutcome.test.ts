import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { PferrBit, controlOf, permissionFault, type GuestControl } from '../../src/engine/permission.js';
import { ACC_ALL, ACC_EXEC, ACC_READ, ACC_USER, ACC_WRITE, PRINTED_MASK, makeRole } from '../../src/engine/role.js';
import { NX } from '../../src/engine/spte.js';
import { GuestWalk } from '../../src/engine/walk.js';
import { walkOutcome, type WalkOutcome } from '../../src/engine/walkOutcome.js';

const { present: P, write: W, user: U, reserved: RSVD, fetch: F } = PferrBit;
const ALL_ON: GuestControl = { wp: true, smep: true, smap: true, nx: true, pse: true };
const ALL_OFF: GuestControl = { wp: false, smep: false, smap: false, nx: false, pse: false };

describe('guest permissions (spec/fault.md §2.2)', () => {
  const kernel = ACC_READ | ACC_WRITE | ACC_EXEC;

  it('refuse writes, user accesses and fetches that the rights do not allow', () => {
    assert.equal(permissionFault(ACC_READ | ACC_USER, W | U, ALL_OFF), true);
    assert.equal(permissionFault(kernel, U, ALL_OFF), true);
    assert.equal(permissionFault(ACC_READ | ACC_USER, F | U, ALL_ON), true);
    assert.equal(permissionFault(ACC_ALL, W | U, ALL_ON), false);
  });

  it('let the supervisor write to read-only pages when CR0.WP is clear, never the user', () => {
    const readOnly = ACC_READ | ACC_EXEC;
    assert.equal(permissionFault(readOnly, W, { ...ALL_OFF, wp: true }), true);
    assert.equal(permissionFault(readOnly, W, ALL_OFF), false);
    assert.equal(permissionFault(readOnly, W, { ...ALL_OFF, wp: undefined }), undefined);
    assert.equal(permissionFault(readOnly | ACC_USER, W | U, { ...ALL_OFF, wp: undefined }), true);
  });

  it('forbid the supervisor to execute user pages under SMEP, and to use them under SMAP unless AC is set', () => {
    assert.equal(permissionFault(ACC_ALL, F, { ...ALL_OFF, smep: true }), true);
    assert.equal(permissionFault(ACC_ALL, 0, { ...ALL_OFF, smep: true }), false);
    assert.equal(permissionFault(ACC_ALL, W, { ...ALL_OFF, smap: true }, { ac: false }), true);
    assert.equal(permissionFault(ACC_ALL, W, { ...ALL_OFF, smap: true }, { ac: true }), false);
    assert.equal(permissionFault(ACC_ALL, W, { ...ALL_OFF, smap: true }), undefined, 'AC is not known');
    assert.equal(permissionFault(ACC_ALL, F, { ...ALL_OFF, smap: true }, { ac: false }), false, 'SMAP is not about fetches');
    assert.equal(permissionFault(kernel, W, ALL_ON, { ac: false }), false);
  });

  it('know nothing of CR0 and CR4 in EPT', () => {
    assert.equal(permissionFault(ACC_READ | ACC_USER, W, ALL_OFF, { ept: true }), true);
    assert.equal(permissionFault(ACC_READ | ACC_USER, F, ALL_OFF, { ept: true }), true);
    assert.equal(permissionFault(ACC_ALL, W, ALL_ON, { ept: true, ac: false }), false);
  });

  it('agree with the definition for every access, right and control bit', () => {
    for (let n = 0; n < 2 ** 11; n++) {
      const bit = (i: number): boolean => ((n >> i) & 1) === 1;
      const control = { wp: bit(0), smep: bit(1), smap: bit(2), nx: bit(3) };
      const [x, w, u] = [bit(4), bit(5), bit(6)];
      const [write, user, fetch, ac] = [bit(7), bit(8), bit(9), bit(10)];
      if (write && fetch) continue;
      const expected =
        (write && !w && (user || control.wp)) ||
        (user && !u) ||
        (fetch && !x && control.nx) ||
        (!user && u && fetch && control.smep) ||
        (!user && u && !fetch && control.smap && !ac);
      const rights = ACC_READ | (x ? ACC_EXEC : 0) | (w ? ACC_WRITE : 0) | (u ? ACC_USER : 0);
      assert.equal(permissionFault(rights, (write ? W : 0) | (user ? U : 0) | (fetch ? F : 0), control, { ac }), expected);
    }
  });
});

describe('control bits told by a role', () => {
  const everything = { mask: 0xffffffff, guestNx: false, smep: false };

  it('SMEP and SMAP only while CR0.WP is clear', () => {
    const off = controlOf(makeRole({ cr0_wp: 0, smep_andnot_wp: 1 }), everything);
    assert.deepEqual([off.wp, off.smep, off.smap, off.nx], [false, true, false, undefined]);
    const on = controlOf(makeRole({ cr0_wp: 1 }), everything);
    assert.deepEqual([on.wp, on.smep, on.smap], [true, undefined, undefined]);
  });

  it('nothing of CR0.WP where the text does not print it, and NX where the role has the guest’s own', () => {
    const control = controlOf(makeRole({ efer_nx: 1, cr0_wp: 1 }), { mask: PRINTED_MASK, guestNx: true, smep: false });
    assert.deepEqual([control.wp, control.smep, control.nx], [undefined, undefined, true]);
  });

  it('SMEP itself on 7.x', () => {
    const control = controlOf(makeRole({ cr0_wp: 1, cr4_smep: 1 }), { mask: 0xffffffff, guestNx: false, smep: true });
    assert.deepEqual([control.wp, control.smep, control.smap], [true, true, undefined]);
  });
});

describe('the outcome of a guest walk (spec/fault.md §2)', () => {
  const walk = (address: bigint, error: number, ...entries: [level: number, gpte: bigint][]): GuestWalk => {
    const result = new GuestWalk(address, error);
    for (const [level, gpte] of entries) result.read(level, gpte);
    return result;
  };
  const outcome = (of: GuestWalk, control: GuestControl = { wp: true, smep: false, smap: false, pse: true, nx: false }): WalkOutcome =>
    walkOutcome(of, { control, cpu: { maxPhyAddr: 40, gbPages: true, amd: true } });
  const fault = (error: number, unsure = 0): WalkOutcome => ({ kind: 'fault', error, unsure });

  it('goes on while entries lead to tables', () => {
    assert.deepEqual(outcome(walk(0x1000n, 0)), { kind: 'incomplete', level: 0, error: 0, unsure: 0 });
    assert.deepEqual(outcome(walk(0x1000n, W, [2, 0x5067n])), { kind: 'incomplete', level: 1, error: W, unsure: 0 });
    assert.deepEqual(outcome(walk(0x1000n, 0, [3, 0x1001n])), { kind: 'incomplete', level: 2, error: 0, unsure: 0 });
  });

  it('faults without P at an entry that is not present', () => {
    assert.deepEqual(outcome(walk(0x1000n, P | W | U, [2, 0x5067n], [1, 0x6066n])), fault(W | U));
    assert.deepEqual(outcome(walk(0x1000n, 0, [3, 0n])), fault(0));
  });

  it('faults with RSVD and P at reserved bits, of PDPTEs excepted', () => {
    assert.deepEqual(outcome(walk(0x400000n, 0, [2, 0x8a0083n])), fault(RSVD | P));
    assert.deepEqual(outcome(walk(0x1000n, U, [3, 0x1001n], [2, (1n << 45n) | 0x2027n])), fault(RSVD | P | U));
    assert.equal(outcome(walk(0x1000n, 0, [3, 0x1007n])).kind, 'incomplete');
  });

  it('faults with P when the rights of all levels together refuse', () => {
    assert.deepEqual(outcome(walk(0x200000n, W | U, [2, 0x5065n], [1, 0x6067n])), fault(P | W | U));
  });

  it('carries F only where fetching is something special', () => {
    const fetch = walk(0x1000n, F | U, [2, 0x5027n], [1, 0n]);
    assert.deepEqual(outcome(fetch, ALL_OFF), fault(U));
    assert.deepEqual(outcome(fetch, { ...ALL_OFF, smep: true }), fault(U | F));
    assert.deepEqual(outcome(fetch, { ...ALL_OFF, nx: undefined }), fault(U, F));
  });

  it('ends with the frame, the rights, and the bits that have to be set from the top down', () => {
    assert.deepEqual(outcome(walk(0xc0682000n, W, [2, 0x5003n], [1, 0x77003n])), {
      kind: 'ok',
      gfn: 0x77,
      level: 1,
      access: ACC_READ | ACC_WRITE | ACC_EXEC,
      toSet: [
        { level: 2, bit: 'accessed' },
        { level: 1, bit: 'accessed' },
        { level: 1, bit: 'dirty' },
      ],
    });
  });

  it('takes W away after a read of a page that is not dirty, so that the first write is seen', () => {
    const read = outcome(walk(0xc0682000n, 0, [2, 0x5063n], [1, 0x77023n]));
    assert.ok(read.kind === 'ok' && read.access === (ACC_READ | ACC_EXEC) && read.toSet.length === 0);
    const dirty = outcome(walk(0xc0682000n, 0, [2, 0x5063n], [1, 0x77063n]));
    assert.ok(dirty.kind === 'ok' && dirty.access === (ACC_READ | ACC_WRITE | ACC_EXEC));
  });

  it('ends at a 4 MiB page, if CR4.PSE is set', () => {
    const large = walk(0xc0601000n, 0, [2, 0x8000e3n]);
    const open = outcome(large);
    assert.ok(open.kind === 'ok' && open.gfn === 0xa01 && open.level === 2);
    assert.equal(outcome(large, { ...ALL_ON, pse: false }).kind, 'incomplete');
    assert.deepEqual(outcome(large, {}), { kind: 'unknown', why: 'pse' });
  });

  it('gives both readings where a control bit decides that is not known', () => {
    const open = outcome(walk(0x1000n, W, [2, 0x5023n], [1, 0x6061n]), { smep: false, smap: false });
    assert.ok(open.kind === 'unknown' && open.why === 'permission');
    assert.deepEqual(open.fault, { error: P | W, unsure: 0 });
    assert.deepEqual([open.ok.gfn, open.ok.access, open.ok.toSet], [6, ACC_READ | ACC_EXEC, []]);
  });

  it('gives both readings where it is not known whether a bit is reserved', () => {
    const fetch = walk(0x1000n, F, [3, 0x1001n], [2, 0x2063n], [1, NX | 0x6063n]);
    const open = outcome(fetch, { smep: false, smap: false });
    assert.ok(open.kind === 'unknown' && open.why === 'reserved');
    assert.deepEqual(open.fault, { error: RSVD | P, unsure: F });
    assert.deepEqual(open.otherwise, fault(P | F), 'if NX is not reserved, it forbids the fetch');
  });

  it('takes NX for known once the walk went on below an entry with NX', () => {
    const read = outcome(walk(0x1000n, F, [3, 0x1001n], [2, NX | 0x2063n], [1, 0x6063n]), { smep: false, smap: false });
    assert.deepEqual(read, fault(P | F));
  });

  it('does not count entries left from before a walk was read again', () => {
    const again = walk(0x1000n, 0, [2, 0x5063n], [1, 0x6063n], [2, 0x7063n]);
    assert.deepEqual(outcome(again), { kind: 'incomplete', level: 1, error: 0, unsure: 0 });
  });

  it('takes EPT for what it is when told', () => {
    const ept = new GuestWalk(0x1000n, W, 'ept-4-level');
    for (const [level, gpte] of [
      [4, 0x2007n],
      [3, 0x3007n],
      [2, 0x4007n],
      [1, 0x5033n],
    ] as const)
      ept.read(level, gpte);
    const off = walkOutcome(ept, { control: {}, eptAd: false });
    assert.ok(off.kind === 'ok' && off.gfn === 5 && off.access === (ACC_READ | ACC_WRITE | ACC_USER) && off.toSet.length === 0);
    const on = walkOutcome(ept, { control: {}, eptAd: true });
    assert.ok(on.kind === 'ok');
    assert.deepEqual(
      on.toSet.map(({ level, bit }) => `${level}${bit[0]}`),
      ['4a', '3a', '2a', '1a', '1d'],
    );
  });
});
