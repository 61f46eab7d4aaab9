import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { decodeStore, type Store } from '../../src/engine/instruction.js';

function decode(code: string, mode: string): Store {
  const store = decodeStore(bytesOf(code), mode);
  assert.ok(store, `${code} (${mode}) is understood`);
  assert.equal(store.length, bytesOf(code).length, `length of ${code} (${mode})`);
  return store;
}
const bytesOf = (code: string): Uint8Array => Uint8Array.from(code.split(' ').filter(Boolean), (byte) => parseInt(byte, 16));

const REGISTERS = 'ax cx dx bx sp bp si di r8 r9 r10 r11 r12 r13 r14 r15'.split(' ');

/** `or [dx+4] 4 lock`: operation, operand, its size, what is stored, the bits of the CR. */
function picture(store: Store): string {
  const { operand } = store;
  const hex = (value: bigint): string => (value < 0n ? `-${(-value).toString(16)}` : value.toString(16));
  const parts = [store.kind === 'store' || store.kind === 'other' ? store.op : `${store.kind}: ${store.op}`];
  if (store.cr !== undefined) parts.push(`cr${store.cr}`, store.register === undefined ? '' : `= ${REGISTERS[store.register]}`);
  if (operand) {
    const base = operand.ripRelative ? 'ip' : operand.base === undefined ? '' : REGISTERS[operand.base]!;
    const index = operand.index === undefined ? '' : `+${REGISTERS[operand.index]}*${operand.scale}`;
    const displacement = operand.displacement === 0n && (base || index) ? '' : ` ${hex(operand.displacement)}`;
    const segment = operand.segment === 'ds' || operand.segment === 'ss' ? '' : `${operand.segment}:`;
    parts.push(`${segment}[${base}${index}${displacement}]`.replace('[ ', '['));
    if (store.kind !== 'invlpg') parts.push(String(store.bytes ?? '?'));
  }
  if (store.value !== undefined) parts.push(`= ${hex(store.value)}`);
  if (store.stores > 1) parts.push(`x${store.stores}`);
  if (store.repeated) parts.push('rep');
  if (store.locked) parts.push('lock');
  return parts.filter(Boolean).join(' ');
}

