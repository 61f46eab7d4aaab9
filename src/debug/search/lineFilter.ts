import type { Part } from '../../trace/linePattern.js';
import type { EventTable } from '../../trace/table.js';

/**
 * Tells which events can have a text in their line at all, by what lines of their shape and context look like: most events need never be
 * rendered. It may say yes in vain, and never no.
 */
export class LineFilter {
  private readonly known = new Map<number, boolean>();
  private strings = -1;

  /** `text` in lower case where the case does not matter */
  constructor(
    private readonly table: EventTable,
    private readonly text: string,
    private readonly matchCase: boolean,
  ) {}

  mayHave(e: number): boolean {
    const { table, known } = this;
    // While a trace is being read there come more strings.
    if (table.stringCount !== this.strings) {
      known.clear();
      this.strings = table.stringCount;
    }
    const key = table.lineKind(e);
    let may = known.get(key);
    if (may === undefined) {
      may = new Automaton(table.linePattern(e), this.matchCase).finds(this.text);
      known.set(key, may);
    }
    return may;
  }
}

/** A state: what leads on to the next one, and where one may go without reading anything. */
interface State {
  /** a character, a set of them, any (true); undefined: nothing is read here */
  readonly reads: string | ReadonlySet<string> | true | undefined;
  next: number;
  readonly free: number[];
}

/** A nondeterministic automaton for the lines of a pattern. */
class Automaton {
  private readonly states: State[] = [];

  constructor(
    parts: readonly Part[],
    private readonly matchCase: boolean,
  ) {
    this.sequence(parts);
    this.add(undefined);
  }

  /** Whether some line of the pattern has `text` in it. */
  finds(text: string): boolean {
    // A text may begin anywhere.
    let here = new Set(this.states.keys());
    for (const char of chars(text)) {
      const there = new Set<number>();
      for (const at of here) {
        const { reads, next } = this.states[at]!;
        if (reads === true || reads === char || (typeof reads === 'object' && reads.has(char))) this.enter(next, there);
      }
      here = there;
      if (here.size === 0) return false;
    }
    return true;
  }

  private enter(at: number, states: Set<number>): void {
    if (states.has(at)) return;
    states.add(at);
    for (const next of this.states[at]?.free ?? []) this.enter(next, states);
  }

  private add(reads: State['reads']): State {
    const state: State = { reads, next: this.states.length + 1, free: [] };
    this.states.push(state);
    return state;
  }

  private sequence(parts: readonly Part[]): void {
    for (const part of parts) {
      if ('text' in part) for (const char of chars(this.folded(part.text))) this.add(char);
      else if ('either' in part) this.either(part.either);
      else this.repeated('anything' in part ? true : new Set(chars(this.folded(part.chars))));
    }
  }

  /** None, one or many of some characters. */
  private repeated(reads: true | ReadonlySet<string>): void {
    const state = this.add(reads);
    const beyond = state.next;
    state.next = beyond - 1;
    state.free.push(beyond);
  }

  private either(choices: readonly (readonly Part[])[]): void {
    const fork = this.add(undefined);
    const ends: State[] = [];
    for (const choice of choices) {
      fork.free.push(this.states.length);
      this.sequence(choice);
      ends.push(this.add(undefined));
    }
    for (const end of ends) end.free.push(this.states.length);
  }

  private folded(text: string): string {
    return this.matchCase ? text : text.toLowerCase();
  }
}

/** UTF-16 units, as texts are compared. */
function chars(text: string): string[] {
  return text.split('');
}
