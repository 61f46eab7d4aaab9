import type { EventIndex } from '../../engine/ids.js';
import { Kind } from '../../trace/vocabulary.js';
import type { EntryView } from '../view.js';
import { noNumber, type Column, type Columns } from './columns.js';
import type { Field, NumberField, TextField } from './fields.js';
import { stateOf, type EventScope } from './scope.js';
import { SPTE_FIELDS, spteBit, spteFormatOfTrace, spteFrameOf, type SpteField } from './spteBits.js';

/** Where an event carries an SPTE as an argument called `spte`: slot by kind. */
const SPTE_SLOT: ReadonlyMap<Kind, number> = new Map<Kind, number>([
  [Kind.setSpte, 1],
  [Kind.checkMmio, 2],
  [Kind.splitHugePage, 1],
]);

const BIT_HELP: Readonly<Record<SpteField, string>> = {
  p: 'present for the hardware',
  r: 'readable',
  w: 'writable now',
  x: 'executable',
  u: 'user',
  a: 'accessed',
  d: 'dirty',
  ps: 'page size: a large leaf',
  nx: 'no-execute bit',
  hw: 'host-writable',
  mw: 'MMU-writable',
  mp: 'MMU-present',
  mmio: 'an MMIO entry',
};

/**
 * `spte` alone is the argument of the event, as in the kernel's filters. `spte.*` is the SPTE that the event is about, in the state
 * after the event; that is the same where the event gives one.
 */
export function spteFields(): Field[] {
  const argument: NumberField = { type: 'number', name: 'spte', help: '', base: 16, num: (s) => Number(word(s) ?? NaN), word, column };
  return [
    {
      type: 'spte',
      name: 'spte',
      help: 'the SPTE the event is about; compared, the value the event gives',
      has: (s) => word(s) !== undefined || s.replay.spteOf(s.event) !== undefined,
      number: argument,
    },
    {
      type: 'number',
      name: 'spte.index',
      help: 'its index in the page, 0 to 511',
      base: 10,
      num: (s) => s.replay.spteOf(s.event)?.index ?? NaN,
    },
    value('value', 'its 64 bits', (v) => v),
    value('pfn', 'page frame that it maps', (v) => spteFrameOf(v)),
    state('gfn', 'guest frame that it maps', 16, (e) => e.gfn),
    state('child', 'number of the page that it leads to', 10, (e) => e.child),
    state('set_by', 'event that gave it its value', 10, (e) => e.setBy),
    text('kind', 'letter of the views: T W w P p R H M F !', (e, s) => {
      const at = s.replay.spteOf(s.event)!;
      return stateOf(s).spteKind(at.page, e);
    }),
    text('grade', 'how it is known', (e) => e.grade, ['recorded', 'derived', 'assumed', 'unknown', 'contradicted']),
    ...SPTE_FIELDS.map((bit) => state(bit, BIT_HELP[bit], 10, (e, s) => bitOf(e, bit, s))),
  ];
}

/** The value that the event gives. */
function word(s: EventScope): bigint | undefined {
  const table = s.replay.table;
  const slot = SPTE_SLOT.get(table.kind(s.event));
  return slot !== undefined && table.has(s.event, slot) ? table.word(s.event, slot) : undefined;
}

function column({ table }: Columns, sample: number): Column {
  const slot = SPTE_SLOT.get(table.kind(sample));
  if (slot === undefined || !table.has(sample, slot)) return noNumber(false);
  return {
    type: 'number',
    num: (e) => table.num(e, slot),
    word: (e) => table.word(e, slot),
    low: (e) => table.low(e, slot),
    high: (e) => table.high(e, slot),
  };
}

/** The events that are about an SPTE. */
function possible({ replay }: Columns): (event: number) => boolean {
  return (e) => replay.spteOf(e as EventIndex) !== undefined;
}

function entry(s: EventScope): EntryView | undefined {
  const at = s.replay.spteOf(s.event);
  return at && stateOf(s).entry(at.page, at.index);
}

/** A bit of the SPTE; of a link whose frame is not known the low bits are known nevertheless. */
function bitOf(e: EntryView, bit: SpteField, s: EventScope): number | undefined {
  const known = e.value ?? e.flags;
  return known === undefined ? undefined : spteBit(known, bit, spteFormatOfTrace(s.replay.table.info));
}

function state(name: string, help: string, base: 10 | 16, read: (e: EntryView, s: EventScope) => number | undefined): NumberField {
  return {
    type: 'number',
    name: `spte.${name}`,
    help,
    base,
    state: true,
    possible,
    num: (s) => {
      const e = entry(s);
      return (e && read(e, s)) ?? NaN;
    },
  };
}

function value(name: string, help: string, read: (value: bigint) => bigint): NumberField {
  const get = (s: EventScope): bigint | undefined => {
    const v = entry(s)?.value;
    return v === undefined || v === null ? undefined : read(v);
  };
  return { type: 'number', name: `spte.${name}`, help, base: 16, state: true, possible, num: (s) => Number(get(s) ?? NaN), word: get };
}

function text(
  name: string,
  help: string,
  read: (e: EntryView, s: EventScope) => string | undefined,
  values?: readonly string[],
): TextField {
  return {
    type: 'text',
    name: `spte.${name}`,
    help,
    state: true,
    possible,
    ...(values && { values }),
    text: (s) => {
      const e = entry(s);
      return e && read(e, s);
    },
  };
}
