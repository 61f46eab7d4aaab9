import { formsOf, type Immediate, type Row, type Size } from './instructionTable.js';
import { combineOf, storedImmediate } from './storedValue.js';

/** How KVM runs the code, as `kvm_emulate_insn` prints it. */
export type CodeMode = 'real' | 'vm16' | 'prot16' | 'prot32' | 'prot64';

/** Registers are numbered as x86 encodes them: 0 rAX, 1 rCX, 2 rDX, 3 rBX, 4 rSP, 5 rBP, 6 rSI, 7 rDI, 8…15. */
const RSP = 4;
const RBP = 5;
const RDI = 7;

export interface MemoryOperand {
  readonly base: number | undefined;
  readonly index: number | undefined;
  readonly scale: 1 | 2 | 4 | 8;
  /** signed; for a push less by what is pushed, for `pop m` relative to the stack pointer behind it */
  readonly displacement: bigint;
  /** relative to the instruction that follows: `rip + length` */
  readonly ripRelative: boolean;
  readonly segment: 'es' | 'cs' | 'ss' | 'ds' | 'fs' | 'gs';
  /** width of addresses, bytes: sums wrap there */
  readonly addressBytes: 2 | 4 | 8;
  /** a bit string: the register with the bit's number moves the address, in steps of the operand size */
  readonly bitString: boolean;
}

/** `other`: nothing that the MMU could notice; the rest by what it does first of all. */
export type InstructionKind = 'store' | 'read' | 'cr-write' | 'invlpg' | 'msr-write' | 'io' | 'other';
export type StoreBytes = 1 | 2 | 4 | 8 | 16;

/** What an instruction does to memory, by its bytes alone. */
export interface Store {
  readonly kind: InstructionKind;
  /** mnemonic without a size */
  readonly op: string;
  /** of the instruction */
  readonly length: number;
  /** it stores to `operand` */
  readonly writesMemory: boolean;
  /** the stores go through the write tracker [6.1 x86.c:emulator_write_phys]; `fxsave`, `sgdt` and `sidt` go past it */
  readonly tracked: boolean;
  /** what one store (or a read) moves; undefined when the bytes do not say; 0 without a memory operand */
  readonly bytes: StoreBytes | 0 | undefined;
  /** stores one after another, downwards from `operand`: 8 for pusha, 2 for a far call, 3 for an interrupt in real mode; else 1 or 0 */
  readonly stores: number;
  /** where it stores to or, when it only reads, reads from */
  readonly operand: MemoryOperand | undefined;
  /** the offset of the operand in a flat segment, when no register is part of it */
  readonly effectiveAddress: bigint | undefined;
  /** what is stored, when the instruction holds it; within `bytes` */
  readonly value: bigint | undefined;
  /** what becomes of the old contents, when the instruction alone decides */
  readonly combine: ((old: bigint) => bigint) | undefined;
  /** it has a rep prefix: none, one or many stores, each of `bytes` */
  readonly repeated: boolean;
  /** from one element to the next, bytes; up or down as EFLAGS.DF says; 0 for all that are no string instructions */
  readonly stride: number;
  /** the store is a compare-exchange: when another vCPU was faster nothing is stored, and the guest runs the instruction again */
  readonly locked: boolean;
  /** it may store nothing though it succeeds: a rep prefix with rCX = 0 */
  readonly mayNotWrite: boolean;
  /** cr-write: the number of the register; undefined for rsm, which loads all of them */
  readonly cr: number | undefined;
  /** cr-write: the bits that it can change */
  readonly crBits: bigint;
  /** cr-write: the general register that has the new value; undefined for clts, lmsw from memory, rsm */
  readonly register: number | undefined;
}

/**
 * Decodes an instruction that KVM emulates. Undefined: not understood, too short, or not valid; size and value of its store are then
 * unknown. One that KVM gives up on comes again with `failed` and has stored nothing (or, of several pushes, the first ones).
 *
 * How KVM stores [6.1 emulate.c:x86_emulate_insn, writeback; x86.c:emulator_read_write]:
 * * A store is one call of the write tracker with its size; one that crosses a page is two, each with its part. With guest paging each
 *   is preceded by a walk for its address, `kvm_mmu_pagetable_walk` with W and without P behind the `kvm_emulate_insn`; an instruction
 *   that reads its operand first makes a walk without W before that. Only addresses in the MMIO cache are not walked. In the recordings
 *   all of 1575 mov to page tables have that walk, all of 22 `lock or` both, and MMIO stores `vcpu_match_mmio` or `kvm_mmio` instead.
 * * cmpxchg and cmpxchg8b store in both cases: where the comparison fails, the old value is written once more, and the tracker zaps as
 *   for any store. A locked store (xchg always is) that loses a race leaves no tracker call; the next `kvm_entry` then has the rip of
 *   the instruction itself. cmpxchg16b was not emulated up to 6.1.
 * * A string instruction with rep stores element by element, each with its own walk and its own tracker call, all in one
 *   `kvm_emulate_insn`: KVM goes round until the low ten bits of rCX are 0 (or a fault or MMIO ends it), then enters the guest at the
 *   same rip for the rest. Page boundaries do not count. So 256 elements are one event and one entry; 2048 are two events at least.
 *   Even if the first store zaps the shadow of the table, the rest of the round is still emulated. rep ins with DF = 0 differs: what
 *   one I/O exit has read, up to 1024 bytes and the end of the page, is a single store.
 *   No recording has an emulated rep stos or rep movs: the guest's own ones of 16 and 256 elements hit level-1 tables, which go unsync
 *   and are written natively. rep insb is there; a string of 4 bytes is two events, one that asks and one that stores.
 *
 * @param mode as the event prints it
 */
