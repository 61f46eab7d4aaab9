import type { PageId, SpteIndex } from '../../engine/ids.js';
import { FIELDS, type Field } from './fields.js';
import { ConditionError } from './errors.js';
import { stateOf, type EventScope, type StateSource } from './scope.js';
import { fieldValue, type Value } from './values.js';

/** Pages and SPTEs by name: `2c00 L1 q0`, `2c00.1.0`, `2c00.1.0d` (direct), `sp`, each with an index `[0ed]` and a field behind. */
export interface Reference {
  /** null: the page of the event, `sp` */
  readonly page: { readonly gfn: number; readonly level: number; readonly quadrant: number; readonly direct: boolean } | null;
  readonly index: SpteIndex | undefined;
  readonly field: Field | undefined;
}

const LONG = /^([0-9a-f]+)\s+L([1-5])\s+q([0-3])(\s+direct)?/iu;
const SHORT = /^([0-9a-f]+)\.([1-5])\.([0-3])(d)?/iu;
const REST = /^\s*(?:\[\s*(?:0x)?([0-9a-f]+)\s*\])?(?:\.([a-z_]+))?\s*$/iu;

/** The reference a text is; undefined when it is something else. */
export function parseReference(text: string): Reference | ConditionError | undefined {
  const lead = text.length - text.trimStart().length;
  const body = text.slice(lead);
  const name = LONG.exec(body) ?? SHORT.exec(body);
  const sp = !name && /^sp(?=\s*\[)/u.exec(body);
  const head = name ?? sp;
  if (!head) return undefined;
  const rest = REST.exec(body.slice(head[0].length));
  const at = lead + head[0].length;
  if (!rest) return new ConditionError('expected an index like [0ed] or a field like .unsync', text, at, Math.max(1, text.length - at));
  const [, hex, path] = rest;
  if (hex && parseInt(hex, 16) > 511)
    return new ConditionError('an SPTE index goes from 000 to 1ff', text, text.indexOf(hex, at), hex.length);
  const field = path ? FIELDS.get(`${hex ? 'spte' : 'sp'}.${path}`) : undefined;
  if (path && !field) {
    const what = hex ? 'an SPTE has no field' : 'a page has no field';
    return new ConditionError(`${what} '${path}'`, text, text.lastIndexOf(path), path.length);
  }
  return {
    page: name && { gfn: parseInt(name[1]!, 16), level: Number(name[2]), quadrant: Number(name[3]), direct: !!name[4] },
    index: hex === undefined ? undefined : (parseInt(hex, 16) as SpteIndex),
    field,
  };
}

/** What a reference stands for in the state of the scope. */
export function findReference(ref: Reference, scope: EventScope): Value {
  if (scope.event < 0) return { type: 'none', why: 'before the first event there are no pages' };
  const pages = ref.page ? pagesNamed(ref.page, scope) : [scope.replay.pageOf(scope.event)].filter((id) => id !== 0);
  const [page] = pages;
  if (page === undefined) return { type: 'none', why: ref.page ? 'no such page is live here' : 'this event is about no page' };
  if (pages.length > 1 && ref.index === undefined && !ref.field) return { type: 'pages', pages };
  if (ref.field) return fieldValue(ref.field, aimed(scope, page, ref.index));
  return ref.index === undefined ? { type: 'page', page } : { type: 'spte', page, index: ref.index };
}

/** Live pages of that name in the VM of the event, or in all of them when the event has none. */
function pagesNamed(name: NonNullable<Reference['page']>, scope: EventScope): PageId[] {
  const state = stateOf(scope);
  const vm = scope.replay.vmOf(scope.event) ?? 0;
  return liveNamed(state, vm, name);
}

function liveNamed(state: StateSource, vm: number, name: NonNullable<Reference['page']>): PageId[] {
  return state.livePages(vm).filter((id) => {
    const p = state.header(id);
    return p.gfn === name.gfn && p.level === name.level && p.quadrant === name.quadrant && (!name.direct || p.direct);
  });
}

/** The same scope, with the event's page and SPTE replaced: what `PAGE[0ed].w` reads. */
export function aimed(scope: EventScope, page: PageId, index: SpteIndex | undefined): EventScope {
  const { replay } = scope;
  return {
    event: scope.event,
    cursor: stateOf(scope),
    replay: {
      table: replay.table,
      vmOf: (e) => replay.vmOf(e),
      vcpuOf: (e) => replay.vcpuOf(e),
      findingAt: (e) => replay.findingAt(e),
      faultOf: (e) => replay.faultOf(e),
      identityOf: (id) => replay.identityOf(id),
      cursor: () => replay.cursor(),
      pageOf: () => page,
      spteOf: () => (index === undefined ? undefined : { page, index }),
    },
  };
}
