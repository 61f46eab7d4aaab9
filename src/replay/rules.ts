import { eraFor, withFeatures, withoutFeatures, type Era } from '../engine/eras.js';
import type { Feature } from '../engine/features.js';
import type { TraceInfo } from '../trace/info.js';
import { likelyKernel } from './likelyKernel.js';

/** What a trace is replayed by, where that is not what it says of itself. */
export interface Rules {
  /** an era or a kernel version; "auto" for the trace's own */
  readonly kernel?: string | undefined;
  readonly without?: readonly Feature[] | undefined;
  readonly with?: readonly Feature[] | undefined;
}

/**
 * The rules of a trace's kernel. The trace of a scenario names them itself; a kernel that is asked for takes the place of its kernel, and
 * features are added to its own. One that is switched on and off is off.
 */
export function eraOf({ kernel, scenario }: TraceInfo, asked: Rules): Era {
  const wanted = asked.kernel === 'auto' ? undefined : asked.kernel;
  const era = eraFor(wanted ?? scenario?.kernel ?? likelyKernel(kernel));
  const off = [...(scenario?.without ?? []), ...(asked.without ?? [])];
  const on = [...(scenario?.with ?? []), ...(asked.with ?? [])];
  return off.length || on.length ? withoutFeatures(withFeatures(era, on), off) : era;
}
