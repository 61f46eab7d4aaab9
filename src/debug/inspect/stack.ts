import type { DebugProtocol as P } from '@vscode/debugprotocol';
import type { EventIndex } from '../../engine/ids.js';
import type { Documents } from '../load/documents.js';
import type { Recording } from '../load/recording.js';
import type { Client } from '../wire/client.js';
import { StaleError } from '../wire/errors.js';
import { eventFrame, exitFrame, faultFrame } from '../forms/stops.js';
import type { Position } from '../motion/position.js';
import { eventAtSpot, type Spot } from '../motion/spot.js';
import { Handles } from './handles.js';
import type { Threads } from './threads.js';

/** What a frame of a stack stands for: an event, whose line it shows. */
export interface Frame {
  readonly name: string;
  readonly event: EventIndex;
  /** a scenario: where the function was called */
  readonly spot?: Spot;
  readonly kind: 'event' | 'function' | 'fault' | 'exit';
}

/** Call stacks: the event, the kernel functions that were recorded with it or that the model went through, the fault and the VM exit it belongs to. */
export class Stacks {
  private readonly frames = new Handles<Frame>();

  constructor(
    private readonly recording: Recording,
    private readonly documents: Documents,
    private readonly position: Position,
    private readonly threads: Threads,
    private readonly client: Client,
  ) {}

  /** Frames are good for one stop. */
  clear(): void {
    this.frames.clear();
  }

  trace(args: P.StackTraceArguments): P.StackTraceResponse['body'] {
    const all = this.framesOf(this.threads.pidOf(args.threadId));
    const start = args.startFrame ?? 0;
    const wanted = all.slice(start, args.levels ? start + args.levels : undefined);
    return { stackFrames: wanted.map((frame) => this.show(frame)), totalFrames: all.length };
  }

  frame(id: number): Frame {
    const frame = this.frames.get(id);
    if (!frame) throw new StaleError('This frame belongs to an earlier stop.');
    return frame;
  }

  /** The event of a frame; without one, the event of the stop. */
  eventOf(frameId: number | undefined): EventIndex {
    return frameId === undefined ? this.position.event : this.frame(frameId).event;
  }

  /** Where going back to the start of a frame leads. */
  startOf(id: number): Spot {
    const { event, kind, spot } = this.frame(id);
    if (spot !== undefined) return spot;
    if (kind === 'fault' || kind === 'exit') return event;
    const { replay } = this.recording;
    return replay.faultOf(event)?.first ?? replay.exitOf(event) ?? event;
  }

  /** The last event of a task up to the stop, and what it happened in. */
  private framesOf(pid: number): Frame[] {
    const event = this.recording.lists.lastOf(pid, this.position.event) as EventIndex | undefined;
    if (event === undefined) return [];
    const { replay, table } = this.recording;
    const calls = this.callsAt(event);
    const frames: Frame[] =
      calls.length > 0 ? calls : [{ name: eventFrame(table, event), event, kind: 'event' }, ...this.functionsOf(event)];
    const fault = replay.faultOf(event);
    if (fault) frames.push({ name: faultFrame(fault), event: fault.first, kind: 'fault' });
    const exit = replay.exitOf(event);
    if (exit !== undefined && exit !== event) frames.push({ name: exitFrame(table, exit), event: exit, kind: 'exit' });
    return frames;
  }

  /** At a step of the engine: the function that is called there, and its callers. */
  private callsAt(event: EventIndex): Frame[] {
    const { engine, spot } = this.position;
    if (eventAtSpot(spot) !== event) return [];
    return engine.stackAt(spot).map((call) => ({ name: call.entry.text, event, spot: call.spot, kind: 'function' }));
  }

  /** The functions of the kernel that an event came about in: as recorded, else as the engine went through them. */
  private functionsOf(event: EventIndex): Frame[] {
    const { replay, table } = this.recording;
    const recorded = table.stack(event);
    if (recorded.length > 0) return recorded.map((name) => ({ name, event, kind: 'function' }));
    const calls = this.position.engine.stackOf(event);
    if (calls.length > 0) return calls.map(({ entry, spot }) => ({ name: entry.text, event, spot, kind: 'function' }));
    return replay.ledTo.framesOf(event).map((name) => ({ name: `${name} (model)`, event, kind: 'function' }));
  }

  private show(frame: Frame): P.StackFrame {
    // A function on top is where one stands.
    const isSubtle = frame.kind === 'function' && frame.spot !== this.position.spot;
    return {
      id: this.frames.add(frame),
      name: frame.name,
      ...this.documents.placeOf(frame.event),
      column: this.client.firstColumn,
      canRestart: true,
      ...(isSubtle && { presentationHint: 'subtle' as const }),
    };
  }
}
