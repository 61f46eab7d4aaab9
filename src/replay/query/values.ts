import type { PageId, Role, SpteIndex } from '../../engine/ids.js';
import type { ConditionError } from './errors.js';
import { spRole } from './eventFields.js';
import type { Field, NumberField, ThingField } from './fields.js';
import { roleWord } from './roles.js';
import { stateOf, type EventScope } from './scope.js';

/** What an expression of a watch or of the debug console is. Printed by debug/forms; pages and SPTEs can be expanded. */
export type Value =
  | { readonly type: 'number'; readonly value: bigint; readonly base: 10 | 16 }
  | { readonly type: 'text'; readonly value: string }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'time'; readonly text: string }
  | { readonly type: 'page'; readonly page: PageId }
  /** several pages have the name */
  | { readonly type: 'pages'; readonly pages: readonly PageId[] }
  | { readonly type: 'spte'; readonly page: PageId; readonly index: SpteIndex }
  /** `word` is null where the trace does not give all of it */
  | { readonly type: 'role'; readonly role: Role; readonly word: number | null }
  /** the event has no such field, or the trace does not give it */
  | { readonly type: 'none'; readonly why: string }
  | { readonly type: 'error'; readonly error: ConditionError };

/** The value of one field for the scope's event. */
export function fieldValue(field: Field, scope: EventScope): Value {
  if (scope.event < 0 && field.name !== 'event.index') return none(field, scope);
  switch (field.type) {
    case 'number': {
      let n = field.num(scope);
      if (Number.isNaN(n)) n = ofItsPage(field, scope);
      if (Number.isNaN(n)) return none(field, scope);
      return { type: 'number', value: field.word?.(scope) ?? BigInt(n), base: field.base };
    }
    case 'text': {
      const value = field.text(scope);
      return value === undefined ? none(field, scope) : { type: 'text', value };
    }
    case 'time':
      return { type: 'time', text: scope.replay.table.timeText(scope.event) };
    case 'page': {
      const page = scope.replay.pageOf(scope.event);
      return page ? { type: 'page', page } : none(field, scope);
    }
    case 'spte':
      return spte(field, scope);
    case 'role':
      return role(field, scope);
  }
}

function ofItsPage(field: NumberField, scope: EventScope): number {
  const page = scope.event >= 0 ? scope.replay.pageOf(scope.event) : 0;
  if (!page || !field.ofPage) return NaN;
  return field.ofPage(stateOf(scope).header(page), scope) ?? NaN;
}

/** The SPTE itself where the event's place is known, else the number that the event gives. */
function spte(field: ThingField, scope: EventScope): Value {
  const at = scope.replay.spteOf(scope.event);
  if (at) return { type: 'spte', ...at };
  return field.number && field.has(scope) ? fieldValue(field.number, scope) : none(field, scope);
}

/** The event's role; for other events about a page, the page's. */
function role(field: Field, scope: EventScope): Value {
  const { layout, roles } = scope.replay.table.info;
  const own = spRole(scope);
  if (own !== undefined) return { type: 'role', role: own, word: roleWord(own, layout, roles) ?? null };
  const id = scope.replay.pageOf(scope.event);
  if (!id) return none(field, scope);
  const page = stateOf(scope).header(id);
  return { type: 'role', role: page.role, word: page.word };
}

function none(field: Field, scope: EventScope): Value {
  const event = scope.event < 0 ? 'before the first event' : scope.replay.table.name(scope.event);
  return { type: 'none', why: `no ${field.name} here: ${event} does not give it` };
}
