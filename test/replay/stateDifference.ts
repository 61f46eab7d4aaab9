import type { EventIndex, PageId } from '../../src/engine/ids.js';
import type { Cursor } from '../../src/replay/cursor.js';
import type { Replay } from '../../src/replay/replay.js';
import type { EntryView, PageView } from '../../src/replay/view.js';

/** How the state of a VM differs from the true one: numbers of entries and pages. */
export interface Difference {
  /** entries compared: those of pages that are there in both, where the true one is certain */
  entries: number;
  /** those that are as they should be, and no mark says otherwise */
  certain: number;
  /** entries that are not as they should be, and are marked with a doubt, or as unknown */
  marked: number;
  /** entries that are not as they should be, and no mark says so */
  wrong: number;
  /** entries that the state does not have, and the page is not marked as one that lacks some */
  missing: number;
  /** pages that are gone in truth, and are not marked */
  stalePages: number;
  /** pages that the state does not have, and the VM is not marked as one that lacks some */
  missingPages: number;
  /** what no mark tells, in words */
  readonly unmarked: string[];
}

/**
 * @param placeOf where an event of the edited trace is in the true one
 */
export function stateDifference(
  truth: Replay,
  replay: Replay,
  event: EventIndex,
  placeOf: (event: EventIndex) => EventIndex,
  vm = 0,
): Difference {
  const [a, b] = [truth.cursor(), replay.cursor()];
  a.seek(placeOf(event));
  b.seek(event);
  const found: Difference = { entries: 0, certain: 0, marked: 0, wrong: 0, missing: 0, stalePages: 0, missingPages: 0, unmarked: [] };
  const pairs = pairsOf(truth, pagesOf(a, vm), pagesOf(b, vm), placeOf);
  const paired = new Set(pairs.values());
  for (const page of pagesOf(b, vm)) {
    const its = pairs.get(page.id);
    if (its !== undefined) compareEntries(found, [a, its], [b, page], pairs);
    else if (!page.doubt) {
      found.stalePages++;
      found.unmarked.push(`${look(page)} of event ${page.born} is gone`);
    }
  }
  for (const page of pagesOf(a, vm)) {
    if (paired.has(page.id) || b.doubt(vm) !== undefined) continue;
    found.missingPages++;
    found.unmarked.push(`${look(page)} is not there`);
  }
  return found;
}

function compareEntries(found: Difference, [a, its]: [Cursor, PageId], [b, page]: [Cursor, PageView], pairs: Map<PageId, PageId>): void {
  const truths = entriesOf(a, its);
  const entries = entriesOf(b, page.id);
  for (const [index, entry] of entries) {
    const truth = truths.get(index);
    if (truth?.doubt || truth?.state === 'unknown') continue;
    found.entries++;
    const isMarked = entry.doubt !== undefined || entry.state === 'unknown';
    if (truth && same(truth, entry, pairs)) found.certain += isMarked ? 0 : 1;
    else if (isMarked) found.marked++;
    else {
      found.wrong++;
      found.unmarked.push(
        `${look(page)}[${index}] ${truth ? text(a, truth) : 'empty'} is ${text(b, entry)}, ${entry.grade} by event ${entry.setBy}`,
      );
    }
  }
  if (page.doubt) return;
  for (const [index, truth] of truths) {
    if (entries.has(index) || truth.doubt || truth.state === 'unknown') continue;
    found.missing++;
    found.unmarked.push(`${look(page)}[${index}] ${text(a, truth)} is empty`);
  }
}

function same(a: EntryView, b: EntryView, pairs: Map<PageId, PageId>): boolean {
  if (a.state !== b.state) return false;
  if (a.child === undefined || b.child === undefined) return a.value === b.value;
  return pairs.get(b.child) === a.child;
}

/** A page is the one that the true trace has for the event that told of it first. */
function pairsOf(
  truth: Replay,
  as: readonly PageView[],
  bs: readonly PageView[],
  placeOf: (event: EventIndex) => EventIndex,
): Map<PageId, PageId> {
  const live = new Set(as.map(({ id }) => id));
  const pairs = bs.map(({ id, born }) => [id, truth.history.notes.pageOf(placeOf(born))] as const);
  return new Map(pairs.filter(([, its]) => live.has(its)));
}

function pagesOf(cursor: Cursor, vm: number): PageView[] {
  return cursor.livePages(vm).map((id) => cursor.page(id));
}

function entriesOf(cursor: Cursor, id: PageId): Map<number, EntryView> {
  return new Map(cursor.entries(id).map((entry) => [entry.index, entry]));
}

function look({ gfn, level, quadrant, direct, access, gpteBytes, invalid, local, word }: PageView): string {
  return [gfn.toString(16), `l${level} q${quadrant} ${gpteBytes}-byte ${access}`, { direct, invalid, local }, word]
    .map((part) => (typeof part === 'object' && part ? Object.entries(part).flatMap(([name, is]) => (is ? [name] : [])) : (part ?? '')))
    .flat()
    .join(' ');
}

function text(cursor: Cursor, entry: EntryView): string {
  return entry.child === undefined ? `${entry.state} ${entry.value?.toString(16)}` : `→ ${look(cursor.page(entry.child))}`;
}
