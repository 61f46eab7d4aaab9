import { INVARIANTS } from '../../engine/invariants/check.js';
import { clauses, type Clauses } from './clauses.js';
import { EVENT_FIELDS, EVENT_NAMES } from './events.js';
import { SyntaxFailure, type Reader } from './reader.js';
import { RESULTS, type Expectation, type Located, type PageFilter, type SpteIs, type SptePlace } from './statement.js';
import { asBytes, gfn, gpa, index, location, pfn, va, value } from './values.js';

const MOST = 1 << 20;
const MOST_LEVEL = 5;
const MOST_QUADRANT = 3;
const MOST_ROLE = 2 ** 32 - 1;
const WORD = (1n << 64n) - 1n;
const INVARIANT = /^i-\d+$/i;
/** rights as a trace prints them: 7.x puts `r` first */
const ACCESS = /^[r-]?[w-][u-][x-]$/i;
/** what a field of an event is equal to */
const FIELD_VALUE = /^[\w.-]+$/;

const KINDS: Readonly<Record<string, (reader: Reader) => Expectation>> = {
  page: (reader) => pages(reader, 1),
  pages: (reader) => pages(reader, 1),
  event: (reader) => events(reader, 1),
  events: (reader) => events(reader, 1),
  spte: (reader) => {
    const place = sptePlace(reader);
    reader.need(reader.word('is'));
    return { kind: 'spte', place, is: spteIs(reader) };
  },
  va: (reader) => {
    const address = va(reader);
    reader.need(reader.word('is'));
    return { kind: 'va', address, reaches: reached(reader) };
  },
  result: (reader) => ({ kind: 'result', result: reader.need(reader.choice(RESULTS, 'a result')).value }),
  used: (reader) => {
    const number = reader.need(reader.count('a number of pages', MOST));
    reader.word('pages');
    return { kind: 'used', number };
  },
  generation: (reader) => ({ kind: 'generation', number: reader.need(reader.count('a generation', MOST)) }),
  memory,
  gfn: (reader) => {
    const frame = reader.need(gfn(reader));
    reader.need(reader.word('is'));
    const not = reader.word('not');
    reader.need(reader.word('protected'));
    return { kind: 'protected', gfn: frame, protected: !not };
  },
  invariants,
};
export const EXPECTATION_WORDS = Object.keys(KINDS);

/** What follows `expect`. */
export function expectation(reader: Reader): Expectation {
  const count = reader.word('no') ? 0 : reader.count('a number', MOST)?.value;
  if (count !== undefined) {
    const what = reader.need(reader.choice(['page', 'pages', 'event', 'events'] as const)).value;
    return what.startsWith('page') ? pages(reader, count) : events(reader, count);
  }
  return KINDS[reader.need(reader.choice(EXPECTATION_WORDS)).value]!(reader);
}

