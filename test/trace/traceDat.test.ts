import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { TraceError } from '../../src/trace/errors.js';
import { Kind, SpSlot } from '../../src/trace/vocabulary.js';
import { encodeRole } from '../../src/engine/roleLayout.js';
import type { Role } from '../../src/engine/ids.js';
import { Bytes, datFile, type DatOptions, type Item } from './datFile.js';
import { BPRINT, ELEMENT, element, format, KERNEL_STACK, PRINT, record } from './formats.js';
import { DATA, eventLines, readFile, recording, scratch, unpackedRecording } from './files.js';
import type { EventTable } from '../../src/trace/table.js';

const file = scratch();
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** A file with one CPU and one page, unless something else is asked for. */
async function made(options: Partial<DatOptions> & { items?: readonly Item[] }): Promise<EventTable> {
  const { items = [], ...rest } = options;
  const bytes = datFile({
    version: 7,
    little: true,
    uname: 'Linux (none) 6.1.0-55-amd64 x86_64',
    formats: [ELEMENT, KERNEL_STACK, BPRINT, PRINT],
    cmdlines: '100 kvmguest\n',
    cpus: [[{ time: 1_000_000_000n, items }]],
    ...rest,
  });
  return await readFile(file('made.dat', bytes));
}

const at = (delta: number, pte: bigint): Item => ({ record: element(true, pte), delta });

