import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { Kind, specOf } from '../../src/trace/vocabulary.js';
import type { EventTable } from '../../src/trace/table.js';
import { readFile, recording, scratch } from './files.js';

const file = scratch();

/** The lines that perf script prints for a recording whose messages `from` has: perf prints events with the same library as trace-cmd. */
function perfLines(from: EventTable, options: { ns?: boolean; tgid?: number } = {}): string[] {
  return Array.from({ length: from.length }, (_, e) => {
    const nanos = from.time(e).toString().padStart(10, '0');
    const time = `${nanos.slice(0, -9)}.${options.ns ? nanos.slice(-9) : nanos.slice(-9, -3)}`;
    const pid = options.tgid === undefined ? String(from.pid(e)).padStart(7) : `${String(options.tgid).padStart(7)}/${from.pid(e)}`;
    const system = specOf(from.kind(e))?.system ?? 'kvm';
    const cpu = String(from.cpu(e)).padStart(3, '0');
    return `${from.comm(e).padStart(16)} ${pid} [${cpu}] ${time.padStart(12)}: ${`${system}:${from.name(e)}`.padStart(31)}: ${from.message(e)}`;
  });
}

describe('text of perf script', () => {
  let truth: EventTable;
  before(async () => {
    truth = await recording('k6.1-nonpae-small-all.dat');
  });

  for (const [what, source, roles] of [
    ['with the plugin', 'k6.1-nonpae-small-all.report.txt.zst', 'partial'],
    ["with the kernel's print fmt", 'k6.1-nonpae-small-all.txt.zst', 'printed'],
  ] as const) {
    it(`gives the events of a recording printed ${what}`, async () => {
      const lines = perfLines(await recording(source), { ns: true, tgid: 460 });
      const table = await readFile(file(`${roles}.txt`, `${lines.join('\n')}\n`));
      assert.deepEqual([table.info.format, table.info.roles, table.info.damaged], ['perf-script', roles, false]);
      assert.equal(table.length, truth.length);
      for (let e = 0; e < truth.length; e++) {
        assert.deepEqual(
          [table.name(e), table.kind(e), table.pid(e), table.tgid(e), table.comm(e), table.cpu(e), table.line(e)],
          [truth.name(e), truth.kind(e), truth.pid(e), 460, truth.comm(e), truth.cpu(e), e + 1],
        );
      }
    });
  }

  it('reads the columns that its options give, and names with blanks', async () => {
    const message = 'kvm:kvm_entry: vcpu 1, rip 0x10000';
    const table = await readFile(
      file(
        'columns.txt',
        [
          `CPU 1/KVM  4361 [001]  1234.567890: ${message}`,
          `CPU 1/KVM  4360/4361  [001] d..1.  1234.567890123:          1 ${message}`,
          `       CPU 1/KVM  4361  1234.567891: ${message}`,
          `swapper     0 [002]  1234.567892: sched:sched_switch: prev_comm=swapper/2 [120] x: 1`,
        ].join('\n') + '\n',
      ),
    );
    assert.deepEqual(
      [0, 1, 2].map((e) => [table.comm(e), table.pid(e), table.tgid(e), table.cpu(e), table.timeText(e), table.kind(e)]),
      [
        ['CPU 1/KVM', 4361, undefined, 1, '1234.567890', Kind.entry],
        ['CPU 1/KVM', 4361, 4360, 1, '1234.567890123', Kind.entry],
        ['CPU 1/KVM', 4361, undefined, 0, '1234.567891', Kind.entry],
      ],
    );
    assert.deepEqual([table.name(3), table.message(3)], ['sched_switch', 'prev_comm=swapper/2 [120] x: 1']);
  });

  it('gives call chains to their events, and counts what was lost', async () => {
    const entry = 'kvmguest   470 [000]     7.552773: kvm:kvm_entry: vcpu 0, rip 0x10000';
    const table = await readFile(
      file(
        'chains.txt',
        `${entry}\n\tffffffffc0a1b2c3 kvm_mmu_load+0x1f3 ([kvm])\n\tffffffff81000000 do_syscall_64 ([kernel.kallsyms])\n\n` +
          `PERF_RECORD_LOST lost 12\n${entry}\nonce upon a time\n`,
      ),
    );
    assert.deepEqual([table.stack(0), table.stack(1)], [['kvm_mmu_load', 'do_syscall_64'], []]);
    assert.deepEqual([table.lostBefore(1), table.info.lost], [12, 12]);
    assert.deepEqual(
      table.info.notes.map(({ line, text }) => [line, text]),
      [[7, '1 line that perf script does not print: skipped']],
    );
  });

  it('reads what perf prints of call chains, of its own records, and of names that end in numbers', async () => {
    const table = await readFile(
      file(
        'shapes.txt',
        [
          'perf-exec     0 [000]     0.000000: PERF_RECORD_COMM: perf-exec:28805/28805',
          'fc_vcpu 1 2335220 16041.811480: kvm:kvm_entry: vcpu 1, rip 0x10000',
          'kvmguest 28805 [001] 16041.811487:       kvm:kvm_page_fault: vcpu 0 rip 0x10000 address 0x0000000000010000 error_code 0x10',
          '\tffffffffc0a1b2c3 kvm_handle_page_fault+0x10 ([kvm])',
          '\t           f8350 __GI___ioctl+0x10 (/usr/lib/x86_64-linux-gnu/libc.so.6)',
          '\t               0 [unknown] ([unknown])',
          '',
          'kvmguest 28805 [001] 16041.811512:          1        kvm:kvm_entry:                         vcpu 0, rip 0x10000',
          'kvmguest 28805 [001] 16041.811512: PERF_RECORD_LOST lost 12',
          'kvmguest 28805 [001]     0.000000: kvm:kvm_entry:  vcpu 0 rip 0x10000',
        ].join('\n') + '\n',
      ),
    );
    assert.deepEqual([table.info.damaged, table.info.lost, table.length], [false, 12, 4]);
    assert.deepEqual(
      [0, 1, 2, 3].map((e) => [table.comm(e), table.pid(e), table.cpu(e), table.timeText(e), table.kind(e)]),
      [
        ['fc_vcpu 1', 2335220, 0, '16041.811480', Kind.entry],
        ['kvmguest', 28805, 1, '16041.811487', Kind.pageFault],
        ['kvmguest', 28805, 1, '16041.811512', Kind.entry],
        ['kvmguest', 28805, 1, '0.000000', Kind.entry],
      ],
    );
    assert.deepEqual(table.stack(1), ['kvm_handle_page_fault', '__GI___ioctl', '[unknown]']);
  });

  it('says so where no thread is printed', async () => {
    const lines = '[001]   770.850287:         kvm:kvm_entry: vcpu 0, rip 0x100146\n'.repeat(3);
    await assert.rejects(
      readFile(file('threadless.txt', lines)),
      /threadless\.txt: .* which thread .*; print it with `perf script -F comm,tid/,
    );
  });
});
