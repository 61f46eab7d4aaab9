import type { EntryDetail, EventCard, EventRef, FindHit, PageModel, SearchHit, SearchQuery, WindowRef } from './pages.js';
import type {
  Difference,
  RunChoice,
  RunLabel,
  ScenarioCompletion,
  ScenarioFailure,
  ScenarioHover,
  ScenarioProblem,
  ScenarioSymbol,
  TextPosition,
} from './scenarios.js';

/** Request names, their arguments and answers. */
export interface Requests {
  /** a page by id, by SPTE-tree variable, or (nothing given) the page of the current event, else the root of the vCPU */
  'shadowMmu/page': {
    args: { page?: number; variablesReference?: number; threadId?: number };
    body: { page: PageModel | null; index?: number };
  };
  'shadowMmu/entry': { args: { page: number; index: number }; body: EntryDetail };
  /** an address, `gfn 2ced`, `pfn 16ceed`, or a page name */
  'shadowMmu/find': { args: { query: string }; body: { hits: FindHit[]; message?: string } };
  /**
   * One page of the events that match, from event `from` on (included) to `to` (not included), forwards or backwards (-1). It ends after `limit` hits, unless
   * `count` is set and the rest is to be counted, or after some 150 ms: `next` is where to go on, null when there is nothing left. While
   * a trace is being loaded `next` may be `events`, the number of events so far: there may be more later.
   */
  'shadowMmu/search': {
    args: SearchQuery & { from: number; to?: number; direction?: 1 | -1; limit?: number; count?: boolean };
    body: { hits: SearchHit[]; found: number; next: number | null; events: number; complete: boolean };
  };
  /** travel: an event number, a time in seconds (`34.467238`) or a percentage (`79.6%`) */
  'shadowMmu/goTo': { args: { to: string }; body: EventRef };
  /** decode the event at a line (from 1) of a document, which is a file (`source`: its path) or a window (`sourceReference`), by number, or (nothing given) the current one */
  'shadowMmu/event': { args: { event?: number; line?: number; source?: string; sourceReference?: number }; body: EventCard | null };
  /** the inverse of stepIn (one event back, whoever caused it) and of stepOut (to the start of this fault, else of this exit) */
  'shadowMmu/reverseStep': { args: { threadId: number; kind: 'in' | 'out' }; body: Record<string, never> };
  /** the nearest event after or before the current one that changed a page or one SPTE of it; null when there is none */
  'shadowMmu/change': { args: { page: number; index?: number; direction: 'next' | 'previous' }; body: EventRef | null };
  /** the window document that holds an event, or one by its number. A text trace that an editor shows as it is is its own: sourceReference 0 */
  'shadowMmu/window': { args: { event: number } | { sourceReference: number }; body: WindowRef };

  /** everything that is wrong with a scenario, in order, and its outline */
  'shadowMmu/language/check': { args: { text: string }; body: { problems: ScenarioProblem[]; symbols: ScenarioSymbol[] } };
  'shadowMmu/language/complete': { args: { text: string; position: TextPosition }; body: { items: ScenarioCompletion[] } };
  'shadowMmu/language/hover': { args: { text: string; position: TextPosition }; body: ScenarioHover | null };
  /** the whole text as it should be laid out; a text that does not parse is laid out as far as it does */
  'shadowMmu/language/format': { args: { text: string }; body: { text: string } };
  /** what `shadow-mmu run` prints and says. Fails with the first problem when the scenario does not parse */
  'shadowMmu/run': { args: RunChoice; body: { run: RunLabel; trace: string; failures: ScenarioFailure[] } };
  /** what `shadow-mmu scenario FILE --from A --to B` prints. First and last event, both included */
  'shadowMmu/scenario': { args: { trace: string; from: number; to: number; vm?: number }; body: { text: string } };
  /** where two runs of the same guest part, the first differences first; `total` counts those left out too */
  'shadowMmu/diff': {
    args: { a: RunChoice; b: RunChoice; max?: number };
    body: { a: RunLabel; b: RunLabel; differences: Difference[]; total: number };
  };
}
export type RequestName = keyof Requests;

/** Sent when the trace has been read and replayed to its end, and when findings were made. */
export interface LoadedEvent {
  events: number;
  findings: number;
  roles: 'exact' | 'printed' | 'partial';
}
