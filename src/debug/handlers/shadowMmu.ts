import type { EventIndex, PageId, SpteIndex } from '../../engine/ids.js';
import type { Requests } from '../../protocol.js';
import type { Debuggee } from '../debuggee.js';
import { entryDetail, eventCard, eventRef, find, pageModel, type PageEvents } from '../forms/index.js';
import { eventAt } from '../load/timePlace.js';
import { changesOf } from '../stops/changeTargets.js';
import { RequestError } from '../wire/errors.js';
import type { Handlers } from '../wire/requests.js';
import type { SessionContext } from './context.js';

type Args<R extends keyof Requests> = Requests[R]['args'];
type Body<R extends keyof Requests> = Requests[R]['body'];

/** The requests that only this adapter has (src/protocol.ts): what the views ask for. */
export function shadowMmuHandlers(session: SessionContext): Handlers {
  return {
    'shadowMmu/page': (args) => page(session.debuggee, args ?? {}),
    'shadowMmu/entry': ({ page, index }) => {
      const { position } = session.debuggee;
      return entryDetail(position.form, existing(session.debuggee, page), spteIndex(index), position.previousStop);
    },
    'shadowMmu/find': ({ query }) => {
      const { hits, message } = find(session.debuggee.position.form, query);
      return { hits, ...(message !== undefined && { message }) };
    },
    'shadowMmu/search': (args, { signal }) => session.debuggee.search.find(args, signal),
    'shadowMmu/goTo': ({ to }, call) => {
      const { recording, motion } = session.debuggee;
      const event = eventAt(to, recording);
      call.afterResponse(() => {
        departure(session);
        motion.jump(event, 'goto');
      });
      return eventRef(recording.table, event);
    },
    'shadowMmu/event': (args) => event(session.debuggee, args ?? {}),
    'shadowMmu/reverseStep': ({ threadId, kind }, call) => {
      const { motion, steps, threads } = session.debuggee;
      const pid = threads.pidOf(threadId);
      call.afterResponse(() => {
        departure(session, threadId);
        motion.reverseTo((from) => (kind === 'in' ? steps.before(from) : steps.startOf(pid, from)));
      });
      return {};
    },
    'shadowMmu/change': (args) => change(session.debuggee, args),
    'shadowMmu/window': (args) => {
      const { documents, recording } = session.debuggee;
      const event = 'event' in args ? args.event : documents.firstOf(args.sourceReference);
      if (!(event >= 0 && event < recording.end)) throw new RequestError(`There is no event ${event}.`);
      return documents.windowOf(event as EventIndex);
    },
  };
}

/**
 * Clients take it from the answers to the protocol's own requests that the debuggee moves on. These requests they know nothing about, and
 * without being told VS Code goes on showing the reason of the stop before.
 */
function departure({ client, debuggee }: SessionContext, threadId = debuggee.threads.list()[0]?.id): void {
  if (threadId !== undefined) client.event('continued', { threadId, allThreadsContinued: true });
}

function page(debuggee: Debuggee, args: Args<'shadowMmu/page'>): Body<'shadowMmu/page'> {
  const { position } = debuggee;
  const place = placeOf(debuggee, args);
  if (!place) return { page: null };
  const model = pageModel(position.form, place.page, position.previousStop);
  return { page: model, ...(place.index !== undefined && { index: place.index }) };
}

interface PagePlace {
  readonly page: PageId;
  readonly index?: SpteIndex;
}

/** The page asked for; without one, that of the present event, else a root of the vCPU. */
function placeOf(debuggee: Debuggee, { page, variablesReference, threadId }: Args<'shadowMmu/page'>): PagePlace | undefined {
  const { recording, position, variables, threads } = debuggee;
  if (page !== undefined) return { page: existing(debuggee, page) };
  if (variablesReference) {
    const branch = variables.branch(variablesReference);
    return branch.page && { page: branch.page, ...(branch.index !== undefined && { index: branch.index }) };
  }
  const { replay, lists } = recording;
  const { cursor } = position;
  if (position.event < 0) return undefined;
  const spte = replay.spteOf(position.event);
  if (spte) return spte;
  const about = replay.pageOf(position.event);
  if (about) return { page: about };
  const last = threadId === undefined ? undefined : lists.lastOf(threads.pidOf(threadId), position.event);
  const own = (last ?? position.event) as EventIndex;
  const vcpu = replay.vcpuOf(own)?.vcpu;
  const roots = cursor.roots(recording.vm);
  const pages = (roots.find((r) => r.vcpu === vcpu) ?? roots[0])?.pages ?? [];
  const root = pages.find((id) => id !== 0);
  return root && { page: root };
}

function event({ recording, documents, position }: Debuggee, args: Args<'shadowMmu/event'>): Body<'shadowMmu/event'> {
  const { event, line, source, sourceReference } = args;
  let wanted: EventIndex | undefined = (event ?? position.event) as EventIndex;
  if (line !== undefined) {
    const document = sourceReference ? { sourceReference } : { path: source ?? '' };
    if (!sourceReference && !documents.shows(document)) return null;
    wanted = documents.eventOn(document, documents.clientLine(line));
  }
  if (wanted === undefined || wanted < 0 || wanted >= recording.end) return null;
  const around: PageEvents = {
    previous: (page, before) => changesOf({ kind: 'page', page }, recording).previous(before, -1) as EventIndex | undefined,
    next: (page, after) => changesOf({ kind: 'page', page }, recording).next(after, recording.end) as EventIndex | undefined,
  };
  return eventCard(position.formAt(wanted), position.formBefore(wanted), wanted, recording.table.lineText(wanted), around);
}

function change(debuggee: Debuggee, { page, index, direction }: Args<'shadowMmu/change'>): Body<'shadowMmu/change'> {
  const { recording, position } = debuggee;
  const id = existing(debuggee, page);
  const target =
    index === undefined ? ({ kind: 'page', page: id } as const) : ({ kind: 'spte', page: id, index: spteIndex(index) } as const);
  const changes = changesOf(target, recording);
  const event = direction === 'next' ? changes.next(position.event, recording.end) : changes.previous(position.event, -1);
  return event === undefined ? null : eventRef(recording.table, event as EventIndex);
}

function existing({ recording }: Debuggee, page: number): PageId {
  if (!(Number.isSafeInteger(page) && page >= 1 && page <= recording.replay.lastPage))
    throw new RequestError(`There is no shadow page ${page}.`);
  return page as PageId;
}

function spteIndex(index: number): SpteIndex {
  if (!(Number.isSafeInteger(index) && index >= 0 && index < 512))
    throw new RequestError(`${index} is no SPTE index: they go from 0 to 511.`);
  return index as SpteIndex;
}
