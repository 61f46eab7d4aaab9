import type * as vscode from 'vscode';
import type { Requests, SearchHit, SearchQuery } from '../../protocol.js';
import { ask } from '../session.js';

type Page = Requests['shadowMmu/search']['body'];

/** What a search knows by now. */
export interface Found {
  /** those that are listed, in the order of the search */
  readonly hits: readonly SearchHit[];
  /** how many there are */
  readonly total: number;
  /** events that were looked at */
  readonly searched: number;
  /** of the trace, so far */
  readonly events: number;
  /** the whole trace was searched */
  readonly done: boolean;
}

/**
 * Searches all of a trace: from an event to the end, then from the beginning to that event; while it is being loaded, what comes, too.
 * Tells after every page, that is, a few times a second; rejects when the query means nothing.
 * @param listed hits to keep; the rest is counted
 */
export async function searchAll(
  session: vscode.DebugSession,
  query: SearchQuery,
  from: number,
  listed: number,
  tell: (found: Found) => void,
  signal: AbortSignal,
): Promise<void> {
  const hits: SearchHit[] = [];
  let [total, searched] = [0, 0];
  for (const part of [{ from }, { from: 0, to: from }]) {
    for (let at: number | null = part.from; at !== null && !signal.aborted;) {
      const page: Page = await ask(session, 'shadowMmu/search', { ...query, ...part, from: at, limit: listed - hits.length, count: true });
      const { next, events } = page;
      hits.push(...page.hits);
      total += page.found;
      searched += (next ?? part.to ?? events) - at;
      at = next;
      if (!signal.aborted) tell({ hits, total, searched, events, done: at === null && (part.to !== undefined || from === 0) });
    }
    if (from === 0) return;
  }
}

/** The nearest hit in one direction; undefined when there is none, or the search was given up. */
export async function searchNearest(
  session: vscode.DebugSession,
  query: SearchQuery,
  from: number,
  direction: 1 | -1,
  signal: AbortSignal,
): Promise<SearchHit | undefined> {
  for (let at: number | null = from; at !== null && !signal.aborted;) {
    const page: Page = await ask(session, 'shadowMmu/search', { ...query, from: at, direction, limit: 1 });
    if (page.hits[0]) return page.hits[0];
    at = page.next;
    // At the end of what is loaded: that is no answer to wait for.
    if (direction === 1 && at === page.events) return undefined;
  }
  return undefined;
}
