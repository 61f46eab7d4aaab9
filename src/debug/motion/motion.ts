import type { EventIndex } from '../../engine/ids.js';
import { cutText, type Loader } from '../load/loader.js';
import type { Recording } from '../load/recording.js';
import { count } from '../forms/numbers.js';
import { stopText } from '../forms/stops.js';
import { foremost, type Trigger } from '../stops/trigger.js';
import { Cancelled } from '../wire/errors.js';
import type { Direction, Finder } from './finder.js';
import type { Position } from './position.js';
import { eventAtSpot, STEP, type Spot } from './spot.js';
import type { Steps } from './steps.js';
import type { Stop } from './stop.js';
import { stopTitle } from './stopText.js';

export type StepKind = 'next' | 'into' | 'out';

interface Why {
  readonly reason: string;
  /** made when the position is there; without one the event speaks for itself */
  readonly title?: string | (() => string | undefined);
  readonly text?: string | (() => string | undefined);
  readonly triggers?: readonly Trigger[];
  readonly backwards?: boolean;
}

/**
 * Moves the debugger along the trace: continue, reverse continue, steps, jumps. Every movement ends in exactly one stop; one that
 * cannot go anywhere stops where it stands and says so. Movements asked for while another is under way wait for it.
 */
export class Motion {
  /** where the steps since the last run or jump began; a step that found no way on counts too, so that n back undo n forward */
  private readonly undo: Spot[] = [];
  private queue: Promise<void> = Promise.resolve();
  private brake = new AbortController();
  private closed = false;

  constructor(
    private readonly recording: Recording,
    private readonly loader: Loader,
    private readonly position: Position,
    private readonly finder: Finder,
    private readonly steps: Steps,
    private readonly stopped: (stop: Stop) => void,
    private readonly failed: (error: unknown) => void,
  ) {}

  /** The first stop of a session, and of a restart. */
  begin(stopOnEntry: boolean): void {
    this.enqueue(async (signal) => {
      this.undo.length = 0;
      const first = await this.firstEvent(signal);
      if (stopOnEntry) this.arrive(first, { reason: 'entry', title: 'entry' });
      else await this.run(1, signal, first - 1);
    });
  }

  continue(direction: Direction): void {
    this.enqueue(async (signal) => {
      this.undo.length = 0;
      await this.run(direction, signal, this.position.spot);
    });
  }

  step(kind: StepKind, pid: number): void {
    this.enqueue(async (signal) => {
      const from = this.position.spot;
      const target = await this.target(kind, pid, from, signal);
      this.undo.push(from);
      if (target === undefined) return this.stay(1);
      const found = await this.finder.find(from, 1, target + STEP, signal);
      if (found.hit) this.hit(found.spot, found.triggers, 1);
      else this.arrive(found.interrupted ? found.spot : target, { reason: 'step' });
    });
  }

  /** Undoes the last step; without one, goes where `next` would have come from. */
  stepBack(pid: number): void {
    this.enqueue(() => {
      const undone = this.undo.pop();
      const target = undone ?? this.steps.back(pid, this.position.spot);
      if (target === undefined) this.stay(-1);
      else this.arrive(target, { reason: 'step', backwards: true });
    });
  }

  /** Backwards to an event of an earlier time. Steps that began after it are not there to be undone any more. */
  reverseTo(find: (from: Spot) => Spot | undefined): void {
    this.enqueue(() => {
      const target = find(this.position.spot);
      while (target !== undefined && (this.undo.at(-1) ?? -1) >= target) this.undo.pop();
      if (target === undefined) this.stay(-1);
      else this.arrive(target, { reason: 'step', backwards: true });
    });
  }

  /** Straight to an event, in either direction. */
  jump(spot: Spot, reason: 'goto' | 'restart'): void {
    this.enqueue(() => {
      this.undo.length = 0;
      this.arrive(spot, { reason });
    });
  }

  /** Ends the movement that is under way, where it is. */
  pause(): void {
    this.brake.abort();
  }

  /** No more stops; a movement under way comes to nothing. */
  close(): void {
    this.closed = true;
    this.brake.abort();
  }

