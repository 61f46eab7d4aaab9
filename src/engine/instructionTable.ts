/**
 * The opcode map, as far as KVM's emulator or a page-table writing guest needs it [x86 manuals; 6.1 emulate.c:opcode_table for what a
 * memory operand's size is]. A line is
 *
 *     opcode operation [access size] [immediate] [flag…]
 *
 * * opcode: hexadecimal, `0f..` and `0f38..` for the longer maps, `a-b` for a range, `/n` for the reg field of the ModRM byte, `m` or `r`
 *   behind it for its memory or register form only, `.xx` for a whole ModRM byte; in front of it the mandatory prefixes (`np`: none),
 * * access to the ModRM operand when that is memory: W written, M read and written, R read, A its address only; DI: the string
 *   destination is written,
 * * size in bytes: b 1, w 2, d 4, q 8, x 16, v by operand size, z as v but at most 4, s as v but 8 for 4 in 64-bit code (stack), n 8 in
 *   64-bit code and else as v (branches), dq 4 or 8 by REX.W, cx 8 or 16 by REX.W, sreg what a segment register takes, `?` anything else,
 * * immediate: ib iw iz iv by operand size; one: 1, without a byte; ij a branch; ia an address; ip a far address,
 * * flags: pushN N values go to the stack, lock may be locked, locked always is, bits the bit offset moves the address, untracked the
 *   write tracker is not told, real emulated in real mode only, modrm a ModRM byte
 *   without a memory form, cr0 cr io msr invlpg the kind, no64 and only64.
 *
 * Cells are two blanks or more apart. The first row of an opcode that fits is taken. KVM emulates part of them only; which, differs by
 * kernel, and the event says when it failed.
 */
