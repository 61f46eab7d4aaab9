import type { EventIndex } from '../../engine/ids.js';
import type { Requests, SearchHit, SearchQuery } from '../../protocol.js';
import type { Loader } from '../load/loader.js';
import type { Recording } from '../load/recording.js';
import { Cancelled } from '../wire/errors.js';
import { Pace } from '../wire/pace.js';
import { matcherFor, type Matcher } from './matcher.js';

/** Hits that are answered where the client does not say how many. */
const HITS = 100;
/** An answer comes after this time at the latest, in milliseconds, with where to go on: clients show what is there, and can stop. */
const PATIENCE = 150;

type Arguments = Requests['shadowMmu/search']['args'];
type Answer = Requests['shadowMmu/search']['body'];

/** Finds events by their lines, or by a condition, over the whole trace as far as it is loaded. */
export class Search {
  /** What is known of a query helps with its next page. */
  private last: { readonly key: string; readonly matcher: Matcher } | undefined;

  constructor(
    private readonly recording: Recording,
    private readonly loader: Loader,
  ) {}

  /** One page of hits, in the direction of the search. @throws RequestError for a query that means nothing */
  async find(args: Arguments, signal: AbortSignal): Promise<Answer> {
    const { direction = 1, limit = HITS, count = false } = args;
    const matcher = this.matcherOf(args);
    const to = args.to ?? direction * Infinity;
    // Whoever has come to the end of what is loaded waits for more of it.
    if (direction === 1 && args.from >= this.recording.end && args.from < to) await this.loader.grown();
    const { end } = this.recording;
    const bound = direction === 1 ? Math.min(to, end) : Math.max(to, -1);
    const [enough, done] = deadline(signal);
    const pace = new Pace();
    const hits: SearchHit[] = [];
    const nearest = matcher.begin();
    let found = 0;
    // The last event that was looked at.
    let at = direction === 1 ? Math.max(args.from, 0) - 1 : Math.min(args.from, end - 1) + 1;
    while (count || hits.length < limit) {
      const result = await nearest(at, direction, bound, pace, enough);
      if (signal.aborted) throw new Cancelled();
      at = result.event ?? result.at;
      if (result.event === undefined) break;
      found++;
      if (hits.length < limit) hits.push(this.hit(result.event as EventIndex, matcher));
    }
    done();
    const e = at === bound ? bound : at + direction;
    const complete = this.loader.complete;
    // More may come at the end of what is loaded.
    const over = direction === 1 ? e >= to || (complete && e >= this.recording.end) : e < 0 || e <= to;
    return { hits, found, next: over ? null : e, events: this.recording.end, complete };
  }

  private hit(e: EventIndex, matcher: Matcher): SearchHit {
    const { table } = this.recording;
    const text = table.lineText(e);
    const place = matcher.placeIn(text);
    const line = table.line(e);
    return { event: e, ...(line !== undefined && { line }), text, ...(place && { match: place }) };
  }

  private matcherOf({ text, as, matchCase = false }: SearchQuery): Matcher {
    const key = JSON.stringify([text, as, matchCase]);
    if (this.last?.key !== key) {
      const { table, replay } = this.recording;
      this.last = { key, matcher: matcherFor({ text, as, matchCase }, table, replay) };
    }
    return this.last.matcher;
  }
}

/** Aborted after {@link PATIENCE}, or with a signal; and how to let go of it. */
function deadline(signal: AbortSignal): [AbortSignal, () => void] {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), PATIENCE);
  return [AbortSignal.any([signal, controller.signal]), () => clearTimeout(timer)];
}
