/** Exception vectors of x86 as KVM prints them (`kvm_trace_sym_exc`). */
const NAMES: Readonly<Record<number, string>> = {
  0: 'DE',
  1: 'DB',
  3: 'BP',
  4: 'OF',
  5: 'BR',
  6: 'UD',
  7: 'NM',
  8: 'DF',
  10: 'TS',
  11: 'NP',
  12: 'SS',
  13: 'GP',
  14: 'PF',
  16: 'MF',
  17: 'AC',
  18: 'MC',
  19: 'XM',
  20: 'VE',
  21: 'CP',
  28: 'HV',
  29: 'VC',
  30: 'SX',
};
const VECTORS: ReadonlyMap<string, number> = new Map(Object.entries(NAMES).map(([vector, name]) => [name, Number(vector)]));
const WITH_ERROR_CODE: ReadonlySet<number> = new Set([8, 10, 11, 12, 13, 14, 17, 21, 29, 30]);

export function exceptionHasError(vector: number): boolean {
  return WITH_ERROR_CODE.has(vector);
}

/** `#PF`; a vector without a name in hexadecimal, as `__print_symbolic` does. */
export function exceptionText(vector: number): string {
  const name = NAMES[vector];
  return name === undefined ? `0x${vector.toString(16)}` : `#${name}`;
}

/** The vector of what {@link exceptionText} writes; -1 when it is none. */
export function exceptionVector(text: string): number {
  if (text.startsWith('#')) return VECTORS.get(text.slice(1)) ?? -1;
  if (!/^0x[0-9a-f]{1,2}$/.test(text)) return -1;
  const vector = Number.parseInt(text, 16);
  return exceptionText(vector) === text ? vector : -1;
}