const MAP = `
00 add M b lock        01 add M v lock        02 add R b        03 add R v        04 add - ib    05 add - iz
08 or M b lock         09 or M v lock         0a or R b         0b or R v         0c or - ib     0d or - iz
10 adc M b lock        11 adc M v lock        12 adc R b        13 adc R v        14 adc - ib    15 adc - iz
18 sbb M b lock        19 sbb M v lock        1a sbb R b        1b sbb R v        1c sbb - ib    1d sbb - iz
20 and M b lock        21 and M v lock        22 and R b        23 and R v        24 and - ib    25 and - iz
28 sub M b lock        29 sub M v lock        2a sub R b        2b sub R v        2c sub - ib    2d sub - iz
30 xor M b lock        31 xor M v lock        32 xor R b        33 xor R v        34 xor - ib    35 xor - iz
38 cmp R b             39 cmp R v             3a cmp R b        3b cmp R v        3c cmp - ib    3d cmp - iz
06,0e,16,1e push sreg push1 no64              07,17,1f pop no64          27,2f,37,3f adjust no64
40-47 inc no64         48-4f dec no64         50-57 push s push1         58-5f pop
60 pusha v push8 no64  61 popa no64           63 movsxd R d only64       63 arpl M w no64
68 push s iz push1     6a push s ib push1     69 imul R v iz             6b imul R v ib
6c ins DI b io         6d ins DI z io         6e,6f outs io              70-7f jcc ib
80/0 add M b ib lock     81/0 add M v iz lock     83/0 add M v ib lock
80/1 or M b ib lock      81/1 or M v iz lock      83/1 or M v ib lock
80/2 adc M b ib lock     81/2 adc M v iz lock     83/2 adc M v ib lock
80/3 sbb M b ib lock     81/3 sbb M v iz lock     83/3 sbb M v ib lock
80/4 and M b ib lock     81/4 and M v iz lock     83/4 and M v ib lock
80/5 sub M b ib lock     81/5 sub M v iz lock     83/5 sub M v ib lock
80/6 xor M b ib lock     81/6 xor M v iz lock     83/6 xor M v ib lock
80/7 cmp R b ib          81/7 cmp R v iz          83/7 cmp R v ib
82/0 add M b ib lock no64    82/1 or M b ib lock no64    82/2 adc M b ib lock no64    82/3 sbb M b ib lock no64
82/4 and M b ib lock no64    82/5 sub M b ib lock no64   82/6 xor M b ib lock no64    82/7 cmp R b ib no64
84 test R b            85 test R v            86 xchg M b locked         87 xchg M v locked
88 mov W b             89 mov W v             8a mov R b                 8b mov R v
8c mov W sreg          8d/m lea A             8e mov R w                 8f/0 pop W s
90 nop                 91-97 xchg             98 cbw                     99 cwd
9a call v ip push2 no64                       9b fwait                   9c pushf s push1      9d popf
9e sahf                9f lahf                a0 mov R b ia              a1 mov R v ia
a2 mov W b ia          a3 mov W v ia          a4 movs DI b               a5 movs DI v
a6,a7 cmps             a8 test - ib           a9 test - iz               aa stos DI b          ab stos DI v
ac,ad lods             ae,af scas             b0-b7 mov - ib             b8-bf mov - iv
c0/0 rol M b ib        c0/1 ror M b ib        c0/2 rcl M b ib            c0/3 rcr M b ib
c0/4,c0/6 shl M b ib   c0/5 shr M b ib        c0/7 sar M b ib
c1/0 rol M v ib        c1/1 ror M v ib        c1/2 rcl M v ib            c1/3 rcr M v ib
c1/4,c1/6 shl M v ib   c1/5 shr M v ib        c1/7 sar M v ib
d0/0 rol M b one       d0/1 ror M b one       d0/2 rcl M b one           d0/3 rcr M b one
d0/4,d0/6 shl M b one  d0/5 shr M b one       d0/7 sar M b one
d1/0 rol M v one       d1/1 ror M v one       d1/2 rcl M v one           d1/3 rcr M v one
d1/4,d1/6 shl M v one  d1/5 shr M v one       d1/7 sar M v one
d2/0 rol M b           d2/1 ror M b           d2/2 rcl M b               d2/3 rcr M b
d2/4,d2/6 shl M b      d2/5 shr M b           d2/7 sar M b
d3/0 rol M v           d3/1 ror M v           d3/2 rcl M v               d3/3 rcr M v
d3/4,d3/6 shl M v      d3/5 shr M v           d3/7 sar M v
c2 ret - iw            c3 ret                 c4/m les R ? no64          c5/m lds R ? no64
c6/0 mov W b ib        c7/0 mov W v iz        c8 enter s iw ib push1     c9 leave
ca retf - iw           cb retf                cc int v push3 real             cd int v ib push3 real
ce into v push3 real no64   cf iret                d4 aam - ib no64           d5 aad - ib no64      d7 xlat
d9/7m fnstcw W w       dd/7m fnstsw W w       db.e3 fninit
e0-e3 loop - ib        e4,e5 in - ib io       e6,e7 out - ib io          ec,ed in io           ee,ef out io
e8 call n ij push1     e9 jmp - ij            ea jmp - ip no64           eb jmp - ib           f1 icebp
f4 hlt                 f5,f8,f9,fa,fb,fc,fd flag
f6/0,f6/1 test R b ib  f6/2 not M b lock      f6/3 neg M b lock          f6/4-7 muldiv R b
f7/0,f7/1 test R v iz  f7/2 not M v lock      f7/3 neg M v lock          f7/4-7 muldiv R v
fe/0 inc M b lock      fe/1 dec M b lock      ff/0 inc M v lock          ff/1 dec M v lock
ff/2 call R n push1    ff/3m call R v push2   ff/4 jmp R n               ff/5m jmp R ?         ff/6 push R s push1

0f00/0 sldt W sreg     0f00/1 str W sreg      0f00/2 lldt R w            0f00/3 ltr R w        0f00/4-5 verr R w
0f01/0m sgdt W ? untracked                    0f01/1m sidt W ? untracked
0f01/2m lgdt R ?       0f01/3m lidt R ?       0f01/4 smsw W w            0f01/6 lmsw R w cr0   0f01/7m invlpg A invlpg
0f01.c1 vmcall         0f01.c8 monitor        0f01.c9 mwait              0f01.d0 xgetbv        0f01.d1 xsetbv
0f01.d8 vmrun          0f01.d9 vmmcall        0f01.da vmload             0f01.db vmsave        0f01.dc stgi
0f01.dd clgi           0f01.de skinit         0f01.df invlpga invlpg     0f01.f8 swapgs only64     0f01.f9 rdtscp
0f05 syscall           0f06 clts cr0          0f07 sysret                0f08 invd             0f09 wbinvd
0f0b ud2               0f0d prefetch A        0f18-0f1f nop A
np:0f10,66:0f10 movups R x                    f3:0f10 movss R d          f2:0f10 movsd R q
np:0f11,66:0f11 movups W x                    f3:0f11 movss W d          f2:0f11 movsd W q
np:0f12/m,66:0f12/m movlps R q                np:0f13/m,66:0f13/m movlps W q
np:0f16/m,66:0f16/m movhps R q                np:0f17/m,66:0f17/m movhps W q
np:0f28,66:0f28 movaps R x                    np:0f29,66:0f29 movaps W x      np:0f2b/m,66:0f2b/m movntps W x
0f20 mov-from-cr modrm     0f21 mov-from-dr modrm     0f22 mov-to-cr modrm cr    0f23 mov-to-dr modrm
0f30 wrmsr msr         0f31 rdtsc             0f32 rdmsr                 0f33 rdpmc            0f34 sysenter     0f35 sysexit
0f40-0f4f cmov R v     np:0f6e,66:0f6e movd R dq                         np:0f6f movq R q      66:0f6f,f3:0f6f movdqa R x
np:0f7e,66:0f7e movd W dq                     f3:0f7e movq R q           np:0f7f movq W q      66:0f7f,f3:0f7f movdqa W x
0f80-0f8f jcc - ij     0f90-0f9f setcc W b    0fa0,0fa8 push sreg push1  0fa1,0fa9 pop
0fa2 cpuid             0fa3 bt R v bits       0fab bts M v lock bits     0fb3 btr M v lock bits    0fbb btc M v lock bits
0fa4 shld M v ib       0fa5 shld M v          0fac shrd M v ib           0fad shrd M v         0faa rsm cr
np:0fae/0m fxsave W ? untracked                  np:0fae/1m fxrstor R ?        np:0fae/2m ldmxcsr R d   np:0fae/3m stmxcsr W d
np:0fae/4m xsave W ? untracked                   np:0fae/5m xrstor R ?         np:0fae/6m xsaveopt W ? untracked    66:0fae/6m clwb A    0fae/7m clflush A
0fae/5r,0fae/6r,0fae/7r fence                 0faf imul R v              0fb0 cmpxchg M b lock     0fb1 cmpxchg M v lock
0fb2/m lss R ?         0fb4/m lfs R ?         0fb5/m lgs R ?             0fb6 movzx R b        0fb7 movzx R w
f3:0fb8 popcnt R v     0fba/4 bt R v ib       0fba/5 bts M v ib lock     0fba/6 btr M v ib lock    0fba/7 btc M v ib lock
0fbc bsf R v           0fbd bsr R v           0fbe movsx R b             0fbf movsx R w
0fc0 xadd M b lock     0fc1 xadd M v lock     0fc3/m movnti W dq         0fc7/1m cmpxchg8b M cx lock       0fc7/6r,0fc7/7r rdrand
0fc8-0fcf bswap        66:0fd6 movq W q       np:0fe7/m movntq W q       66:0fe7/m movntdq W x
np:0f38f0/m,66:0f38f0/m movbe R v             np:0f38f1/m,66:0f38f1/m movbe W v
`;