/** Every instruction that KVM emulated in the recordings of the project, by mode. */
const RECORDED: Record<string, Record<string, string>> = {
  real: {
    '0f 20 c0': 'mov-from-cr',
    '0f 20 c1': 'mov-from-cr',
    '0f 20 c2': 'mov-from-cr',
    '0f 22 c0': 'cr-write: mov-to-cr cr0 = ax',
    '0f 22 c1': 'cr-write: mov-to-cr cr0 = cx',
    '0f 22 c2': 'cr-write: mov-to-cr cr0 = dx',
    '0f a2': 'cpuid',
  },
  prot16: {
    '0f 20 c0': 'mov-from-cr',
    '0f 20 c1': 'mov-from-cr',
    '0f 22 c0': 'cr-write: mov-to-cr cr0 = ax',
    '0f 22 c1': 'cr-write: mov-to-cr cr0 = cx',
  },
  prot32: {
    '0f 01 3a': 'invlpg: invlpg [dx]',
    '0f 09': 'wbinvd',
    '0f 0b': 'ud2',
    '0f 20 c0': 'mov-from-cr',
    '0f 20 d8': 'mov-from-cr',
    '0f 20 e0': 'mov-from-cr',
    '0f 22 c0': 'cr-write: mov-to-cr cr0 = ax',
    '0f 22 c1': 'cr-write: mov-to-cr cr0 = cx',
    '0f 22 d8': 'cr-write: mov-to-cr cr3 = ax',
    '0f 22 d9': 'cr-write: mov-to-cr cr3 = cx',
    '0f 22 df': 'cr-write: mov-to-cr cr3 = di',
    '0f 22 e0': 'cr-write: mov-to-cr cr4 = ax',
    '0f 22 e1': 'cr-write: mov-to-cr cr4 = cx',
    '0f 30': 'msr-write: wrmsr',
    '0f 32': 'rdmsr',
    '0f a2': 'cpuid',
    '0f aa': 'cr-write: rsm',
    '89 0a': 'mov [dx] 4',
    '89 37': 'mov [di] 4',
    '89 5a 04': 'mov [dx 4] 4',
    '8b 02': 'read: mov [dx] 4',
    'a1 00 03 e0 fe': 'read: mov [fee00300] 4',
    'a1 20 00 e0 fe': 'read: mov [fee00020] 4',
    'a1 30 00 e0 fe': 'read: mov [fee00030] 4',
    'a1 f0 00 e0 fe': 'read: mov [fee000f0] 4',
    'a3 00 03 e0 fe': 'mov [fee00300] 4',
    'a3 10 03 e0 fe': 'mov [fee00310] 4',
    'a3 f0 00 e0 fe': 'mov [fee000f0] 4',
    'c7 02 00 00 00 00': 'mov [dx] 4 = 0',
    'c7 05 00 03 e0 fe 00 45 0c 00': 'mov [-11ffd00] 4 = c4500',
    'c7 05 00 03 e0 fe 10 46 0c 00': 'mov [-11ffd00] 4 = c4610',
    'c7 05 50 03 e0 fe 00 87 00 00': 'mov [-11ffcb0] 4 = 8700',
    'c7 05 60 03 e0 fe 00 84 00 00': 'mov [-11ffca0] 4 = 8400',
    'c7 05 f0 00 e0 fe ff 01 00 00': 'mov [-11fff10] 4 = 1ff',
    'f0 09 0a': 'or [dx] 4 lock',
    'f3 6c': 'io: ins es:[di] ? rep',
    f4: 'hlt',
  },
  prot64: {
    '0f 01 38': 'invlpg: invlpg [ax]',
    '0f 01 3a': 'invlpg: invlpg [dx]',
    '0f 01 d8': 'vmrun',
    '0f 01 db': 'vmsave',
    '0f 0b': 'ud2',
    '0f 20 c0': 'mov-from-cr',
    '0f 20 d8': 'mov-from-cr',
    '0f 20 de': 'mov-from-cr',
    '0f 20 e0': 'mov-from-cr',
    '0f 20 e6': 'mov-from-cr',
    '0f 22 c0': 'cr-write: mov-to-cr cr0 = ax',
    '0f 22 c1': 'cr-write: mov-to-cr cr0 = cx',
    '0f 22 c3': 'cr-write: mov-to-cr cr0 = bx',
    '0f 22 d9': 'cr-write: mov-to-cr cr3 = cx',
    '0f 22 e0': 'cr-write: mov-to-cr cr4 = ax',
    '0f 22 e1': 'cr-write: mov-to-cr cr4 = cx',
    '0f 30': 'msr-write: wrmsr',
    '0f 32': 'rdmsr',
    '0f a2': 'cpuid',
    '41 0f 22 dc': 'cr-write: mov-to-cr cr3 = r12',
    '48 89 0a': 'mov [dx] 8',
    '48 8b 02': 'read: mov [dx] 8',
    '48 c7 04 c3 00 00 00 00': 'mov [bx+ax*8] 8 = 0',
    '49 89 04 24': 'mov [r12] 8',
    '89 0a': 'mov [dx] 4',
    '8b 02': 'read: mov [dx] 4',
    '8b 11': 'read: mov [cx] 4',
    'a1 20 00 e0 fe 00 00 00 00': 'read: mov [fee00020] 4',
    'a3 00 03 e0 fe 00 00 00 00': 'mov [fee00300] 4',
    'a3 10 03 e0 fe 00 00 00 00': 'mov [fee00310] 4',
    'c7 00 ff 01 00 00': 'mov [ax] 4 = 1ff',
  },
};