  private async run(direction: Direction, signal: AbortSignal, start: Spot): Promise<void> {
    let from = start;
    for (;;) {
      const bound = direction === 1 ? this.recording.end : -1;
      const last = direction === -1 || (this.loader.complete && bound === this.recording.end);
      const found = await this.finder.find(from, direction, bound, signal);
      if (found.hit) return this.hit(found.spot, found.triggers, direction);
      if (found.interrupted || signal.aborted) return this.paused(found.interrupted ? found.spot : bound - direction);
      if (last) return this.end(direction);
      from = bound - direction;
      if (bound === this.recording.end) await this.loader.grown();
    }
  }

  private hit(spot: Spot, triggers: readonly Trigger[], direction: Direction): void {
    const first = foremost(triggers);
    const text = (): string | undefined => first.explain?.(eventAtSpot(spot));
    this.arrive(spot, { reason: first.reason, triggers, backwards: direction === -1, title: () => first.describe?.(), text });
  }

  private end(direction: Direction): void {
    const { recording, position } = this;
    const edge = direction === 1 ? recording.last() : recording.firstFrom(0);
    this.arrive(edge ?? position.spot, this.edge(direction));
  }

  /** Stops again where it stands, because the task has no event in that direction. */
  private stay(direction: Direction): void {
    const { recording, position } = this;
    const edge = direction === 1 ? recording.last() : recording.firstFrom(0);
    if (edge === undefined || position.event === edge || position.engine.at(position.spot)) return this.end(direction);
    const text = `This task has no ${direction === 1 ? 'further' : 'earlier'} event.`;
    this.arrive(position.event, { reason: 'step', title: `no ${direction === 1 ? 'further' : 'earlier'} event of this task`, text });
  }

  private edge(direction: Direction): { reason: string; title: string; text: string } {
    const what = this.recording.statements ? 'scenario' : 'trace';
    if (direction === -1)
      return { reason: 'entry', title: `start of the ${what}`, text: `The ${what} begins here: nothing happened before.` };
    const last = count(this.recording.end - 1);
    if (this.loader.cut)
      return { reason: 'end', title: 'end of what is loaded', text: `${cutText(this.loader)}. The last event is ${last}.` };
    return { reason: 'end', title: `end of the ${what}`, text: `The ${what} ends with event ${last}.` };
  }

  private paused(spot: Spot): void {
    const event = eventAtSpot(spot);
    const here = event >= 0 && this.recording.belongs(event) ? spot : this.position.spot;
    this.arrive(here, { reason: 'pause', title: `paused at event ${count(eventAtSpot(here))}` });
  }

  private arrive(spot: Spot, why: Why): void {
    const { recording, position } = this;
    position.moveTo(spot);
    const { event } = position;
    const call = position.engine.at(spot);
    const title = (typeof why.title === 'function' ? why.title() : why.title) ?? call?.name ?? stopTitle(recording, position, event);
    const text = (typeof why.text === 'function' ? why.text() : why.text) ?? call?.text ?? stopText(recording.table, event);
    this.stopped({
      event,
      reason: why.reason,
      description: why.backwards ? `${title} (reverse)` : title,
      text,
      triggers: why.triggers ?? [],
    });
  }

  private target(kind: StepKind, pid: number, from: Spot, signal: AbortSignal): Promise<Spot | undefined> {
    if (kind === 'into') return this.steps.into(from, signal);
    return kind === 'next' ? this.steps.next(pid, from, signal) : this.steps.out(pid, from, signal);
  }

  /** The first event of the session's VM, as soon as it is there. */
  private async firstEvent(signal: AbortSignal): Promise<EventIndex> {
    const { recording, loader } = this;
    let from = 0;
    while (!loader.complete && !signal.aborted && recording.firstFrom(from) === undefined) {
      from = recording.end;
      await loader.grown();
    }
    return recording.firstFrom(0) ?? (0 as EventIndex);
  }

  private enqueue(movement: (signal: AbortSignal) => Promise<void> | void): void {
    this.queue = this.queue.then(async () => {
      if (this.closed) return;
      this.brake = new AbortController();
      try {
        await movement(this.brake.signal);
      } catch (error) {
        if (this.closed) return;
        if (!(error instanceof Cancelled)) this.failed(error);
        this.paused(this.position.spot);
      }
    });
  }
}