export type Access = 'W' | 'M' | 'R' | 'A' | 'DI';
export type Size = 'b' | 'w' | 'd' | 'q' | 'x' | 'v' | 'z' | 's' | 'n' | 'dq' | 'cx' | 'sreg' | '?';
export type Immediate = 'ib' | 'iw' | 'iz' | 'iv' | 'ij' | 'ia' | 'ip' | 'one';
export type Flag = 'no64' | 'only64' | 'real' | 'modrm' | 'lock' | 'locked' | 'bits' | 'untracked' | 'io' | 'msr' | 'cr' | 'cr0' | 'invlpg';

/** One form of an instruction. */
export interface Row {
  readonly op: string;
  /** a ModRM byte follows the opcode */
  readonly modrm: boolean;
  /** the values of the ModRM byte's reg field that it is for, a bit each */
  readonly regs: number;
  /** only with a memory operand, only with a register; both otherwise */
  readonly form: 'm' | 'r' | undefined;
  /** the whole ModRM byte that it is for */
  readonly exact: number | undefined;
  /** mandatory prefix: 0 none, 0x66, 0xf2, 0xf3; undefined: prefixes choose nothing */
  readonly prefix: number | undefined;
  readonly access: Access | undefined;
  readonly size: Size | undefined;
  readonly immediates: readonly Immediate[];
  /** how many values it pushes */
  readonly pushes: number;
  readonly flags: ReadonlySet<Flag>;
}