function pages(reader: Reader, count: number): Expectation {
  return { kind: 'pages', count, filter: pageFilter(reader) };
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Properties of pages in any order. */
function pageFilter(reader: Reader, less: readonly string[] = []): PageFilter {
  const filter: Writable<PageFilter> = {};
  const number = (what: string, most: number): Located<number> => reader.need(reader.count(what, most));
  const table: Record<string, Clauses[string]> = {
    gfn: { read: () => (filter.gfn = reader.need(gfn(reader))) },
    level: { read: () => (filter.level = number('a level', MOST_LEVEL)) },
    quadrant: { read: () => (filter.quadrant = number('a quadrant', MOST_QUADRANT)) },
    role: { read: () => (filter.role = number('a role word', MOST_ROLE)) },
    access: { read: () => (filter.access = access(reader)) },
    direct: { read: () => (filter.direct = true) },
    indirect: { excludes: 'direct', read: () => (filter.direct = false) },
    '4-byte': { excludes: 'bytes', read: () => (filter.gpteBytes = 4) },
    '8-byte': { excludes: 'bytes', read: () => (filter.gpteBytes = 8) },
    unsync: { read: () => (filter.unsync = true) },
    sync: { excludes: 'unsync', read: () => (filter.unsync = false) },
    invalid: { read: () => (filter.invalid = true) },
    valid: { excludes: 'invalid', read: () => (filter.invalid = false) },
    obsolete: { read: () => (filter.obsolete = true) },
    root: { read: () => (filter.root = reader.count('a root_count', MOST) ?? true) },
    local: { read: () => (filter.local = true) },
    parents: { read: () => (filter.parents = number('a number of parents', MOST)) },
    entries: { read: () => (filter.entries = number('a number of entries', MOST)) },
    flood: { read: () => (filter.flood = number('a number of writes', MOST)) },
    generation: { read: () => (filter.generation = number('a generation', MOST)) },
  };
  for (const word of less) delete table[word];
  clauses(reader, table);
  return filter;
}

function access(reader: Reader): Located<string> {
  const found = reader.need(reader.match(ACCESS, "rights such as 'wux' or '-ux'"));
  return { ...found, value: found.value.toLowerCase() };
}

function events(reader: Reader, count: number): Expectation {
  const name = reader.choice(EVENT_NAMES, 'the name of an event');
  if (!name) return { kind: 'events', count, fields: [] };
  const fields: { key: Located<string>; value: Located<string> }[] = [];
  for (;;) {
    const key = reader.choice<string>(EVENT_FIELDS[name.value], 'a field of the event');
    if (!key) break;
    reader.need(reader.sign('='));
    fields.push({ key, value: reader.need(reader.match(FIELD_VALUE, 'a value')) });
  }
  return { kind: 'events', count, name, fields };
}

function sptePlace(reader: Reader): SptePlace {
  if (reader.word('va')) {
    const address = va(reader);
    const level = reader.word('level') ? reader.need(reader.count('a level', MOST_LEVEL)) : undefined;
    return { kind: 'va', address, ...(level && { level }) };
  }
  reader.need(reader.sign('('));
  const page = pageFilter(reader);
  reader.need(reader.sign(')'));
  reader.need(reader.sign('['));
  const at = reader.need(index(reader));
  if (at.value > 511) throw new SyntaxFailure(at, `expected an index of a shadow page, up to 511, found '${at.value}'`);
  reader.need(reader.sign(']'));
  return { kind: 'page', page, index: at };
}

type Leaf = Extract<SpteIs, { kind: 'leaf' }>;
type Mmio = Extract<SpteIs, { kind: 'mmio' }>;

function spteIs(reader: Reader): SpteIs {
  const word = reader.number('a word', WORD);
  if (word) return { kind: 'word', word };
  const kind = reader.need(reader.choice(['empty', 'leaf', 'link', 'mmio', 'marked'] as const)).value;
  switch (kind) {
    case 'empty':
    case 'marked':
      return { kind };
    case 'leaf':
      return leaf(reader);
    case 'link':
      return { kind, to: pageFilter(reader) };
    case 'mmio': {
      const is: Writable<Mmio> = { kind };
      clauses(reader, {
        gfn: { read: () => (is.gfn = reader.need(gfn(reader))) },
        gen: { read: () => (is.generation = reader.need(reader.count('a generation of the memory slots', MOST))) },
      });
      return is;
    }
  }
}

function leaf(reader: Reader): Leaf {
  const is: Writable<Leaf> = { kind: 'leaf' };
  clauses(reader, {
    gfn: { read: () => (is.gfn = reader.need(gfn(reader))) },
    pfn: { read: () => (is.pfn = pfn(reader)) },
    writable: { read: () => (is.writable = true) },
    'read-only': { excludes: 'writable', read: () => (is.writable = false) },
    user: { read: () => (is.user = true) },
    supervisor: { excludes: 'user', read: () => (is.user = false) },
    executable: { read: () => (is.executable = true) },
    'no-execute': { excludes: 'executable', read: () => (is.executable = false) },
    accessed: { read: () => (is.accessed = true) },
    'not-accessed': { excludes: 'accessed', read: () => (is.accessed = false) },
    dirty: { read: () => (is.dirty = true) },
    clean: { excludes: 'dirty', read: () => (is.dirty = false) },
  });
  return is;
}

function reached(reader: Reader): Located<number> | 'mmio' | 'nothing' {
  const word = reader.choice(['gpa', 'mmio', 'nothing'] as const);
  if (reader.need(word).value !== 'gpa') return word!.value as 'mmio' | 'nothing';
  return reader.need(gpa(reader));
}

/** `memory LOC is VALUE`, `has FLAGS`, `lacks FLAGS` */
function memory(reader: Reader): Expectation {
  const place = location(reader, false);
  const is = reader.need(reader.choice(['is', 'has', 'lacks'] as const)).value;
  const word = value(reader);
  const bytes = asBytes(reader);
  return { kind: 'memory', location: place, is, value: word, ...(bytes && { bytes }) };
}

function invariants(reader: Reader): Expectation {
  if (reader.need(reader.choice(['hold', 'broken'] as const)).value === 'hold') return { kind: 'invariants', broken: [] };
  const broken = [invariant(reader)];
  for (;;) {
    reader.sign(',');
    const { next } = reader;
    if (!next || !INVARIANT.test(next.text)) break;
    broken.push(invariant(reader));
  }
  return { kind: 'invariants', broken };
}

function invariant(reader: Reader): Located<number> {
  const found = reader.need(reader.match(INVARIANT, "an invariant such as 'I-9'"));
  const number = Number(found.value.slice(2));
  if (number < 1 || number > INVARIANTS.length) {
    throw new SyntaxFailure(found, `expected an invariant from I-1 to I-${INVARIANTS.length}, found '${found.value}'`);
  }
  return { ...found, value: number };
}