/** What else guests write page tables with, and what looks like it. */
const OTHERS: Record<string, Record<string, string>> = {
  real: {
    'a3 34 12': 'mov [1234] 2',
    '66 89 07': 'mov [bx] 4',
    '89 42 fe': 'mov [bp+si*1 -2] 2',
    '67 89 04 8d 00 10 00 00': 'mov [+cx*4 1000] 2',
    '26 88 07': 'mov es:[bx] 1',
    'cd 10': 'int [sp -2] 2 x3',
    '9c': 'pushf [sp -2] 2',
  },
  prot32: {
    '66 c7 00 34 f2': 'mov [ax] 2 = f234',
    'c6 40 03 ff': 'mov [ax 3] 1 = ff',
    '87 0a': 'xchg [dx] 4 lock',
    'f0 0f b1 0a': 'cmpxchg [dx] 4 lock',
    'f0 0f c7 0f': 'cmpxchg8b [di] 8 lock',
    '0f c1 0a': 'xadd [dx] 4',
    '83 20 fe': 'and [ax] 4',
    'f0 0f ba 28 05': 'bts [ax] 4 lock',
    'f0 0f b3 08': 'btr [ax] 4 lock',
    'f3 ab': 'stos es:[di] 4 rep',
    'f3 66 ab': 'stos es:[di] 2 rep',
    'f3 a5': 'movs es:[di] 4 rep',
    '6a ff': 'push [sp -4] 4 = ffffffff',
    'ff 30': 'push [sp -4] 4',
    '60': 'pusha [sp -4] 4 x8',
    '1e': 'push [sp -2] 2',
    'e8 00 00 00 00': 'call [sp -4] 4',
    'c8 10 00 00': 'enter [sp -4] 4',
    '8f 00': 'pop [ax] 4',
    '0f 94 00': 'setcc [ax] 1',
    '0f c3 08': 'movnti [ax] 4',
    '0f 7f 00': 'movq [ax] 8',
    '66 0f d6 00': 'movq [ax] 8',
    '66 0f e7 00': 'movntdq [ax] 16',
    '0f ae 00': 'fxsave [ax] ?',
    '0f 01 00': 'sgdt [ax] ?',
    '0f 01 10': 'read: lgdt [ax] ?',
    '0f 01 f0': 'cr-write: lmsw cr0 = ax',
    '0f 06': 'cr-write: clts cr0',
    '39 08': 'read: cmp [ax] 4',
    '0f b6 08': 'read: movzx [ax] 1',
    'e4 71': 'io: in',
    'f3 6e': 'io: outs rep',
    '89 c8': 'mov',
  },
  prot64: {
    'f0 48 0f c7 0f': 'cmpxchg8b [di] 16 lock',
    '48 0f c3 08': 'movnti [ax] 8',
    '0f 11 00': 'movups [ax] 16',
    '0f 29 00': 'movaps [ax] 16',
    'f3 0f 7f 00': 'movdqa [ax] 16',
    'f3 0f 11 00': 'movss [ax] 4',
    'f3 48 ab': 'stos es:[di] 8 rep',
    '48 c7 05 10 00 00 00 ff ff ff ff': 'mov [ip 10] 8 = ffffffffffffffff',
    '64 48 89 04 25 10 00 00 00': 'mov fs:[10] 8',
    '41 89 45 00': 'mov [r13] 4',
    '42 89 04 20': 'mov [ax+r12*1] 4',
    '68 00 00 00 80': 'push [sp -8] 8 = ffffffff80000000',
    '66 50': 'push [sp -2] 2',
    'ff 15 00 00 00 00': 'call [sp -8] 8',
    '44 0f 22 c0': 'cr-write: mov-to-cr cr8 = ax',
    '0f 01 df': 'invlpg: invlpga',
  },
};