const ACCESSES = new Set(['W', 'M', 'R', 'A', 'DI']);
const SIZES = new Set(['b', 'w', 'd', 'q', 'x', 'v', 'z', 's', 'n', 'dq', 'cx', 'sreg', '?']);
const IMMEDIATES = new Set(['ib', 'iw', 'iz', 'iv', 'ij', 'ia', 'ip', 'one']);
const ALL_REGS = 0xff;
const PREFIXES: Record<string, number> = { np: 0, '66': 0x66, f2: 0xf2, f3: 0xf3 };
const KEY = /^(?:(np|66|f2|f3):)?([0-9a-f]+)(?:-([0-9a-f]+))?(?:\/([0-7]?)(?:-([0-7]))?([mr]?))?(?:\.([0-9a-f]{2}))?$/;

const rows = new Map<number, Row[]>();

/** The forms of an opcode (0x0f.. and 0x0f38.. for the longer maps), in order of preference; empty for one that is not in the table. */
export function formsOf(opcode: number): readonly Row[] {
  if (rows.size === 0) for (const cell of MAP.split(/\n| {2,}/)) if (cell) readCell(cell);
  return rows.get(opcode) ?? [];
}

function readCell(cell: string): void {
  const [keys = '', op = '', ...tokens] = cell.trim().split(' ');
  const access = tokens.find((token) => ACCESSES.has(token)) as Access | undefined;
  const what = {
    op,
    access,
    size: tokens.find((token) => SIZES.has(token)) as Size | undefined,
    immediates: tokens.filter((token) => IMMEDIATES.has(token)) as Immediate[],
    pushes: Number(tokens.find((token) => token.startsWith('push'))?.slice(4) ?? 0),
    flags: new Set(tokens as Flag[]),
  };
  for (const key of keys.split(',')) {
    const [, prefix, first = '', last = first, reg, lastReg = reg, form, exact] = KEY.exec(key)!;
    const row: Row = {
      ...what,
      modrm:
        (access !== undefined && access !== 'DI' && !tokens.includes('ia')) || tokens.includes('modrm') || (reg ?? exact) !== undefined,
      regs: reg ? (2 << Number(lastReg)) - (1 << Number(reg)) : ALL_REGS,
      form: form === 'm' || form === 'r' ? form : undefined,
      exact: exact === undefined ? undefined : parseInt(exact, 16),
      prefix: prefix === undefined ? undefined : PREFIXES[prefix],
    };
    for (let opcode = parseInt(first, 16); opcode <= parseInt(last, 16); opcode++) {
      const forms = rows.get(opcode);
      if (forms) forms.push(row);
      else rows.set(opcode, [row]);
    }
  }
}