export function decodeStore(bytes: Uint8Array, mode: string): Store | undefined {
  if (!isCodeMode(mode)) return undefined;
  try {
    return new Decoder(bytes, mode).decode();
  } catch (problem) {
    if (problem instanceof RangeError) return undefined;
    throw problem;
  }
}

function isCodeMode(mode: string): mode is CodeMode {
  return mode === 'real' || mode === 'vm16' || mode === 'prot16' || mode === 'prot32' || mode === 'prot64';
}

const SEGMENTS = new Map<number, MemoryOperand['segment']>([
  [0x26, 'es'],
  [0x2e, 'cs'],
  [0x36, 'ss'],
  [0x3e, 'ds'],
  [0x64, 'fs'],
  [0x65, 'gs'],
]);
const STRINGS = new Set(['ins', 'outs', 'movs', 'cmps', 'stos', 'lods', 'scas']);
/** Bases and indices of 16-bit addresses by r/m: bx+si, bx+di, bp+si, bp+di, si, di, bp, bx. */
const PAIRS: readonly (readonly [number, number | undefined])[] = [
  [3, 6],
  [3, 7],
  [5, 6],
  [5, 7],
  [6, undefined],
  [7, undefined],
  [5, undefined],
  [3, undefined],
];

class Decoder {
  private at = 0;
  private segment: MemoryOperand['segment'] | undefined;
  private lock = false;
  private operandPrefix = false;
  private addressPrefix = false;
  /** 0xf2 or 0xf3 */
  private rep = 0;
  private rex = 0;
  private modrm = 0;

  constructor(
    private readonly code: Uint8Array,
    private readonly mode: CodeMode,
  ) {}

  /** @throws RangeError when the bytes end too early */
  decode(): Store | undefined {
    const opcode = this.opcode();
    const row = this.formOf(opcode);
    if (!row) return undefined;
    if (this.lock && !(row.access === 'M' && (row.flags.has('lock') || row.flags.has('locked')) && this.isMemory)) return undefined;
    if (row.modrm) this.at++;
    let operand = row.modrm && row.access && this.isMemory ? this.memory(row) : undefined;
    if (row.immediates.includes('ia')) operand = this.absolute();
    const bytes = this.sizeOf(row);
    const immediate = this.immediates(row);
    const length = this.at;

    const pushes = row.flags.has('real') && this.mode !== 'real' ? 0 : row.pushes;
    const toString = row.access === 'DI';
    const writes = pushes > 0 || toString || (operand !== undefined && (row.access === 'W' || row.access === 'M'));
    if (pushes > 0) operand = this.stack(bytes ?? 0);
    else if (toString) operand = this.plainOperand(RDI, 0n, 'es', this.addressBytes);
    const stored = row.op === 'movs' || row.op === 'stos' || row.op === 'ins' ? bytes : 0;
    const repeated = this.rep !== 0 && STRINGS.has(row.op);
    const cr = this.crWrite(row);
    return {
      kind: kindOf(row, writes, operand !== undefined),
      op: row.op,
      length,
      writesMemory: writes,
      tracked: writes && !row.flags.has('untracked'),
      bytes: operand === undefined || row.access === 'A' ? 0 : row.op === 'ins' && repeated ? undefined : (bytes as StoreBytes | undefined),
      stores: pushes > 0 ? pushes : writes ? 1 : 0,
      operand,
      effectiveAddress: operand && this.effectiveAddress(operand),
      value: writes ? storedImmediate(row.op, immediate, bytes) : undefined,
      combine: writes && row.access === 'M' && bytes !== undefined ? combineOf(row.op, immediate, bytes) : undefined,
      repeated,
      stride: stored ?? 0,
      locked: writes && (this.lock || row.flags.has('locked')),
      mayNotWrite: writes && repeated,
      ...cr,
    };
  }

