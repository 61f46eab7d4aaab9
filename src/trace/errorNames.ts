import type { Finish } from './template.js';

const FLAG_NAMES: Readonly<Record<string, number>> = {
  P: 1,
  W: 2,
  U: 4,
  RSVD: 8,
  F: 16,
  PK: 32,
  SS: 64,
  SGX: 0x8000,
};

/** `P|W|0x100` → the error code. Names are those of `kvm_mmu_trace_pferr_flags`. */
export const errorCodeFromNames: Finish = (units, base, at, strings) => {
  let code = 0;
  for (const name of strings(units[base + at('names')]!).split('|')) {
    if (name.startsWith('0x')) code |= Number.parseInt(name, 16);
    else code |= FLAG_NAMES[name] ?? 0;
  }
  units[base + at('error_code')] = code;
  return true;
};
