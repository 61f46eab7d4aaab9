import type { EventColumns } from './eventColumns.js';

/** How many events there are of each form and of each context. Counts on from where it was asked last. */
export class Tally {
  readonly #columns: EventColumns;
  #forms: Float64Array = new Float64Array(0);
  #contexts: Float64Array = new Float64Array(0);
  #formsTo = 0;
  #contextsTo = 0;

  constructor(columns: EventColumns) {
    this.#columns = columns;
  }

  /** By form, of the first `length` events. */
  ofForms(length: number, forms: number): Float64Array {
    this.#forms = grown(this.#forms, forms);
    for (; this.#formsTo < length; this.#formsTo++) this.#forms[this.#columns.form(this.#formsTo)]!++;
    return this.#forms;
  }

  /** By context, of the first `length` events. */
  ofContexts(length: number, contexts: number): Float64Array {
    this.#contexts = grown(this.#contexts, contexts);
    for (; this.#contextsTo < length; this.#contextsTo++) this.#contexts[this.#columns.context(this.#contextsTo)]!++;
    return this.#contexts;
  }
}

function grown(counts: Float64Array, length: number): Float64Array {
  if (counts.length >= length) return counts;
  const larger = new Float64Array(length);
  larger.set(counts);
  return larger;
}