  private byte(): number {
    const value = this.code[this.at];
    if (value === undefined) throw new RangeError('the instruction ends here');
    this.at++;
    return value;
  }

  /** A little-endian number, sign-extended. */
  private signed(size: number): bigint {
    let value = 0n;
    for (let i = 0; i < size; i++) value |= BigInt(this.byte()) << BigInt(8 * i);
    return BigInt.asIntN(8 * size, value);
  }

  /** Prefixes and opcode. A prefix behind REX takes its effect away, as in the processor. */
  private opcode(): number {
    for (;;) {
      const byte = this.byte();
      const segment = SEGMENTS.get(byte);
      if (segment) this.segment = segment;
      else if (byte === 0x66) this.operandPrefix = true;
      else if (byte === 0x67) this.addressPrefix = true;
      else if (byte === 0xf0) this.lock = true;
      else if (byte === 0xf2 || byte === 0xf3) this.rep = byte;
      else if (this.mode === 'prot64' && (byte & 0xf0) === 0x40) {
        this.rex = byte;
        continue;
      } else if (byte !== 0x0f) return byte;
      else {
        const second = this.byte();
        return second === 0x38 ? 0x0f3800 | this.byte() : 0x0f00 | second;
      }
      this.rex = 0;
    }
  }

  private formOf(opcode: number): Row | undefined {
    const forms = formsOf(opcode);
    const needsModrm = forms.some((row) => row.modrm);
    if (needsModrm) {
      this.modrm = this.byte();
      this.at--;
    }
    const chosen = this.rep !== 0 ? this.rep : this.operandPrefix ? 0x66 : 0;
    return forms.find(
      (row) =>
        (row.prefix === undefined || (row.prefix === chosen && !(this.rep !== 0 && this.operandPrefix))) &&
        (row.exact === undefined || row.exact === this.modrm) &&
        (!row.modrm || (row.regs & (1 << ((this.modrm >> 3) & 7))) !== 0) &&
        (row.form === undefined || (row.form === 'm') === this.isMemory) &&
        !row.flags.has(this.mode === 'prot64' ? 'no64' : 'only64'),
    );
  }

  private get isMemory(): boolean {
    return this.modrm >> 6 !== 3;
  }

  private get operandBytes(): 2 | 4 | 8 {
    if (this.rex & 8) return 8;
    const wide = this.mode === 'prot32' || this.mode === 'prot64';
    return wide !== this.operandPrefix ? 4 : 2;
  }

  private get addressBytes(): 2 | 4 | 8 {
    if (this.mode === 'prot64') return this.addressPrefix ? 4 : 8;
    return (this.mode === 'prot32') !== this.addressPrefix ? 4 : 2;
  }

  /** The size of a row's memory operand; undefined when it is none of the usual ones. */
  private sizeOf(row: Row): number | undefined {
    const v = this.operandBytes;
    const s = this.mode === 'prot64' && v === 4 ? 8 : v;
    const sizes: Record<Size, number | undefined> = {
      b: 1,
      w: 2,
      d: 4,
      q: 8,
      x: 16,
      v,
      z: Math.min(v, 4),
      s,
      n: this.mode === 'prot64' ? 8 : v,
      dq: this.rex & 8 ? 8 : 4,
      cx: this.rex & 8 ? 16 : 8,
      // KVM stores two bytes of a selector where the operand size is 4, and extends it to 8 [6.1 emulate.c:em_store_sreg, em_push_sreg].
      sreg: (row.pushes ? s : v) === 8 ? 8 : 2,
      '?': undefined,
    };
    return row.size && sizes[row.size];
  }

  /** Steps over the immediates; the last of them, sign-extended. */
  private immediates(row: Row): bigint | undefined {
    let value: bigint | undefined;
    for (const kind of row.immediates) {
      if (kind === 'ia') continue;
      if (kind === 'one') value = 1n;
      else value = this.signed(this.immediateBytes(kind));
    }
    return value;
  }

  private immediateBytes(kind: Exclude<Immediate, 'ia' | 'one'>): number {
    const v = this.operandBytes;
    switch (kind) {
      case 'ib':
        return 1;
      case 'iw':
        return 2;
      case 'iz':
        return Math.min(v, 4);
      case 'iv':
        return v;
      case 'ij':
        return this.mode === 'prot64' ? 4 : v;
      case 'ip':
        return v + 2;
    }
  }

  /** The address of a mov between memory and the accumulator. */
  private absolute(): MemoryOperand {
    const size = this.addressBytes;
    return this.plainOperand(undefined, BigInt.asUintN(8 * size, this.signed(size)), this.segment ?? 'ds', size);
  }

