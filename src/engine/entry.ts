/**
 * What a journal record of an SPTE's cell says besides its 64 bits. The tag byte: what kind of entry (bits 0-2), how it is known
 * (bits 3-4), what may have happened to it unseen (bits 5-6).
 */
export const EntryState = {
  empty: 0,
  /** maps guest memory; the word is the SPTE */
  leaf: 1,
  /** leads to a shadow page; the number is its PageId, since no event shows the SPTE */
  link: 2,
  /** MMIO; the word is the SPTE */
  mmio: 3,
  /** present, or perhaps present, with contents that the trace does not give */
  unknown: 4,
} as const;
export type EntryState = (typeof EntryState)[keyof typeof EntryState];

export const Trust = {
  /** an event says so */
  recorded: 0,
  /** the algorithm forces it */
  derived: 1,
  /** the likeliest of several */
  assumed: 2,
} as const;
export type Trust = (typeof Trust)[keyof typeof Trust];

export const Unseen = {
  nothing: 0,
  /** it may have been cleared */
  gone: 1,
  /** W (with MMU-writable) may have changed */
  write: 2,
  /** it may have been cleared, or set again with other bits */
  any: 3,
} as const;
export type Unseen = (typeof Unseen)[keyof typeof Unseen];

export function entryTag(state: EntryState, trust: Trust, unseen: Unseen = Unseen.nothing): number {
  return state | (trust << 3) | (unseen << 5);
}
export function entryState(tag: number): EntryState {
  return (tag & 7) as EntryState;
}
export function entryTrust(tag: number): Trust {
  return ((tag >> 3) & 3) as Trust;
}
export function entryUnseen(tag: number): Unseen {
  return ((tag >> 5) & 3) as Unseen;
}
export function withUnseen(tag: number, unseen: Unseen): number {
  return (tag & 0x1f) | (unseen << 5);
}

/** Two doubts about one entry are as strong as `any`. */
export function joinUnseen(a: Unseen, b: Unseen): Unseen {
  return (a | b) as Unseen;
}
