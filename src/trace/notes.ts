import type { TraceNote } from './info.js';

type Place = Omit<TraceNote, 'text'>;

/** Collects what a reader wants to say. Things of one kind become one note, at the place of the first, so that a thousand broken lines are one sentence. */
export class NoteBook {
  readonly #notes = new Map<string, { place: Place; count: number; text: (count: number) => string }>();
  #damaged = false;

  /** Something worth knowing. `text` says it for so many cases. */
  remark(kind: string, place: Place, text: (count: number) => string): void {
    const note = this.#notes.get(kind);
    if (note) note.count++;
    else this.#notes.set(kind, { place, count: 1, text });
  }

  /** The same, and part of the trace is missing or cannot be trusted. */
  damage(kind: string, place: Place, text: (count: number) => string): void {
    this.#damaged = true;
    this.remark(kind, place, text);
  }

  get damaged(): boolean {
    return this.#damaged;
  }

  list(): TraceNote[] {
    return [...this.#notes.values()].map(({ place, count, text }) => ({ text: text(count), ...place }));
  }
}

/** `1 line`, `12 lines` */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