  private stack(bytes: number): MemoryOperand {
    const size = this.mode === 'prot64' ? 8 : this.mode === 'prot32' ? 4 : 2;
    return this.plainOperand(RSP, BigInt(-bytes), 'ss', size);
  }

  private plainOperand(
    base: number | undefined,
    displacement: bigint,
    segment: MemoryOperand['segment'],
    addressBytes: 2 | 4 | 8,
  ): MemoryOperand {
    return { base, index: undefined, scale: 1, displacement, ripRelative: false, segment, addressBytes, bitString: false };
  }

  /** The operand behind a ModRM byte, which has been stepped over. */
  private memory(row: Row): MemoryOperand {
    const addressBytes = this.addressBytes;
    const operand = addressBytes === 2 ? this.memory16() : this.memory32();
    // Not r12 and r13, which share their low bits.
    const onStack = operand.base === RSP || operand.base === RBP;
    return {
      ...operand,
      segment: this.segment ?? (onStack ? 'ss' : 'ds'),
      addressBytes,
      bitString: row.flags.has('bits'),
    };
  }

  private memory16(): Pick<MemoryOperand, 'base' | 'index' | 'scale' | 'displacement' | 'ripRelative'> {
    const mod = this.modrm >> 6;
    const rm = this.modrm & 7;
    const [base, index] = PAIRS[rm]!;
    if (mod === 0 && rm === 6) return { base: undefined, index: undefined, scale: 1, displacement: this.signed(2), ripRelative: false };
    return { base, index, scale: 1, displacement: mod === 0 ? 0n : this.signed(mod), ripRelative: false };
  }

  private memory32(): Pick<MemoryOperand, 'base' | 'index' | 'scale' | 'displacement' | 'ripRelative'> {
    const mod = this.modrm >> 6;
    let base: number | undefined = this.modrm & 7;
    let index: number | undefined;
    let scale = 1;
    const hasSib = base === 4;
    if (hasSib) {
      const sib = this.byte();
      scale = 1 << (sib >> 6);
      index = ((sib >> 3) & 7) | (this.rex & 2 ? 8 : 0);
      if (index === 4) index = undefined;
      base = sib & 7;
    }
    // mod 0 with the number of rBP has no base but a displacement, and without SIB in 64-bit code that one is relative.
    const noBase = mod === 0 && base === 5;
    const displacement = noBase || mod === 2 ? this.signed(4) : mod === 1 ? this.signed(1) : 0n;
    base = noBase ? undefined : base | (this.rex & 1 ? 8 : 0);
    const ripRelative = noBase && !hasSib && this.mode === 'prot64';
    return { base, index, scale: (index === undefined ? 1 : scale) as MemoryOperand['scale'], displacement, ripRelative };
  }

  /** Segments other than fs and gs begin at 0 in the protected modes of the guests that matter; in 16-bit code they do not. */
  private effectiveAddress(operand: MemoryOperand): bigint | undefined {
    if (this.mode !== 'prot32' && this.mode !== 'prot64') return undefined;
    if (operand.base !== undefined || operand.index !== undefined || operand.ripRelative || operand.bitString) return undefined;
    if (operand.segment === 'fs' || operand.segment === 'gs') return undefined;
    return BigInt.asUintN(8 * operand.addressBytes, operand.displacement);
  }

  private crWrite(row: Row): Pick<Store, 'cr' | 'crBits' | 'register'> {
    const register = (this.modrm & 7) | (this.rex & 1 ? 8 : 0);
    if (row.op === 'mov-to-cr') {
      const cr = ((this.modrm >> 3) & 7) | (this.rex & 4 ? 8 : 0);
      return { cr, crBits: this.mode === 'prot64' ? 0xffff_ffff_ffff_ffffn : 0xffff_ffffn, register };
    }
    if (row.op === 'clts') return { cr: 0, crBits: 8n, register: undefined };
    // lmsw takes PE, MP, EM and TS [x86 manuals].
    if (row.op === 'lmsw') return { cr: 0, crBits: 0xfn, register: this.isMemory ? undefined : register };
    return { cr: undefined, crBits: row.op === 'rsm' ? 0xffff_ffff_ffff_ffffn : 0n, register: undefined };
  }
}

function kindOf(row: Row, writes: boolean, hasOperand: boolean): InstructionKind {
  if (row.flags.has('cr') || row.flags.has('cr0')) return 'cr-write';
  if (row.flags.has('invlpg')) return 'invlpg';
  if (row.flags.has('msr')) return 'msr-write';
  if (row.flags.has('io')) return 'io';
  if (writes) return 'store';
  return hasOperand && row.access === 'R' ? 'read' : 'other';
}
