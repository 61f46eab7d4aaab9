import type { Announcement, Came } from '../engine/announcement.js';
import type { EventIndex, Pfn } from '../engine/ids.js';
import type { WritableState } from '../engine/state.js';
import type { Happening, Input } from './happening.js';

type Recorded<T> = T extends Happening ? Omit<T, 'task' | 'statement'> : never;

/** Keeps all that takes place in a machine, in order, and the position of its journal with it. */
export class Recorder {
  readonly happenings: Happening[] = [];
  private statement = -1;
  /** statements are named by a scenario */
  private named = false;

  constructor(private readonly state: WritableState) {}

  /** A statement begins. */
  mark(task: number, line: number, text: string): void {
    this.named = true;
    this.begun(task, line, text);
  }

  /** An operation begins; without a scenario it is a statement of its own. */
  begin(task: number, text: string): void {
    if (!this.named) this.begun(task, 0, text);
  }

  /** What is done now has no event of its own: it shows with the next one. */
  beforeNext(): void {
    this.state.now = this.happenings.length as EventIndex;
  }

  input(task: number, input: Input): void {
    this.add(task, { kind: 'input', ...input });
  }

  /** An announced event takes place; what it came to is given to the answer once it has. */
  output(task: number, announced: Announcement): (came: Came, frame: Pfn | undefined) => void {
    const at = this.happenings.length;
    this.add(task, { kind: 'output', announced, page: 0 as Came['page'], index: -1, frame: undefined });
    return ({ page, index }, frame) => {
      this.happenings[at] = { ...this.happenings[at]!, page, index, frame } as Happening;
    };
  }

  private begun(task: number, line: number, text: string): void {
    this.statement++;
    this.add(task, { kind: 'marker', line, text });
  }

  private add(task: number, happening: Recorded<Happening>): void {
    this.state.now = this.happenings.length as EventIndex;
    this.happenings.push({ task, statement: this.statement, ...happening });
  }
}
