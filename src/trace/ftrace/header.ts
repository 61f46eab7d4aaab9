import { startsWith, textOf } from '../bytes.js';
import type { KernelEvidence } from '../evidence.js';
import type { ScenarioInfo } from '../info.js';
import { parseScenarioHeader } from './heading.js';

/** Bytes of a header line that are looked at: room for the names of all features. */
const LONGEST = 4000;

/** What the `#` lines of a trace file say. */
export class Header {
  /** `entries-in-buffer/entries-written`, summed over headers; undefined without one */
  entries: { inBuffer: number; written: number } | undefined;
  /** there is a heading of columns, so lines have columns */
  columns = false;
  /** `# tracer:` was there, so the file is a trace even when it holds nothing else */
  tracer = false;
  /** the rules of the scenario that the trace was written by */
  scenario: ScenarioInfo | undefined;
  /** what that names and nobody knows */
  readonly unknown: string[] = [];
  readonly #evidence: KernelEvidence;

  constructor(evidence: KernelEvidence) {
    this.#evidence = evidence;
  }

  /** Reads one line beginning with `#`; how many events the buffer had lost before its first one, by this line. */
  line(bytes: Uint8Array, from: number, to: number): number {
    // Nearly all header lines are drawings; these are not.
    const text = textOf(bytes, from, Math.min(to, from + LONGEST));
    if (startsWith(bytes, '# tracer:', from)) this.tracer = true;
    const counts = /^# entries-in-buffer\/entries-written: (\d+)\/(\d+)/.exec(text) ?? /^# latency: \d+ us, #(\d+)\/(\d+)/.exec(text);
    const release = /^# \S+ latency trace v\S+ on (\S+)/.exec(text);
    if (release) this.#evidence.release(release[1]!);
    const named = parseScenarioHeader(text);
    if (named) {
      this.scenario ??= named.scenario;
      this.unknown.push(...named.unknown);
      if (named.scenario) this.#evidence.era(named.scenario.kernel);
    }
    if (/TASK-PID|cmd +pid/.test(text)) this.columns = true;
    if (!counts) return 0;
    const [inBuffer, written] = [Number(counts[1]), Number(counts[2])];
    this.entries = { inBuffer: (this.entries?.inBuffer ?? 0) + inBuffer, written: (this.entries?.written ?? 0) + written };
    return Math.max(0, written - inBuffer);
  }
}
