import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { LAYOUT_5_1, LAYOUT_5_17, LAYOUT_7 } from '../../src/engine/roleLayout.js';
import { parseFormat, type EventFormat } from '../../src/trace/dat/format.js';
import { layoutOf } from '../../src/trace/dat/roleMembers.js';
import { renderRecord } from '../../src/trace/dat/render.js';
import { format, record } from './formats.js';

const FIELDS = `	field:int a;	offset:8;	size:4;	signed:1;
	field:u32 b;	offset:12;	size:4;	signed:0;
	field:u64 c;	offset:16;	size:8;	signed:0;
	field:__u8 d[4];	offset:24;	size:4;	signed:0;
	field:__data_loc char[] s;	offset:28;	size:4;	signed:0;
	field:__data_loc u32[] v;	offset:32;	size:4;	signed:0;`;

function parsed(print: string): EventFormat {
  return parseFormat(format('test', 'test_event', 1, FIELDS, print).text, 'test', true, { SOME_ENUM: 7n })!;
}

/** The text of an event with a = -2, b = 0x80000005, c = 0x123456789abcdef0, d = 1 2 0xa0 0xff, s = "hello", v = 1, 0x20 */
function printed(print: string): string {
  const bytes = record(true, 1)
    .int(-2, 4)
    .int(0x8000_0005, 4)
    .int(0x1234_5678_9abc_def0n, 8)
    .raw([1, 2, 0xa0, 0xff])
    .int((6 << 16) | 36, 4)
    .int((8 << 16) | 44, 4)
    .cstring('hello')
    .align(4)
    .int(1, 4)
    .int(0x20, 4);
  return renderRecord(parsed(print), bytes.done(), LAYOUT_5_17);
}

describe('print fmt', () => {
  const cases: readonly (readonly [print: string, text: string])[] = [
    ['"%d %u %x", REC->a, REC->a, REC->a', '-2 4294967294 fffffffe'],
    ['"%lx %llx %#llx %016llx", REC->b, REC->c, REC->c, REC->b', '80000005 123456789abcdef0 0x123456789abcdef0 0000000080000005'],
    ['"%#016lx|%#x|%5d|%-5d|%05d|%+d|%%", REC->b, 0, REC->a, REC->a, REC->a, 3', '0x00000080000005|0x0|   -2|-2   |-0002|+3|%'],
    ['"%hhx %hd %*d %.3d", REC->c, REC->b, 6, 42, 7', 'f0 5     42 007'],
    ['"%s %10s %.3s %-8s|", __get_str(s), __get_str(s), __get_str(s), __get_str(s)', 'hello      hello hel hello   |'],
    ['"%s", REC->a < 0 ? "minus" : "plus"', 'minus'],
    ['"%s" " and " "%d", "x" "y", (u8)REC->c + 1', 'xy and 241'],
    ['"%d %d %d", REC->b == 0x80000005, !REC->a, REC->a == -2 && REC->b != 3UL', '1 0 1'],
    ['"%d", (REC->b >> 4 & 0x7) | (1 << 3)', '8'],
    ['"%s", __print_symbolic(REC->b & 0xf, { 1, "one" }, { (4 + 1), "fi" "ve" })', 'five'],
    ['"%s", __print_symbolic(0, { OTHER_ENUM, "other" }, { SOME_ENUM - 7, "some" })', 'some'],
    ['"%s", __print_symbolic(REC->b, { 1, "one" }, { -1, ((void *)0) })', '0x80000005'],
    ['"%s", __print_flags(REC->b, "|", { (1U << 0), "P" }, { ((((1UL))) << (2)), "U" })', 'P|U|0x80000000'],
    ['"<%s>", __print_flags(0, "|", { 1, "P" })', '<>'],
    ['"%s %s", __print_hex(REC->d, 3), __print_hex_str(REC->d, 4)', '01 02 a0 0102a0ff'],
    ['"%s", __print_array(__get_dynamic_array(v), __get_dynamic_array_len(v) / 4, 4)', '{0x1,0x20}'],
    ['"%d %d", REC->d[2], ((unsigned int)(REC->c >> 32))', '160 305419896'],
    ['"%d", REC->a == SOME_ENUM || SOME_ENUM == 7', '1'],
    ['"%p %c%c", REC->c, 0x41, 0', '123456789abcdef0 A'],
    ['"%pI4", REC->d', '1.2.160.255'],
    ['"%x", (REC)->b ^ ~0', '7ffffffa'],
  ];
  for (const [print, text] of cases) it(print, () => assert.equal(printed(print), text));

  it('lists the fields of an event whose print fmt is not understood', () => {
    assert.equal(printed('"%s", some_function(REC->a)'), 'a=-2 b=2147483653 c=1311768467463790320 d={1,2,160,255} s="hello" v={1,32}');
    for (const bad of [
      '"%s", sizeof(REC->a)',
      '"%d", REC->nothing',
      'no format',
      '"%d", *REC->a',
      '"%d", REC->a.b',
      '"',
      '"%d", ({ int i; i; })',
      '',
    ]) {
      assert.equal(parsed(bad).print, null, bad);
    }
  });

  it('finds the layout of the role word in what prints it', () => {
    const role = (bit4: string, strings: string): string =>
      `"%s %s", ({ const char *saved_ptr = trace_seq_buffer_ptr(p); static const char *access_str[] = { ${strings} }; union kvm_mmu_page_role role; ` +
      `role.word = REC->b; trace_seq_printf(p, "l%u %u-byte %s" "%c", role.level, ${bit4}, access_str[role.access], 0); saved_ptr; }), REC->a ? "new" : "existing"`;
    const three = '"---", "--x", "w--", "w-x", "-u-", "-ux", "wu-", "wux"';
    const four =
      '"----", "r---", "-w--", "rw--", "--u-", "r-u-", "-wu-", "rwu-", "---x", "r--x", "-w-x", "rw-x", "--ux", "r-ux", "-wux", "rwux"';
    const layout = (print: string): unknown => layoutOf(parsed(print).print!)?.name;
    assert.equal(layout(role('role.gpte_is_8_bytes ? 8 : 4', three)), LAYOUT_5_1.name);
    assert.equal(layout(role('role.has_4_byte_gpte ? 4 : 8', three)), LAYOUT_5_17.name);
    assert.equal(layout(role('role.has_4_byte_gpte ? 4 : 8', four)), LAYOUT_7.name);
    assert.equal(layout('"%d", REC->a'), undefined);
    assert.equal(printed(role('role.has_4_byte_gpte ? 4 : 8', three)), 'l5 8-byte --- new');
  });
});
