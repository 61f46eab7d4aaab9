import { clauses } from './clauses.js';
import { SyntaxFailure, type Reader } from './reader.js';
import { expectation } from './expectations.js';
import { features, gfnRange, kernel, limit, rootAddress, slot, slotName, vcpu } from './setup.js';
import type { Action, Bytes, Located, Value } from './statement.js';
import { asBytes, gfn, location, pfn, va, value } from './values.js';

const MOST_RECLAIMED = 1 << 20;

/** What begins each statement, and how it goes on. */
export const ACTIONS = {
  kernel,
  without: (reader: Reader) => features(reader, 'without'),
  with: (reader: Reader) => features(reader, 'with'),
  limit,
  slot,
  delete: (reader: Reader): Action => {
    reader.need(reader.word('slot'));
    return { kind: 'delete-slot', name: slotName(reader) };
  },
  vcpu,
  set,
  emulate,
  write,
  read: (reader: Reader) => access(reader, 'read'),
  fetch: (reader: Reader) => access(reader, 'fetch'),
  cr3: (reader: Reader): Action => ({ kind: 'cr3', address: rootAddress(reader) }),
  invlpg: (reader: Reader): Action => ({ kind: 'invlpg', address: va(reader) }),
  host,
  zap: (reader: Reader): Action => {
    reader.need(reader.word('all'));
    return { kind: 'zap-all' };
  },
  reclaim: (reader: Reader): Action => {
    const pages = reader.need(reader.count('a number of pages', MOST_RECLAIMED));
    reader.word('pages');
    return { kind: 'reclaim', pages };
  },
  unprotect: (reader: Reader): Action => {
    reader.need(reader.word('gfn'));
    return { kind: 'unprotect', gfn: reader.need(gfn(reader)) };
  },
  teardown: (): Action => ({ kind: 'teardown' }),
  expect: (reader: Reader): Action => ({ kind: 'expect', expectation: expectation(reader) }),
} as const satisfies Record<string, (reader: Reader) => Action>;

export type ActionWord = keyof typeof ACTIONS;
export const ACTION_WORDS = Object.keys(ACTIONS) as ActionWord[];

function set(reader: Reader): Action {
  const place = location(reader, true);
  reader.need(reader.sign('='));
  const word = value(reader);
  const isRange = place.index !== undefined && place.index.last !== place.index.first;
  const step = isRange && reader.word('step') ? reader.need(reader.number('the step from entry to entry', 1n << 40n)) : undefined;
  const bytes = asBytes(reader);
  fits(word, bytes);
  return { kind: 'set', location: place, value: word, ...(step && { step }), ...(bytes && { bytes }) };
}

function emulate(reader: Reader): Action {
  const place = location(reader, false);
  reader.need(reader.sign('='));
  const word = value(reader);
  const bytes = asBytes(reader);
  fits(word, bytes);
  return { kind: 'emulate', location: place, value: word, ...(bytes && { bytes }) };
}

function write(reader: Reader): Action {
  const address = va(reader);
  const word = reader.sign('=') ? value(reader) : undefined;
  let bytes: Located<Bytes> | undefined = asBytes(reader);
  let user = false;
  let unusual = false;
  clauses(reader, {
    user: { read: () => (user = true) },
    unusual: { read: () => (unusual = true) },
  });
  bytes ??= asBytes(reader);
  if (word) fits(word, bytes);
  return { kind: 'write', address, ...(word && { value: word }), ...(bytes && { bytes }), user, unusual };
}

function access(reader: Reader, kind: 'read' | 'fetch'): Action {
  const address = va(reader);
  return { kind, address, user: reader.word('user') !== undefined };
}

function host(reader: Reader): Action {
  const what = reader.need(reader.choice(['map', 'take', 'share', 'log', 'unlog'] as const)).value;
  reader.need(reader.word('gfn'));
  const frames = gfnRange(reader);
  if (what !== 'map') return { kind: `host-${what}`, ...frames };
  reader.need(reader.word('pfn'));
  return { kind: 'host-map', ...frames, pfn: pfn(reader) };
}

/** A value must fit into the bytes that are written. */
export function fits(word: Value, bytes: { readonly value: Bytes } | undefined): void {
  if (!bytes) return;
  if (word.nx && bytes.value < 8) throw new SyntaxFailure(word.nx, `expected flags of ${bytes.value} bytes, found 'NX', which is bit 63`);
  if (word.value >> BigInt(8 * bytes.value)) {
    throw new SyntaxFailure(word, `expected a value of ${bytes.value} bytes, found '0x${word.value.toString(16)}'`);
  }
}

/** The statement that a line begins, without its condition. */
export function action(reader: Reader): Action {
  return ACTIONS[reader.need(reader.choice(ACTION_WORDS, 'a statement')).value](reader);
}
