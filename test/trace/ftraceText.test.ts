import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { Kind } from '../../src/trace/vocabulary.js';
import { DATA, dump, eventLines, readText, recording, unpackedRecording } from './files.js';

const LINE = '        kvmguest-470     [000] ...1.     7.552773: ';
const GET_PAGE = 'kvm_mmu_get_page: sp gen 0 gfn 100 l2 4-byte q3 wux nxe ad root 0 sync new';

describe('ftrace text', function () {
  this.timeout(30_000);

  describe('recordings', () => {
    const broken = ['nohash-ptr', 'report'];
    for (const name of readdirSync(DATA).filter((file) => file.endsWith('.txt.zst') && !broken.some((part) => file.includes(part)))) {
      it(`prints every line of ${name} again`, async () => {
        const table = await recording(name);
        const lines = eventLines(await unpackedRecording(name));
        assert.equal(table.length, lines.length);
        for (let e = 0; e < lines.length; e++) assert.equal(table.lineText(e), lines[e]);
        assert.deepEqual(table.info.notes, []);
        assert.equal(table.info.damaged, false);
      });
    }

    it('counts the same events in all shapes of one tour', async () => {
      for (const shape of [
        'clock-boot',
        'clock-counter',
        'clock-x86-tsc',
        'latency-format',
        'nocontext-info',
        'noirq-info',
        'record-tgid',
      ]) {
        const table = await recording(`k6.1-fmt-${shape}.txt.zst`);
        let pages = 0;
        for (let e = 0; e < table.length; e++) if (table.kind(e) === Kind.getPage) pages++;
        assert.equal(pages, 101, shape);
      }
    });

    it('keeps all events of a text that nohash-ptr broke, and says so', async () => {
      const table = await recording('k6.1-fmt-nohash-ptr.txt.zst');
      assert.equal(table.length, 2154);
      assert.equal(table.info.damaged, true);
      assert.match(table.info.notes.map((note) => note.text).join('\n'), /101 kvm_mmu_get_page events.*nohash-ptr/);
    });

    it('tells what was lost, and where', async () => {
      const pipe = await recording('k6.1-lost-pipe.txt.zst');
      const at = Array.from({ length: pipe.length }, (_, e) => e).filter((e) => pipe.lostBefore(e) !== 0);
      assert.equal(pipe.lostBefore(at[0]!), 646);
      assert.equal(pipe.line(at[0]!), 541);
      assert.equal(
        pipe.info.lost,
        at.reduce((sum, e) => sum + pipe.lostBefore(e), 0),
      );
      const overwritten = await recording('k6.1-lost-overwrite.txt.zst');
      assert.equal(overwritten.info.lost, 6775 - 2109);
      assert.equal(overwritten.lostBefore(0), 6775 - 2109);
    });

    it('narrows the kernel down by its spelling', async () => {
      const kernel = async (name: string): Promise<string> => (await recording(name)).info.kernel.text;
      assert.equal(await kernel('k5.10-nonpae-small-all.txt.zst'), '5.4-5.10');
      assert.equal(await kernel('k6.1-nonpae-small-all.txt.zst'), '6.1', 'kvm_apicv_inhibit_changed has no word behind its value');
      assert.equal(await kernel('k7.2-nonpae-small-all.txt.zst'), '7.2');
      assert.equal(await kernel('k6.1-fmt-latency-format.txt.zst'), '6.1', 'the header of this format names the release');
    });
  });

  describe('columns', () => {
    const columns = (line: string): unknown[] => {
      const table = readText(`# tracer: nop\n${line}\n`);
      assert.equal(table.length, 1, line);
      assert.equal(table.lineText(0), line);
      return [table.comm(0), table.pid(0), table.tgid(0), table.cpu(0), table.timeText(0), table.time(0)];
    };

    it('reads all shapes', () => {
      assert.deepEqual(columns(LINE + GET_PAGE), ['kvmguest', 470, undefined, 0, '7.552773', 7552773000n]);
      assert.deepEqual(columns(`        kvmguest-838     (    839) [011] d..1.    22.994377: ${GET_PAGE}`), [
        'kvmguest',
        838,
        839,
        11,
        '22.994377',
        22994377000n,
      ]);
      assert.deepEqual(columns(`           <...>-838     (-------) [001] .....    22.994377: ${GET_PAGE}`).slice(0, 3), [
        '<...>',
        838,
        undefined,
      ]);
      assert.deepEqual(columns(`        kvmguest-1542    [001]     41.520285: ${GET_PAGE}`).slice(3, 5), [1, '41.520285']);
      assert.deepEqual(
        columns(`        kvmguest-1542    [001]  166599545512: ${GET_PAGE}`).slice(4),
        ['166599545512', 166599545512n].slice(0),
      );
      assert.deepEqual(columns(`        kvmguest-2598    [000] d..1. 18446744073709551615: ${GET_PAGE}`).slice(4), [
        '18446744073709551615',
        18446744073709551615n,
      ]);
      assert.deepEqual(columns(`kvmguest-1894      0d..1. 358504us+: ${GET_PAGE}`).slice(0, 5), [
        'kvmguest',
        1894,
        undefined,
        0,
        '358504us',
      ]);
      assert.deepEqual(columns(`        kvmguest-404   [000] ....     6.978110: ${GET_PAGE}`).slice(0, 2), ['kvmguest', 404]);
    });

    it('keeps times beyond what a double can hold', () => {
      assert.deepEqual(columns(`        kvmguest-470     [000] ...1. 4294967295.999999: ${GET_PAGE}`).slice(4), [
        '4294967295.999999',
        4294967295999999000n,
      ]);
    });

    for (const comm of ['CPU 0/KVM', 'a (b) c', '<...>', 'x-1 [2] y', '[kworker]', 'kworker/0:1-eve', 'a-5 b', '-', 'ünïcode']) {
      it(`reads the task name "${comm}"`, () => {
        assert.deepEqual(columns(`${comm.padStart(16)}-124     [001] .N.1.    11.817639: ${GET_PAGE}`).slice(0, 4), [
          comm,
          124,
          undefined,
          1,
        ]);
      });
    }
  });

  describe('lines that are no events', () => {
    it('gives stacks to the event before, on the same CPU', () => {
      const stack = (cpu: number): string => `        kvmguest-470     [00${cpu}] ...1.     7.552775: <stack trace>\n`;
      const table = readText(
        `${LINE}${GET_PAGE}\n        kvmguest-471     [001] ...1.     7.552774: kvm_fpu: load\n`,
        `${stack(0)} => kvm_mmu_get_page\n => kvm_page_fault\n${LINE}kvm_fpu: unload\n${stack(0)} => kvm_arch_vcpu_put\n`,
      );
      assert.equal(table.length, 3);
      assert.deepEqual(table.stack(0), ['kvm_mmu_get_page', 'kvm_page_fault']);
      assert.deepEqual(table.stack(1), []);
      assert.deepEqual(table.stack(2), ['kvm_arch_vcpu_put']);
      assert.equal(table.line(2), 6);
    });

    it('takes losses of a known and an unknown number', () => {
      const table = readText(
        `${LINE}${GET_PAGE}\nCPU:1 [LOST 12 EVENTS]\nCPU:0 [LOST 3 EVENTS]\n${LINE}${GET_PAGE}\nCPU:1 [LOST EVENTS]\n${LINE}${GET_PAGE}\n`,
      );
      assert.deepEqual(
        [0, 1, 2].map((e) => table.lostBefore(e)),
        [0, 15, -1],
      );
      assert.equal(table.info.lost, 15);
    });

    it('finds the event at or after a line', () => {
      const table = readText(`# tracer: nop\n#\n${LINE}${GET_PAGE}\n\n${LINE}kvm_fpu: load\n`);
      assert.deepEqual(
        [1, 3, 4, 5, 6].map((line) => table.eventAtLine(line)),
        [0, 0, 1, 1, -1],
      );
    });

    it('skips junk, and says where it begins', () => {
      const junk = Uint8Array.from({ length: 3000 }, (_, i) => (i * 7919) % 251);
      const table = readText(`${LINE}${GET_PAGE}\n`, junk, `\nhello\n${LINE}${GET_PAGE}\n`);
      assert.equal(table.length, 2);
      assert.equal(table.info.damaged, true);
      assert.equal(table.info.notes[0]!.line, 2);
    });

    it('does not fill the memory with a line without end', () => {
      const table = readText(
        `${LINE}${GET_PAGE}\n`,
        new Uint8Array(300_000).fill(0x41),
        new Uint8Array(300_000).fill(0x41),
        `\n${LINE}${GET_PAGE}\n`,
      );
      assert.equal(table.length, 2);
      assert.equal(table.line(1), 3);
    });

    it('reads lines that end as on Windows, and a byte order mark', () => {
      const table = readText(`\ufeff${LINE}${GET_PAGE}\r\n${LINE}kvm_fpu: load\r\n`);
      assert.deepEqual([table.message(1), table.info.damaged, table.length], ['load', false, 2]);
    });
  });

  describe('damage', () => {
    it('does not use the arguments of a line that is cut in its last number', () => {
      const table = readText(`${LINE}${GET_PAGE}\n${LINE}kvm_mmu_set_spte: gfn 10 spte 9119a21 (r-x-) level 1 at 911`);
      assert.deepEqual([table.length, table.kind(1), table.name(1), table.info.damaged], [2, Kind.other, 'kvm_mmu_set_spte', true]);
      assert.equal(table.info.notes[0]!.line, 2);
    });

    it('makes no event of a line that is cut before its name is whole', () => {
      const table = readText(`${LINE}${GET_PAGE}\n${LINE}kvm_mmu_s`);
      assert.deepEqual([table.length, table.info.damaged], [1, true]);
    });

    it('does not take junk for a trace without columns once there were some', () => {
      const table = readText(`${LINE}${GET_PAGE}\nkvm_fpu: load\nkvm_entry: vcpu 0, rip 0x1\n${LINE}${GET_PAGE}\n`);
      assert.deepEqual([table.length, table.pid(1), table.info.damaged], [2, 470, true]);
    });

    it('trusts a last line that ends with a whole word', () => {
      const table = readText(`${LINE}${GET_PAGE}\n${LINE}${GET_PAGE}`);
      assert.deepEqual([table.kind(1), table.info.damaged], [Kind.getPage, false]);
    });

    it('keeps a known event with an unknown message as text', () => {
      const table = readText(`${LINE}kvm_mmu_get_page: sp gen 0 gfn 100 something else\n${LINE}${GET_PAGE}\n`);
      assert.deepEqual(
        [table.kind(0), table.name(0), table.message(0)],
        [Kind.other, 'kvm_mmu_get_page', 'sp gen 0 gfn 100 something else'],
      );
      assert.equal(table.info.notes.length, 1);
    });

    it('says when the header counts more than there is', () => {
      const table = readText(`# entries-in-buffer/entries-written: 5/5   #P:1\n${LINE}${GET_PAGE}\n`);
      assert.match(table.info.notes[0]!.text, /counts 5 entries, the file holds 1/);
    });

    it('never throws, wherever the text ends', async () => {
      const bytes = (await unpackedRecording('k6.1-nonpae-small-all.txt.zst')).subarray(0, 3000);
      const whole = readText(bytes);
      for (let length = 0; length < bytes.length; length++) {
        const cut = readText(bytes.slice(0, length));
        assert.ok(cut.length <= whole.length);
        for (let e = 0; e < cut.length - 1; e++) assert.equal(cut.time(e), whole.time(e));
      }
    });
  });

  it('never throws, whatever byte is wrong', async () => {
    const bytes = (await unpackedRecording('k6.1-nonpae-small-all.txt.zst')).slice(0, 20_000);
    const changes = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(changes, (flips) => {
        const wrong = new Uint8Array(bytes);
        for (const [place, value] of flips) wrong[place] = value;
        const table = readText(wrong);
        for (let e = 0; e < table.length; e++) assert.equal(typeof table.lineText(e), 'string');
      }),
      { numRuns: 40 },
    );
  });

  it('gives the same events however the text is cut into pieces', async () => {
    const text = (await unpackedRecording('k6.1-lost-pipe.txt.zst')).slice(60_000, 72_000);
    const stacked = new TextEncoder().encode(`${LINE}<stack trace>\n => a_function\nnot a line\n${LINE}${GET_PAGE}\r\n`);
    const bytes = Uint8Array.from([...text, ...stacked]);
    const whole = dump(readText(bytes));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 40 }), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        assert.deepEqual(dump(readText(...at.slice(1).map((end, i) => bytes.slice(at[i], end)))), whole);
      }),
      { numRuns: 25 },
    );
    assert.deepEqual(dump(readText(...[...bytes].map((byte) => Uint8Array.of(byte)))), whole);
  });
});