describe('trace.dat', function () {
  this.timeout(30_000);

  describe('recordings', () => {
    for (const name of ['k5.10-nonpae-small-all', 'k6.1-nonpae-small-all', 'k7.2-nonpae-small-all', 'k6.1-three-vms-all']) {
      it(`${name} is the kernel's own text, line by line`, async () => {
        const table = await recording(`${name}.dat`);
        const lines = eventLines(await unpackedRecording(`${name}.txt.zst`));
        // The kernel's text has hashes in place of pointers.
        const comparable = (line: string): string => line.replace(/(sptep[: ])[0-9a-f]{16}/, '$1');
        assert.equal(table.length, lines.length);
        for (let e = 0; e < lines.length; e++) assert.equal(comparable(table.lineText(e)), comparable(lines[e]!));
        assert.deepEqual([table.info.notes, table.info.roles, table.info.damaged], [[], 'exact', false]);
      });

      it(`${name} has the same arguments as its text`, async () => {
        const [dat, text] = [await recording(`${name}.dat`), await recording(`${name}.txt.zst`)];
        for (let e = 0; e < dat.length; e++) {
          assert.equal(dat.kind(e), text.kind(e));
          for (const slot of range(8)) {
            // errno of kvm_userspace_exit is not printed, pointers are hashed, roles are not printed in full
            const hidden = dat.kind(e) <= Kind.prepareZap && slot === SpSlot.role;
            const hashed = (dat.kind(e) === Kind.markMmio && slot === 0) || (dat.kind(e) === Kind.fastPageFault && slot === 3);
            if (hidden || hashed || !text.has(e, slot) || !dat.has(e, slot)) continue;
            assert.equal(valueOf(dat, e, slot), valueOf(text, e, slot), `${dat.lineText(e)} slot ${slot}`);
          }
        }
      });
    }

    it('gives whole role words', async () => {
      const words = async (name: string): Promise<string> => {
        const table = await recording(name);
        const e = range(table.length).find((i) => table.kind(i) === Kind.getPage)!;
        return encodeRole(table.info.layout, table.num(e, SpSlot.role) as Role).toString(16);
      };
      assert.equal(await words('k6.1-nonpae-small-all.dat'), '3712');
      assert.equal(await words('k5.10-nonpae-small-all.dat'), '2702');
      assert.equal(await words('k7.2-nonpae-small-all.dat'), '6f12');
    });
  });

  describe('variants', () => {
    for (const version of [6, 7] as const) {
      for (const little of [true, false]) {
        for (const compression of version === 7 ? (['none', 'zlib'] as const) : (['none'] as const)) {
          it(`version ${version}, ${little ? 'little' : 'big'} endian, ${compression}`, async () => {
            const stack = record(little, 4).int(2, 4).int(0, 4).int(0xffffffff81000010n, 8).int(0xffffffff81000200n, 8).done();
            const table = await made({
              version,
              little,
              compression,
              kallsyms: 'ffffffff81000000 T first\nffffffff81000100 t second\n',
              cpus: [
                [
                  {
                    time: 0x12_3456_789an,
                    items: [
                      { record: element(little, 0xffff_ffff_8000_0001n, 4), delta: 5 },
                      { record: stack, delta: 1 },
                      { record: element(little, 1n), delta: 100, long: true },
                    ],
                  },
                  { time: 0x12_3456_9000n, items: [{ record: element(little, 2n), delta: 0 }], lost: 7 },
                ],
                [{ time: 0x12_3456_789an + 5n, items: [{ record: element(little, 3n, 1, 200), delta: 0 }] }],
              ],
            });
            assert.deepEqual(
              range(table.length).map((e) => table.message(e)),
              ['pte ffffffff80000001 level 4', 'pte 3 level 1', 'pte 1 level 1', 'pte 2 level 1'],
            );
            assert.equal(table.time(0), 0x12_3456_789an + 5n);
            assert.deepEqual(table.stack(0), ['first', 'second']);
            assert.deepEqual([table.cpu(1), table.pid(1), table.comm(1), table.comm(0)], [1, 200, '<...>', 'kvmguest']);
            assert.deepEqual(
              range(4).map((e) => table.lostBefore(e)),
              [0, 0, 0, 7],
            );
            assert.deepEqual([table.info.lost, table.info.kernel.text, table.info.damaged], [7, '6.1', false]);
          });
        }
      }
    }

    it('adds time extends, takes time stamps, and passes over what was discarded', async () => {
      const table = await made({
        items: [
          at(1, 1n),
          { extend: 0x1_0000_0000n },
          at(1, 2n),
          { discarded: 12, delta: 3 },
          at(1, 3n),
          { stamp: 0x20_0000_0005n },
          at(0, 4n),
        ],
      });
      assert.deepEqual(
        range(4).map((e) => table.time(e)),
        [1_000_000_001n, 5_294_967_298n, 5_294_967_302n, 0x20_0000_0005n],
      );
    });

    it('orders equal times by CPU', async () => {
      const page = (pte: bigint, more: bigint): DatOptions['cpus'][number] => [
        { time: 50n, items: [at(0, pte), at(0, pte + 1n), at(1, more)] },
      ];
      const table = await made({ cpus: [page(0x10n, 0x13n), page(0x20n, 0x23n), page(0x30n, 0x33n)] });
      assert.deepEqual(
        range(9).map((e) => table.word(e, 0).toString(16)),
        ['10', '11', '20', '21', '30', '31', '13', '23', '33'],
      );
    });

    it('converts the ticks of a guest clock to nanoseconds', async () => {
      const table = await made({ clock: 'x86-tsc', tsc: { multiplier: 3, shift: 1 }, items: [at(0, 1n)] });
      assert.deepEqual([table.time(0), table.timeText(0)], [1_500_000_000n, '1.500000']);
      const ticks = await made({ clock: 'x86-tsc', items: [at(0, 1n)] });
      assert.equal(ticks.timeText(0), '1000000000');
    });

    it('prints trace_printk and trace_marker as the kernel does', async () => {
      const ip = 0xffffffffc0a00010n;
      const print = record(true, 5).int(ip, 8).cstring('from user space\n').done();
      const bprint = record(true, 6)
        .int(ip, 8)
        .int(0x1000, 8)
        .int(3, 4)
        .cstring('abc')
        .align(4)
        .int(0x1234567890abcdefn, 8)
        .int(0x41, 1)
        .done();
      const table = await made({
        kallsyms: 'ffffffff81000000 T first\nffffffffc0a00000 t snap\t[mmudump]\n',
        printk: '0x1000 : "mmudump %d %s %llx %c\\n"\n',
        items: [
          { record: print, delta: 1 },
          { record: bprint, delta: 1 },
        ],
      });
      assert.deepEqual([table.name(0), table.name(1)], ['print', 'bprint']);
      assert.match(table.lineText(0), /1\.000000: snap: from user space$/);
      assert.match(table.lineText(1), /1\.000000: snap: mmudump 3 abc 1234567890abcdef A$/);
    });

    it('keeps events it has no format of, and names other buffers', async () => {
      const table = await made({ items: [{ record: record(true, 999).int(5, 8).done(), delta: 1 }, at(1, 2n)], instances: ['other'] });
      assert.deepEqual([table.length, table.name(0), table.message(1)], [2, 'unknown_999', 'pte 2 level 1']);
      assert.match(table.info.notes.map((note) => note.text).join('\n'), /type 999[^]*instance "other"|instance "other"[^]*type 999/);
      assert.equal(table.info.damaged, false);
    });

    it('tells losses that only the statistics know', async () => {
      const table = await made({ items: [at(1, 1n)], cpuStats: ['CPU: 0\nentries: 1\noverrun: 40\ndropped events: 2\n'] });
      assert.equal(table.info.lost, 42);
    });

    it('reads layouts from the file, whatever they are', async () => {
      const swapped = format(
        'kvmmmu',
        'kvm_mmu_paging_element',
        300,
        '\tfield:u8 level;\toffset:8;\tsize:1;\tsigned:0;\n\tfield:u32 added;\toffset:12;\tsize:4;\tsigned:0;\n\tfield:u32 pte;\toffset:16;\tsize:4;\tsigned:0;',
        '"level %u pte %x added %u", REC->level, REC->pte, REC->added',
      );
      const bytes = new Bytes(true).raw(record(true, 300).done()).int(3, 1).int(0, 3).int(77, 4).int(0x123, 4).done();
      const table = await made({ formats: [swapped], items: [{ record: bytes, delta: 1 }] });
      assert.deepEqual([table.word(0, 0), table.word(0, 1), table.message(0)], [0x123n, 3n, 'level 3 pte 123 added 77']);
    });
  });

  describe('damage', () => {
    const recorded = (): Uint8Array => readFileSync(path.join(DATA, 'k6.1-nonpae-small-all.dat'));

    /** Reads damaged bytes: a table or a TraceError, nothing else. */
    async function attempt(bytes: Uint8Array): Promise<EventTable | TraceError> {
      try {
        const table = await readFile(file('damaged.dat', bytes));
        for (let e = 0; e < table.length; e += 97) table.lineText(e);
        return table;
      } catch (error) {
        assert.ok(error instanceof TraceError, String(error));
        return error;
      }
    }

    it('reads what is left of a file that was cut, and says where it ends', async () => {
      const whole = recorded();
      const made = datFile({
        version: 7,
        little: true,
        formats: [ELEMENT],
        cpus: [0, 1].map((cpu) => range(3).map((p) => ({ time: BigInt(p * 1000 + cpu), items: range(50).map((i) => at(1, BigInt(i))) }))),
      });
      for (const [bytes, end] of [
        [whole, whole.length - 300],
        [made, made.length - 5000],
      ] as const) {
        const cut = await attempt(bytes.slice(0, end));
        assert.ok(!(cut instanceof TraceError));
        assert.ok(cut.length > 100);
        assert.equal(cut.info.damaged, true);
        assert.ok(cut.info.notes.some((note) => note.offset !== undefined));
      }
    });

    it('never fails otherwise, wherever the file ends', async () => {
      const whole = recorded();
      const small = datFile({ version: 6, little: true, formats: [ELEMENT], cpus: [[{ time: 1n, items: [at(1, 1n)] }]], pageSize: 256 });
      for (let end = 1; end < small.length; end += 3) await attempt(small.slice(0, end));
      for (let end = 1; end < whole.length; end += 997) await attempt(whole.slice(0, end));
    });

    it('never fails otherwise, whatever byte is wrong', async () => {
      const whole = recorded();
      const plain = datFile({
        version: 7,
        little: true,
        formats: [ELEMENT],
        cpus: [[{ time: 1n, items: range(20).map(() => at(1, 1n)) }]],
        pageSize: 512,
      });
      const flips = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 5 });
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(whole, plain), flips, async (bytes, changes) => {
          const wrong = new Uint8Array(bytes);
          for (const [place, value] of changes) wrong[10 + (place % (wrong.length - 10))] = value;
          await attempt(wrong);
        }),
        { numRuns: 60 },
      );
    });
  });
});

function valueOf(table: EventTable, e: number, slot: number): unknown {
  const strings: Partial<Record<number, number>> = { [Kind.exit]: 0, [Kind.mmio]: 0, [Kind.userspaceExit]: 0, [Kind.emulateInsn]: 5 };
  return strings[table.kind(e)] === slot ? table.string(e, slot) : table.word(e, slot);
}
