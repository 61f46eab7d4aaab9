import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import fc from 'fast-check';
import { decodeRole, LAYOUT_5_1, LAYOUT_5_17, LAYOUT_7 } from '../../src/engine/roleLayout.js';
import { roleText } from '../../src/trace/roleText.js';
import type { Role } from '../../src/engine/ids.js';
import { PARTIAL_MASK } from '../../src/trace/partialRoles.js';
import { kernelExitName, pluginExitName } from '../../src/trace/report/exitNames.js';
import { parsePluginRole, pluginRoleText } from '../../src/trace/report/roleWord.js';
import { Kind, SpSlot, specOf } from '../../src/trace/vocabulary.js';
import type { EventTable } from '../../src/trace/table.js';
import { readFile, recording, scratch, unpackedRecording } from './files.js';

const file = scratch();
const read = (name: string, ...lines: string[]): Promise<EventTable> => readFile(file(name, `cpus=1\n${lines.join('\n')}\n`));
const SHORT = '        kvmguest-470   [000]     7.552773: ';
const page = (role: string, gfn = '100'): string => `${SHORT}kvm_mmu_get_page:     new sp gfn ${gfn} ${role} root 0 sync`;

/** Arguments that trace-cmd's plugin leaves out. */
const LEFT_OUT = new Set([
  'kvm_mmu_get_page.mmu_valid_gen',
  ...['sync_page', 'unsync_page', 'prepare_zap_page'].flatMap((name) => [`kvm_mmu_${name}.mmu_valid_gen`, `kvm_mmu_${name}.gfn`]),
  'kvm_exit.intr_info',
  'kvm_exit.error_code',
  'kvm_exit.vcpu_id',
  'kvm_emulate_insn.mode',
]);

