import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { encodeRole } from '../../src/engine/roleLayout.js';
import type { Role } from '../../src/engine/ids.js';
import { SpSlot } from '../../src/trace/vocabulary.js';
import type { EventTable } from '../../src/trace/table.js';
import { datFile } from './datFile.js';
import { format, record } from './formats.js';
import { readFile, scratch } from './files.js';

const file = scratch();

type Field = readonly [type: string, name: string, offset: number, size: number, signed?: boolean];

function fields(...list: Field[]): string {
  return list
    .map(([type, name, offset, size, signed]) => `\tfield:${type} ${name};\toffset:${offset};\tsize:${size};\tsigned:${signed ? 1 : 0};`)
    .join('\n');
}

const SP: readonly Field[] = [
  ['__u8', 'mmu_valid_gen', 8, 1],
  ['__u64', 'gfn', 16, 8],
  ['__u32', 'role', 24, 4],
  ['__u32', 'root_count', 28, 4],
  ['bool', 'unsync', 32, 1],
];
const ROLE =
  '({ const char *saved_ptr = trace_seq_buffer_ptr(p); static const char *access_str[] = { "---", "--x", "w--", "w-x", "-u-", "-ux", "wu-", "wux" }; ' +
  'union kvm_mmu_page_role role; role.word = REC->role; ' +
  'trace_seq_printf(p, "sp gen %u gfn %llx l%u %u-byte q%u%s %s%s %snxe %sad root %u %s%c", REC->mmu_valid_gen, REC->gfn, role.level, ' +
  'role.has_4_byte_gpte ? 4 : 8, role.quadrant, role.direct ? " direct" : "", access_str[role.access], role.invalid ? " invalid" : "", ' +
  'role.efer_nx ? "" : "!", role.ad_disabled ? "!" : "", REC->root_count, REC->unsync ? "unsync" : "sync", 0); saved_ptr; })';

/** spec/tracepoints.md §3: where the kernel of vectors.md §13 puts the fields. */
const FORMATS = [
  format(
    'kvmmmu',
    'kvm_mmu_get_page',
    301,
    fields(...SP, ['bool', 'created', 33, 1]),
    `"%s %s", ${ROLE}, REC->created ? "new" : "existing"`,
  ),
  format(
    'kvmmmu',
    'kvm_mmu_set_spte',
    302,
    fields(
      ['u64', 'gfn', 8, 8],
      ['u64', 'spte', 16, 8],
      ['u64', 'sptep', 24, 8],
      ['u8', 'level', 32, 1],
      ['bool', 'r', 33, 1],
      ['bool', 'x', 34, 1],
      ['signed char', 'u', 35, 1, true],
    ),
    '"gfn %llx spte %llx (%s%s%s%s) level %d at %llx", REC->gfn, REC->spte, REC->r ? "r" : "-", REC->spte & 2 ? "w" : "-", ' +
      'REC->x ? "x" : "-", REC->u == -1 ? "" : (REC->u ? "u" : "-"), REC->level, REC->sptep',
  ),
  format(
    'kvmmmu',
    'kvm_mmu_spte_requested',
    303,
    fields(['u64', 'gfn', 8, 8], ['u64', 'pfn', 16, 8], ['u8', 'level', 24, 1]),
    '"gfn %llx pfn %llx level %d", REC->gfn, REC->pfn, REC->level',
  ),
  format(
    'kvmmmu',
    'kvm_mmu_pagetable_walk',
    304,
    fields(['__u64', 'addr', 8, 8], ['__u32', 'pferr', 16, 4]),
    '"addr %llx pferr %x %s", REC->addr, REC->pferr, __print_flags(REC->pferr, "|", {1, "P"}, {2, "W"}, {4, "U"}, {8, "RSVD"}, {16, "F"})',
  ),
  format(
    'kvmmmu',
    'kvm_mmu_zap_all_fast',
    305,
    fields(['__u8', 'mmu_valid_gen', 8, 1], ['unsigned int', 'mmu_used_pages', 12, 4]),
    '"kvm-mmu-valid-gen %u used_pages %x", REC->mmu_valid_gen, REC->mmu_used_pages',
  ),
];

/** spec/vectors.md §13: the payload after the common header, and the kernel's text. */
const RECORDS: readonly [id: number, payload: string, text: string][] = [
  [
    301,
    '00 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 32 37 00 00 00 00 00 00 00 01 00 00 00 00 00 00',
    'sp gen 0 gfn 1 l2 4-byte q1 wux nxe ad root 0 sync new',
  ],
  [
    302,
    '10 00 00 00 00 00 00 00 67 ee cd ab 00 00 00 00 80 50 34 12 00 00 00 00 01 01 01 01 00 00 00 00',
    'gfn 10 spte abcdee67 (rwxu) level 1 at 12345080',
  ],
  [303, '10 00 00 00 00 00 00 00 de bc 0a 00 00 00 00 00 01 00 00 00 00 00 00 00', 'gfn 10 pfn abcde level 1'],
  [304, '00 20 68 c0 00 00 00 00 03 00 00 00 00 00 00 00', 'addr c0682000 pferr 3 P|W'],
  [305, '00 00 00 00 05 00 00 00', 'kvm-mmu-valid-gen 0 used_pages 5'],
];

describe('binary records (vectors.md §13)', () => {
  const bytes = (payload: string): number[] => payload.split(' ').map((byte) => Number.parseInt(byte, 16));
  let table: Promise<EventTable> | undefined;
  const read = (): Promise<EventTable> =>
    (table ??= readFile(
      file(
        'vectors.dat',
        datFile({
          version: 7,
          little: true,
          uname: 'Linux (none) 6.1.0-55-amd64 x86_64',
          formats: FORMATS,
          cmdlines: '100 kvmguest\n',
          cpus: [
            [
              {
                time: 1_000_000_000n,
                items: RECORDS.map(([id, payload], i) => ({ record: record(true, id).raw(bytes(payload)).done(), delta: i })),
              },
            ],
          ],
        }),
      ),
    ));

  for (const [event, [, , text]] of RECORDS.entries()) {
    it(`read “${text}”`, async () => assert.equal((await read()).message(event), text));
  }

  it('have their arguments', async () => {
    const events = await read();
    assert.deepEqual([events.length, events.info.roles, events.info.damaged, events.info.notes], [RECORDS.length, 'exact', false, []]);
    assert.equal(encodeRole(events.info.layout, events.num(0, SpSlot.role) as Role), 0x3732);
    assert.deepEqual([events.num(0, SpSlot.gfn), events.num(0, 5)], [1, 1]);
    assert.deepEqual([events.word(1, 1), events.word(1, 2), events.num(1, 3)], [0xabcdee67n, 0x12345080n, 1]);
    assert.deepEqual([events.num(2, 1), events.word(3, 0), events.num(3, 1), events.num(4, 1)], [0xabcde, 0xc0682000n, 3, 5]);
  });
});
