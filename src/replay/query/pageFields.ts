import type { EventIndex, PageId } from '../../engine/ids.js';
import type { PageHeader, PageIdentity } from '../view.js';
import type { Column, Columns } from './columns.js';
import type { Field, NumberField } from './fields.js';
import { accessNumber, roleValue } from './roles.js';
import { stateOf, type EventScope, type TraceFacts } from './scope.js';

/** `sp`: the shadow page that the event is about, in the state after the event. */
export function pageFields(): Field[] {
  return [
    {
      type: 'page',
      name: 'sp',
      help: 'the shadow page the event is about',
      has: (s) => pageId(s) !== undefined,
      column: ({ replay }) => ({ type: 'page', ofPage: true, has: (e) => replay.pageOf(e as EventIndex) !== 0 }),
    },
    {
      type: 'number',
      name: 'sp.id',
      help: 'number of the page, in order of birth',
      base: 10,
      num: (s) => pageId(s) ?? NaN,
      column: ({ replay }) => ({ type: 'number', ofPage: true, num: (e) => replay.pageOf(e as EventIndex) || NaN }),
    },
    identity('gfn', 'guest frame that it shadows', (p) => p.gfn, 16),
    identity('level', '1 to 5', (p) => p.level),
    identity('quadrant', '0 to 3', (p) => p.quadrant),
    identity('direct', 'no guest table behind it', (p) => (p.direct ? 1 : 0)),
    identity(
      'access',
      'a number, or letters',
      (p, { layout }) => accessNumber(p.role, layout),
      16,
      (p) => p.access,
    ),
    identity('gpte_bytes', 'size of a guest entry, 4 or 8', (p) => p.gpteBytes),
    of('role', 'the kernel’s role word, where the trace gives all of it', (p) => p.word ?? undefined, 16),
    identity('efer_nx', 'role field efer_nx', (p, { layout, roles }) =>
      roleValue(p.role, { name: 'efer_nx', field: 'efer_nx' }, layout, roles),
    ),
    of('root_count', 'how often it is in use as a root', (p) => p.rootCount),
    flag('unsync', 'the guest may write its table freely', (p) => p.unsync),
    flag('invalid', 'zapped, still in use as a root', (p) => p.invalid),
    flag('obsolete', 'of an older generation', (p) => p.obsolete),
    flag('live', 'not gone yet', (p) => p.live),
    identity('gen', 'its MMU generation', (p) => p.gen),
    identity('born', 'event that made it', (p) => p.born),
    of('zapped', 'event that zapped it', (p) => p.zappedAt),
    state('parents', 'how many SPTEs lead to it', 10, (s, id) => stateOf(s).page(id).parents.length),
    of('frame', 'page frame of its SPTEs, where known', (p) => p.frame ?? undefined, 16),
    state('present', 'how many of its SPTEs are not empty', 10, (s, id) => stateOf(s).entries(id).length),
    {
      ...state('base', 'first guest address that it maps', 16, (s, id) => undefinedOr(Number, stateOf(s).baseAddress(id))),
      word: (s) => undefinedOr((id) => stateOf(s).baseAddress(id), pageId(s)),
    },
  ];
}

function pageId(s: EventScope): PageId | undefined {
  return s.replay.pageOf(s.event) || undefined;
}

/** A field that is the same at all times, unless events contradict each other about the page: then the state at the event decides. */
function identity(
  name: string,
  help: string,
  read: (page: PageIdentity, facts: TraceFacts) => number | undefined,
  base: 10 | 16 = 10,
  letters?: (page: PageIdentity) => string,
): NumberField {
  const at = (s: EventScope): PageHeader | undefined => undefinedOr((id) => stateOf(s).header(id), pageId(s));
  return {
    ...of(name, help, (page, s) => read(page, s.replay.table.info), base),
    ...(letters && { letters: (s: EventScope) => undefinedOr(letters, at(s)) }),
    column: (columns) => {
      const page = (e: number): PageIdentity | undefined => identityAt(columns, e as EventIndex);
      return {
        type: 'number',
        ofPage: true,
        num: (e) => undefinedOr((its) => read(its, columns.table.info), page(e)) ?? NaN,
        ...(letters && { letters: (e: number) => undefinedOr(letters, page(e)) }),
      } satisfies Column;
    },
  };
}

function identityAt({ replay, scope }: Columns, e: EventIndex): PageIdentity | undefined {
  const id = replay.pageOf(e);
  if (id === 0) return undefined;
  const same = replay.identityOf(id);
  if (same) return same;
  scope.event = e;
  return stateOf(scope).header(id);
}

function of(
  name: string,
  help: string,
  read: (page: PageHeader, s: EventScope) => number | EventIndex | undefined,
  base: 10 | 16 = 10,
): NumberField {
  return state(name, help, base, (s, id) => read(stateOf(s).header(id), s));
}

function flag(name: string, help: string, read: (page: PageHeader) => boolean): NumberField {
  return of(name, help, (p) => (read(p) ? 1 : 0));
}

function state(name: string, help: string, base: 10 | 16, read: (s: EventScope, id: PageId) => number | undefined): NumberField {
  return {
    type: 'number',
    name: `sp.${name}`,
    help,
    base,
    state: true,
    possible:
      ({ replay }) =>
      (e) =>
        replay.pageOf(e as EventIndex) !== 0,
    num: (s) => undefinedOr((id) => read(s, id), pageId(s)) ?? NaN,
  };
}

function undefinedOr<A, B>(f: (a: A) => B, a: A | undefined): B | undefined {
  return a === undefined ? undefined : f(a);
}
