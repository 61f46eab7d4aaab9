/** What is stored where the instruction holds it: the immediate of a mov or a push, within `bytes`. */
export function storedImmediate(op: string, immediate: bigint | undefined, bytes: number | undefined): bigint | undefined {
  if (immediate === undefined || bytes === undefined || (op !== 'mov' && op !== 'push')) return undefined;
  return BigInt.asUintN(8 * bytes, immediate);
}

/**
 * How the old contents of a memory operand become the new ones; undefined when a register or a flag takes part.
 *
 * @param immediate sign-extended
 * @param bytes of the operand
 */
export function combineOf(op: string, immediate: bigint | undefined, bytes: number): ((old: bigint) => bigint) | undefined {
  const width = 8 * bytes;
  const within = (change: (old: bigint) => bigint) => (old: bigint) => BigInt.asUintN(width, change(BigInt.asUintN(width, old)));
  switch (op) {
    case 'not':
      return within((old) => ~old);
    case 'neg':
      return within((old) => -old);
    case 'inc':
      return within((old) => old + 1n);
    case 'dec':
      return within((old) => old - 1n);
    default: {
      const change = immediate === undefined ? undefined : withImmediate(op, immediate, width);
      return change && within(change);
    }
  }
}

function withImmediate(op: string, immediate: bigint, width: number): ((old: bigint) => bigint) | undefined {
  const bit = 1n << (BigInt.asUintN(8, immediate) % BigInt(width));
  const count = BigInt.asUintN(width === 64 ? 6 : 5, immediate);
  const turn = count % BigInt(width);
  const rest = BigInt(width) - turn;
  switch (op) {
    case 'add':
      return (old) => old + immediate;
    case 'sub':
      return (old) => old - immediate;
    case 'or':
      return (old) => old | immediate;
    case 'and':
      return (old) => old & immediate;
    case 'xor':
      return (old) => old ^ immediate;
    case 'bts':
      return (old) => old | bit;
    case 'btr':
      return (old) => old & ~bit;
    case 'btc':
      return (old) => old ^ bit;
    case 'shl':
      return (old) => old << count;
    case 'shr':
      return (old) => old >> count;
    case 'sar':
      return (old) => BigInt.asIntN(width, old) >> count;
    case 'rol':
      return (old) => (old << turn) | (old >> rest);
    case 'ror':
      return (old) => (old >> turn) | (old << rest);
    default:
      return undefined;
  }
}