describe('emulated instructions', () => {
  for (const [title, table] of [
    ['those of the recordings', RECORDED],
    ['others that write or look like it', OTHERS],
  ] as const) {
    for (const [mode, rows] of Object.entries(table)) {
      it(`${title}, ${mode}`, () => {
        const seen = Object.fromEntries(Object.keys(rows).map((code) => [code, picture(decode(code, mode))]));
        assert.deepEqual(seen, rows);
      });
    }
  }

  it('an address without registers is the offset in a flat segment', () => {
    assert.equal(decode('c7 05 00 03 e0 fe 00 45 0c 00', 'prot32').effectiveAddress, 0xfee0_0300n);
    assert.equal(decode('48 89 04 25 00 f0 ff ff', 'prot64').effectiveAddress, 0xffff_ffff_ffff_f000n);
    assert.equal(decode('a3 10 03 e0 fe 00 00 00 00', 'prot64').effectiveAddress, 0xfee0_0310n);
    for (const [code, mode] of [
      ['89 0a', 'prot32'],
      ['64 a3 10 00 00 00', 'prot32'],
      ['a3 34 12', 'real'],
      ['89 05 10 00 00 00', 'prot64'],
    ] as const) {
      assert.equal(decode(code, mode).effectiveAddress, undefined, code);
    }
  });

  it('the new value follows from the old one where the instruction alone decides', () => {
    const after = (code: string, mode: string, old: bigint): string | undefined => decode(code, mode).combine?.(old).toString(16);
    assert.equal(after('f0 83 08 20', 'prot32', 0x105007n), '105027');
    assert.equal(after('83 20 fd', 'prot32', 0x105063n), '105061');
    assert.equal(after('48 83 20 fe', 'prot64', 0x8000_0000_0010_5067n), '8000000000105066');
    assert.equal(after('81 30 00 10 00 00', 'prot32', 0x105067n), '104067');
    assert.equal(after('80 48 01 80', 'prot32', 0x50n), 'd0');
    assert.equal(after('83 00 ff', 'prot32', 0n), 'ffffffff');
    assert.equal(after('66 83 28 01', 'prot32', 0n), 'ffff');
    assert.equal(after('f0 0f ba 28 26', 'prot32', 1n), '41'); // bit 38 of a 32-bit operand is bit 6
    assert.equal(after('f0 0f ba 30 05', 'prot32', 0x67n), '47');
    assert.equal(after('48 0f ba 38 3f', 'prot64', 0n), '8000000000000000');
    assert.equal(after('f7 10', 'prot32', 0n), 'ffffffff');
    assert.equal(after('f6 18', 'prot32', 1n), 'ff');
    assert.equal(after('ff 00', 'prot32', 0xffff_ffffn), '0');
    assert.equal(after('fe 08', 'prot32', 0n), 'ff');
    assert.equal(after('c1 20 04', 'prot32', 0xf000_0001n), '10');
    assert.equal(after('d1 38', 'prot32', 0x8000_0000n), 'c0000000');
    assert.equal(after('c0 00 09', 'prot32', 0x81n), '3');
    assert.equal(after('d1 08', 'prot32', 1n), '80000000');
    for (const code of ['09 08', '11 08', '83 10 01', 'd3 20', '0f ab 08', '0f b1 08', '87 08', '89 08']) {
      assert.equal(decode(code, 'prot32').combine, undefined, code);
    }
  });

  it('what goes past the write tracker says so', () => {
    assert.ok(decode('89 0a', 'prot32').tracked);
    assert.ok(decode('ff 30', 'prot32').tracked);
    for (const code of ['0f ae 00', '0f 01 00', '0f 01 08']) {
      assert.ok(decode(code, 'prot32').writesMemory, code);
      assert.ok(!decode(code, 'prot32').tracked, code);
    }
  });

  it('string instructions have a stride, and with rep perhaps nothing to do', () => {
    assert.deepEqual([decode('ab', 'prot32').stride, decode('ab', 'prot32').mayNotWrite], [4, false]);
    assert.deepEqual([decode('f3 48 a5', 'prot64').stride, decode('f3 48 a5', 'prot64').mayNotWrite], [8, true]);
    assert.ok(!decode('f3 89 08', 'prot32').repeated);
  });

  it('a bit string goes where its bit number says', () => {
    assert.ok(decode('0f ab 08', 'prot32').operand!.bitString);
    assert.ok(!decode('0f ba 28 05', 'prot32').operand!.bitString);
  });

  it('clts and lmsw cannot change paging, a mov to a CR can', () => {
    const paging = 0x8001_0000n; // PG and WP
    assert.equal(decode('0f 06', 'prot32').crBits & paging, 0n);
    assert.equal(decode('0f 01 f0', 'real').crBits & paging, 0n);
    assert.equal(decode('0f 22 c0', 'real').crBits & paging, paging);
  });

  it('selectors are stored as KVM does: two bytes, with REX.W eight', () => {
    assert.equal(decode('8c 18', 'prot32').bytes, 2);
    assert.equal(decode('48 8c 18', 'prot64').bytes, 8);
    assert.equal(decode('0f a0', 'prot64').bytes, 8);
  });

  it('what is cut, not valid or not known is not understood', () => {
    for (const [code, mode] of [
      ['', 'prot32'],
      ['89', 'prot32'],
      ['89 5a', 'prot32'],
      ['c7 02 00 00 00', 'prot32'],
      ['f0 89 0a', 'prot32'],
      ['f0 87 c8', 'prot32'],
      ['c5 f8 29 00', 'prot64'],
      ['c4 e1 78 29 00', 'prot64'],
      ['06', 'prot64'],
      ['0f ff 00', 'prot32'],
      ['66 f3 0f 7f 00', 'prot32'],
      ['89 0a', ''],
    ] as const) {
      assert.equal(decodeStore(bytesOf(code), mode), undefined, `${code} (${mode})`);
    }
  });

  it('bytes behind the instruction do not matter', () => {
    assert.equal(decodeStore(bytesOf('89 0a 90 90'), 'prot32')?.length, 2);
  });
});
