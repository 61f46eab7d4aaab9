/** Code segment of the guest, as kvm_emulate_insn names it. */
export type Code = 'prot32' | 'prot64';

const OPERAND_16 = 0x66;
const REX_W = 0x48;
/** ModRM of `[edi]` or `[rdi]`, with the register or the extension of the opcode in bits 3 to 5 */
const memory = (register = 0): number => (register << 3) | 7;

/**
 * The instruction that stores a value at [edi] or [rdi], as a compiler would write it. A value that no immediate can hold comes from a
 * register; without a value memory keeps what it holds.
 */
export function storing(code: Code, bytes: 1 | 2 | 4 | 8, word: bigint | undefined): readonly number[] {
  const wide = bytes === 8;
  // cmpxchg8b [edi]
  if (wide && code === 'prot32') return [0x0f, 0xc7, memory(1)];
  const prefix = bytes === 2 ? [OPERAND_16] : wide ? [REX_W] : [];
  // or [edi], 0
  if (word === undefined) return [...prefix, bytes === 1 ? 0x80 : 0x83, memory(1), 0];
  // mov [rdi], rax
  if (wide && BigInt.asIntN(32, word) !== BigInt.asIntN(64, word)) return [...prefix, 0x89, memory()];
  // mov [edi], imm
  return [...prefix, bytes === 1 ? 0xc6 : 0xc7, memory(), ...littleEndian(word, Math.min(bytes, 4))];
}

/** A store that nobody writes page tables with: KVM emulates it only where nothing else helps. */
export function storingOddly(code: Code, bytes: 1 | 2 | 4 | 8): readonly number[] {
  switch (bytes) {
    case 1:
      return [0x0f, 0x94, memory()]; // sete [edi]
    case 2:
      return [OPERAND_16, 0x01, memory()]; // add [edi], ax
    case 4:
      return [0x0f, 0xc3, memory()]; // movnti [edi], eax
    case 8:
      return code === 'prot64' ? [REX_W, 0x0f, 0xc3, memory()] : [0x0f, 0x7f, memory()]; // movnti [rdi], rax; movq [edi], mm0
  }
}

/** mov eax, [edi] */
export function loading(): readonly number[] {
  return [0x8b, memory()];
}

function littleEndian(word: bigint, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, i) => Number((word >> BigInt(8 * i)) & 0xffn));
}