describe('a report of trace-cmd', () => {
  for (const [report, dat, kernel] of [
    ['k5.10-nonpae-small-all.report.txt.zst', 'k5.10-nonpae-small-all.dat', '5.4-5.15'],
    ['k6.1-nonpae-small-all.report.txt.zst', 'k6.1-nonpae-small-all.dat', '6.1'],
    ['k7.2-nonpae-small-all.report.txt.zst', 'k7.2-nonpae-small-all.dat', '7.2'],
    ['k7.2-nonpae-small-all.report-N.txt.zst', 'k7.2-nonpae-small-all.dat', '7.2'],
  ] as const) {
    describe(report, () => {
      let text: EventTable;
      let truth: EventTable;
      const numbers = report.includes('-N');

      before(async () => {
        text = await recording(report);
        truth = await recording(dat);
      });

      it('is told as what it is, with what is missing in it', () => {
        const { format, roles, damaged, notes } = text.info;
        assert.deepEqual(
          { format, roles, damaged, kernel: text.info.kernel.text },
          {
            format: 'trace-cmd-report',
            roles: numbers ? 'exact' : 'partial',
            damaged: false,
            kernel,
          },
        );
        assert.deepEqual(
          notes.map((note) => /open the trace\.dat/.test(note.text)),
          numbers ? [] : [true],
        );
      });

      it('has the events, tasks and times of the trace.dat it was made from', () => {
        assert.equal(text.length, truth.length);
        for (let e = 0; e < truth.length; e++) {
          assert.deepEqual(
            [text.name(e), text.kind(e), text.pid(e), text.comm(e), text.cpu(e), text.timeText(e)],
            [truth.name(e), truth.kind(e), truth.pid(e), truth.comm(e), truth.cpu(e), truth.timeText(e)],
          );
        }
      });

      it('has every argument that the report gives, and says of the others that it has them not', () => {
        const absent = new Set<string>();
        for (let e = 0; e < truth.length; e++) {
          for (const [slot, { name, type }] of (specOf(truth.kind(e))?.args ?? []).entries()) {
            if (!truth.has(e, slot)) continue;
            const argument = `${truth.name(e)}.${name}`;
            if (!text.has(e, slot)) absent.add(argument);
            else if (type === 'string') assert.equal(text.string(e, slot), truth.string(e, slot), argument);
            else if (type === 'role' && !numbers) {
              assert.equal(text.num(e, slot) & PARTIAL_MASK, truth.num(e, slot) & PARTIAL_MASK, `${argument} of event ${e}`);
            } else assert.equal(text.word(e, slot), truth.word(e, slot), argument);
          }
        }
        absent.delete('kvm_userspace_exit.errno');
        assert.deepEqual(absent, numbers ? new Set() : LEFT_OUT);
      });

      it('is written again as it was, line by line', async () => {
        const lines = new TextDecoder().decode(await unpackedRecording(report)).split('\n');
        for (let e = 0; e < text.length; e++) assert.equal(text.lineText(e), lines[text.line(e)! - 1]);
      });
    });
  }

  it('reads the columns of its options: -l, -t, and the flags of later versions', async () => {
    const table = await read(
      'options.txt',
      'kvmguest-470     0d..1.     7.492017: kvm_entry:             vcpu 0 rip 0x10000',
      '        kvmguest-470   [000]     7.492017262: kvm_entry:             vcpu 0 rip 0x10000',
      '       CPU 0/KVM-470   [001] d..1.     7.492018: kvm_entry:             vcpu 0 rip 0x10000',
    );
    assert.deepEqual(
      [0, 1, 2].map((e) => [table.comm(e), table.pid(e), table.cpu(e), table.timeText(e), table.kind(e)]),
      [
        ['kvmguest', 470, 0, '7.492017', Kind.entry],
        ['kvmguest', 470, 0, '7.492017262', Kind.entry],
        ['CPU 0/KVM', 470, 1, '7.492018', Kind.entry],
      ],
    );
    assert.equal(table.time(1), 7_492_017_262n);
  });

  it('reads times that fill their column, ticks, and times since the last event (--ts-diff)', async () => {
    const before = '        kvmguest-470   [000]';
    const lines = [
      `${before}  7492.017262: kvm_entry:             vcpu 0 rip 0x10000`,
      `${before} 74920.172620: kvm_entry:             vcpu 0 rip 0x10000`,
      `${before} 749201.726200123: kvm_entry:             vcpu 0 rip 0x10000`,
      `${before} 71548072483: kvm_entry:             vcpu 0 rip 0x10000`,
      `${before}1166599545512: kvm_entry:             vcpu 0 rip 0x10000`,
    ];
    const table = await read(
      'times.txt',
      ...lines,
      `${before}     7.492017:          kvm_entry:             vcpu 0 rip 0x10000`,
      `${before}     7.492680: (+663)   kvm_entry:             vcpu 0 rip 0x10000`,
    );
    const all = [0, 1, 2, 3, 4, 5, 6];
    assert.deepEqual(
      all.map((e) => table.timeText(e)),
      ['7492.017262', '74920.172620', '749201.726200123', '71548072483', '1166599545512', '7.492017', '7.492680'],
    );
    assert.deepEqual(new Set(all.map((e) => `${table.pid(e)} ${table.cpu(e)} ${table.kind(e)}`)), new Set([`470 0 ${Kind.entry}`]));
    assert.deepEqual(
      lines.map((_, e) => table.lineText(e)),
      lines,
    );
  });

  it('says in one line what reports cannot be read: raw ones, and several in one', async () => {
    const raw = `${SHORT}kvm_mmu_get_page:      mmu_valid_gen=0 gfn=256 role=14081 root_count=0 unsync=0 created=1\n${SHORT}kvm_entry:             vcpu_id=0 rip=0x10000\n`;
    await assert.rejects(read('raw.txt', raw), /raw\.txt: line 3 gives fields by name, .*; print it without -R/);
    const two = file('two.txt', ` a.dat: cpus=1\nb.dat: cpus=1\n a.dat: ${SHORT}kvm_entry:             vcpu 0 rip 0x10000\n`);
    await assert.rejects(readFile(two), /two\.txt: is a report of several files at once; print or open each/);
  });

  it('reads role words by the layout of the kernel that wrote them', async () => {
    const role = async (name: string, ...lines: string[]): Promise<string> => {
      const table = await read(name, ...lines);
      const e = table.length - 1;
      return roleText(table.num(e, SpSlot.role) as Role, table.info.accessLetters);
    };
    // Bit 4 is told by quadrants, direct pages, higher levels, and at last by the levels of guest tables.
    assert.equal(await role('a', page('2 q1 wux pae nxe wp')), 'l2 4-byte q1 wux nxe ad');
    assert.equal(await role('b', page('2 q1 wux !pae nxe wp')), 'l2 4-byte q1 wux nxe ad');
    assert.equal(await role('c', page('1 q0 direct wux pae nxe wp'), page('2 q0 wux !pae nxe wp')), 'l2 4-byte q0 wux nxe ad');
    assert.equal(await role('d', page('4 q0 wux !pae nxe wp'), page('1 q0 w-x !pae nxe wp')), 'l1 8-byte q0 w-x nxe ad');
    const walk = [`${SHORT}kvm_mmu_pagetable_walk: addr 10000 pferr 10 F`, `${SHORT}kvm_mmu_paging_element: pte 102001 level 3`];
    assert.equal(await role('e', ...walk, page('1 q0 wux pae nxe wp')), 'l1 8-byte q0 wux nxe ad');
    // 7.x: what the plugin calls invalid is the right to execute, and --x the right to read.
    assert.equal(await role('f', page('2 q3 wux invalid pae !nxe wp smep')), 'l2 4-byte q3 rwux nxe ad');
    assert.equal(await role('g', page('2 q3 wux invalid pae !nxe wp smep'), page('1 q1 w-x pae !nxe wp smep')), 'l1 4-byte q1 rw-- nxe ad');
  });

  it('takes flags back into the word that they were printed from', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff }), fc.boolean(), (low, smm) => {
        const word = low | (smm ? 1 << 24 : 0);
        assert.equal(parsePluginRole(pluginRoleText(word)), word);
        for (const layout of [LAYOUT_5_1, LAYOUT_5_17, LAYOUT_7]) {
          assert.equal(decodeRole(layout, word) & PARTIAL_MASK, decodeRole(layout, word | 0x7_0000) & PARTIAL_MASK);
        }
      }),
    );
    assert.equal(parsePluginRole('2 q0 wux nxe wp'), undefined);
    assert.equal(parsePluginRole('16 q0 wux pae nxe wp'), undefined);
  });

  it('names exits as the kernel does', () => {
    for (const [plugin, kernel] of [
      ['EXIT_EXCP_PF', 'PF excp'],
      ['EXIT_WRITE_CR3', 'write_cr3'],
      ['EXIT_INTR', 'interrupt'],
      ['EXIT_VMMCALL', 'hypercall'],
      ['CR_ACCESS', 'CR_ACCESS'],
      ['EXCEPTION_NMI', 'EXCEPTION_NMI'],
    ] as const) {
      assert.equal(kernelExitName(plugin), kernel);
      assert.equal(pluginExitName(kernel), plugin);
    }
  });

  it('counts what was lost, and gives stacks to their events', async () => {
    const table = await read(
      'lost.txt',
      `${SHORT}kvm_entry:             vcpu 0 rip 0x10000`,
      `${SHORT}kernel_stack:         <stack trace >`,
      '=> kvm_mmu_load (ffffffffc0a1b2c3)',
      '=> vcpu_enter_guest (ffffffffc0a1b2c4)',
      'CPU:0 [646 EVENTS DROPPED]',
      `${SHORT}kvm_entry:             vcpu 0 rip 0x10000`,
      'CPU:0 [EVENTS DROPPED]',
      `${SHORT}kvm_entry:             vcpu 0 rip 0x10000`,
    );
    assert.deepEqual(
      [0, 1, 2].map((e) => table.lostBefore(e)),
      [0, 646, -1],
    );
    assert.equal(table.info.lost, 646);
    assert.deepEqual(table.stack(0), ['kvm_mmu_load', 'vcpu_enter_guest']);
    assert.equal(table.info.damaged, false);
  });

  it('says of lines that are none what they are, and of broken messages that they are not used', async () => {
    const table = await read('junk.txt', 'once upon a time', page('2 q1 wux pae nxe wp'), `${SHORT}kvm_mmu_prepare_zap_page: 2 q9 wux`);
    assert.equal(table.length, 2);
    assert.equal(table.kind(1), Kind.other);
    assert.deepEqual(
      table.info.notes.slice(1).map(({ line, text }) => [line, text.split(':')[0]]),
      [
        [2, '1 line that trace-cmd report does not print'],
        [4, '1 kvm_mmu_prepare_zap_page event with a message that no known kernel writes'],
      ],
    );
  });
});
