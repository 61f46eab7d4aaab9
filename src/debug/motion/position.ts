import { BEFORE_FIRST, type EventIndex } from '../../engine/ids.js';
import type { EventScope } from '../../replay/query/index.js';
import type { Cursor } from '../../replay/cursor.js';
import type { FormContext } from '../forms/context.js';
import type { Recording } from '../load/recording.js';
import { EngineSteps } from './engineSteps.js';
import { eventAtSpot, type Spot } from './spot.js';

/** Where the debugger stands. "At event N" means that N has just happened. */
export class Position {
  /** shows the state after {@link event}; nobody else moves it */
  readonly cursor: Cursor;
  /** for text forms of the present state */
  readonly form: FormContext;
  /** for expressions about the present event */
  readonly scope: EventScope;
  /** for expressions about other events; has a cursor of its own */
  private readonly aside: EventScope;
  private readonly elsewhere: Cursor;
  private readonly earlier: Cursor;
  private at: EventIndex = BEFORE_FIRST;
  private here: Spot = BEFORE_FIRST;
  private before: EventIndex | null = null;
  readonly engine: EngineSteps;

  constructor(recording: Recording) {
    const { replay } = recording;
    this.engine = new EngineSteps(replay.trail);
    this.cursor = replay.cursor();
    this.elsewhere = replay.cursor();
    this.earlier = replay.cursor();
    this.form = { replay, cursor: this.cursor };
    this.scope = { replay, cursor: this.cursor, event: BEFORE_FIRST };
    this.aside = { replay, event: BEFORE_FIRST };
  }

  get event(): EventIndex {
    return this.at;
  }

  /** The stop before this one: what is shown as changed has changed since. null at the first. */
  get previousStop(): EventIndex | null {
    return this.before;
  }

  /** Where exactly: at the event, or at a step of the engine after it. */
  get spot(): Spot {
    return this.here;
  }

  /** A new stop. */
  moveTo(spot: Spot): void {
    const event = eventAtSpot(spot);
    // Stopping again at the same place changes nothing, and takes no marks off what did change.
    if (event !== this.at) this.before = this.at === BEFORE_FIRST ? null : this.at;
    this.at = event;
    this.here = spot;
    this.scope.event = event;
    const step = this.engine.at(spot);
    if (step) this.cursor.seekInside(event, step.record);
    else this.cursor.seek(event);
  }

  /** The scope of any event. */
  scopeAt(event: EventIndex): EventScope {
    if (event === this.at) return this.scope;
    this.aside.event = event;
    return this.aside;
  }

  /** For text forms of the state after another event; good until it is asked again. */
  formAt(event: EventIndex): FormContext {
    if (event === this.at) return this.form;
    this.elsewhere.seek(event);
    return { replay: this.form.replay, cursor: this.elsewhere };
  }

  /** For text forms of the state before an event; good until it is asked again. */
  formBefore(event: EventIndex): FormContext {
    this.earlier.seek((event - 1) as EventIndex);
    return { replay: this.form.replay, cursor: this.earlier };
  }
}
