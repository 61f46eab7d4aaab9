import { EVENTS, Kind, specOf, type ArgSpec } from '../../trace/vocabulary.js';
import type { Role } from '../../engine/ids.js';
import type { EventSource } from './scope.js';

/** An argument of one event, as the trace gives it. */
export interface Argument {
  /** its name in the format file */
  readonly name: string;
  readonly type: ArgSpec['type'];
  readonly slot: number;
}

/** The arguments that the trace gives for an event, in the order of its format. */
export function argumentsOf(table: EventSource, e: number): Argument[] {
  return (specOf(table.kind(e))?.args ?? [])
    .map((arg, slot) => ({ name: arg.name, type: arg.type, slot }))
    .filter(({ slot }) => table.has(e, slot));
}

/** Reads the arguments of one event by name. Undefined where the trace does not give them; for the event on the screen only. */
export class ArgumentReader {
  private readonly slots: ReadonlyMap<string, number>;

  constructor(
    private readonly table: EventSource,
    private readonly event: number,
  ) {
    this.slots = new Map(argumentsOf(table, event).map((a) => [a.name, a.slot]));
  }

  num(name: string): number | undefined {
    const slot = this.slots.get(name);
    return slot === undefined ? undefined : this.table.num(this.event, slot);
  }
  word(name: string): bigint | undefined {
    const slot = this.slots.get(name);
    return slot === undefined ? undefined : this.table.word(this.event, slot);
  }
  text(name: string): string | undefined {
    const slot = this.slots.get(name);
    return slot === undefined ? undefined : this.table.string(this.event, slot);
  }
  role(name = 'role'): Role | undefined {
    return this.num(name) as Role | undefined;
  }
}

/** Every event name that the project understands. */
export const EVENT_NAMES: readonly string[] = EVENTS.map((e) => e.name);

export { Kind };
