import type { Form } from './forms.js';
import type { Shape } from './shape.js';

/** Arguments that a form has room for: as many as the longest event of the vocabulary has. */
export const SLOTS = 8;

/** In {@link ArgumentPlaces.places}, instead of a place: the value stands there. */
export const FIXED = -1;
/** For a low half: the trace does not give the argument. */
export const ABSENT = -2;
/** For a high half: all bits as the sign of the low half. */
export const SIGN = -2;

/**
 * Where the arguments of an event are, by the event's form: each of the two halves of 32 bits is stored with the event or is the same
 * in all events of the form. A condition on arguments that are fixed is decided once for a form.
 */
export class ArgumentPlaces {
  /**
   * Four numbers for each argument, at `(form * SLOTS + slot) * 4`: of the low half the place among the units that the event stores, or
   * {@link FIXED} or {@link ABSENT}, and its value if fixed (0 if absent; as a signed number); then both for the high half, with
   * {@link FIXED} or {@link SIGN}.
   */
  places = new Int32Array(64 * SLOTS * 4);

  /** Adds the next form. */
  add(id: number, { stored, values }: Form, { slots }: Shape): void {
    if (slots.length > SLOTS) throw new Error(`an event with more than ${SLOTS} arguments`);
    const size = SLOTS * 4;
    if ((id + 1) * size > this.places.length) {
      const old = this.places;
      this.places = new Int32Array(old.length * 2);
      this.places.set(old);
    }
    for (let slot = 0; slot < SLOTS; slot++) {
      const to = id * size + slot * 4;
      const place = slots[slot];
      this.places.set([ABSENT, 0, FIXED, 0], to);
      if (!place) continue;
      const half = (unit: number): [number, number] => {
        const at = stored.indexOf(unit);
        return at < 0 ? [FIXED, values[unit]!] : [at, 0];
      };
      this.places.set(half(place.at), to);
      if (place.wide) this.places.set(half(place.at + 1), to + 2);
      else if (place.signed) this.places[to + 2] = SIGN;
    }
  }
}
