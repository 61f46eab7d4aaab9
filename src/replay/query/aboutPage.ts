import type { EventIndex, PageId } from '../../engine/ids.js';
import { Kind, SpSlot } from '../../trace/vocabulary.js';
import type { PageHeader } from '../view.js';
import { aimed } from './references.js';
import { stateOf, type EventScope, type EventSource } from './scope.js';

/**
 * The scope of an event as if it were about a page, so that conditions on events about pages hold: `gfn == 0x102 && role.level == 1`
 * then asks for that page.
 */
export function aboutPage(scope: EventScope, page: PageId): EventScope {
  const its = aimed(scope, page, undefined);
  const header = stateOf(scope).header(page);
  return { ...its, replay: { ...its.replay, table: asIfAbout(scope.replay.table, scope.event, header) } };
}

function asIfAbout(table: EventSource, event: EventIndex, page: PageHeader): EventSource {
  const own: Readonly<Record<number, number>> = {
    [SpSlot.gen]: page.gen,
    [SpSlot.gfn]: page.gfn,
    [SpSlot.role]: page.role,
    [SpSlot.rootCount]: page.rootCount,
    [SpSlot.unsync]: page.unsync ? 1 : 0,
  };
  return {
    info: table.info,
    length: table.length,
    kind: (e) => (e === event ? Kind.prepareZap : table.kind(e)),
    formOf: (e) => table.formOf(e),
    name: (e) => table.name(e),
    pid: (e) => table.pid(e),
    comm: (e) => table.comm(e),
    tgid: (e) => table.tgid(e),
    cpu: (e) => table.cpu(e),
    contextOf: (e) => table.contextOf(e),
    time: (e) => table.time(e),
    shortTime: (e) => table.shortTime(e),
    timeText: (e) => table.timeText(e),
    isInSeconds: (e) => table.isInSeconds(e),
    line: (e) => table.line(e),
    message: (e) => table.message(e),
    has: (e, slot) => (e === event ? slot in own : table.has(e, slot)),
    isFixed: (e, slot) => e !== event && table.isFixed(e, slot),
    num: (e, slot) => (e === event ? (own[slot] ?? 0) : table.num(e, slot)),
    low: (e, slot) => (e === event ? (own[slot] ?? 0) >>> 0 : table.low(e, slot)),
    high: (e, slot) => (e === event ? Math.floor((own[slot] ?? 0) / 2 ** 32) : table.high(e, slot)),
    word: (e, slot) => (e === event ? BigInt(own[slot] ?? 0) : table.word(e, slot)),
    string: (e, slot) => (e === event ? '' : table.string(e, slot)),
  };
}
