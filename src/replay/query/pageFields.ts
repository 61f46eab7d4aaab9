import type { EventIndex, PageId } from '../../engine/ids.js';
import type { PageHeader } from '../view.js';
import type { Field, NumberField } from './fields.js';
import { accessNumber, roleValue } from './roles.js';
import { stateOf, type EventScope } from './scope.js';

/** `sp`: the shadow page that the event is about, in the state after the event. */
export function pageFields(): Field[] {
  const layout = (s: EventScope) => s.replay.table.info.layout;
  return [
    { type: 'page', name: 'sp', help: 'the shadow page the event is about', has: (s) => pageId(s) !== undefined },
    { type: 'number', name: 'sp.id', help: 'number of the page, in order of birth', base: 10, num: (s) => pageId(s) ?? NaN },
    of('gfn', 'guest frame that it shadows', (p) => p.gfn, 16),
    of('level', '1 to 5', (p) => p.level),
    of('quadrant', '0 to 3', (p) => p.quadrant),
    flag('direct', 'no guest table behind it', (p) => p.direct),
    { ...of('access', 'a number, or letters', (p, s) => accessNumber(p.role, layout(s)), 16), letters: (s) => view(s)?.access },
    of('gpte_bytes', 'size of a guest entry, 4 or 8', (p) => p.gpteBytes),
    of('role', 'the kernel’s role word, where the trace gives all of it', (p) => p.word ?? undefined, 16),
    of('efer_nx', 'role field efer_nx', (p, s) =>
      roleValue(p.role, { name: 'efer_nx', field: 'efer_nx' }, layout(s), s.replay.table.info.roles),
    ),
    of('root_count', 'how often it is in use as a root', (p) => p.rootCount),
    flag('unsync', 'the guest may write its table freely', (p) => p.unsync),
    flag('invalid', 'zapped, still in use as a root', (p) => p.invalid),
    flag('obsolete', 'of an older generation', (p) => p.obsolete),
    flag('live', 'not gone yet', (p) => p.live),
    of('gen', 'its MMU generation', (p) => p.gen),
    of('born', 'event that made it', (p) => p.born),
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

function view(s: EventScope): PageHeader | undefined {
  return undefinedOr((id) => stateOf(s).header(id), pageId(s));
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
    num: (s) => undefinedOr((id) => read(s, id), pageId(s)) ?? NaN,
  };
}

function undefinedOr<A, B>(f: (a: A) => B, a: A | undefined): B | undefined {
  return a === undefined ? undefined : f(a);
}
