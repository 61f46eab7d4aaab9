import type { EventIndex } from '../../engine/ids.js';
import { count } from '../forms/numbers.js';
import { RequestError } from '../wire/errors.js';
import type { Recording } from './recording.js';

const ADVICE = 'write an event number (300,045), a time (34.467238) or a percentage (79.6%)';

/** The event that an event number, a time in seconds or a percentage of the trace names; the nearest one for the last two. */
export function eventAt(text: string, recording: Recording): EventIndex {
  const plain = text.trim().replace(/[,_\s]/g, '');
  const last = recording.end - 1;
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(plain);
  if (percent) {
    const share = Number(percent[1]) / 100;
    if (share > 1) throw new RequestError(`'${text}' is beyond the end of the trace.`);
    return Math.round(share * last) as EventIndex;
  }
  if (/^\d+$/.test(plain)) {
    const event = Number(plain);
    if (event > last) throw new RequestError(`There is no event ${text.trim()}: the last one is ${count(last)}.`);
    return event as EventIndex;
  }
  if (/^\d+\.\d+$/.test(plain)) return atTime(plain, recording);
  throw new RequestError(`'${text}' names no event: ${ADVICE}.`);
}

/** The last event at or before a time. Times are compared as text has them: nanoseconds, never as floating point. */
function atTime(seconds: string, { table, end }: Recording): EventIndex {
  const [whole, fraction = ''] = seconds.split('.');
  const wanted = BigInt(whole!) * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, '0'));
  let low = 0;
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (table.time(middle) <= wanted) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1) as EventIndex;
}
