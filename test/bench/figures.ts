import type { BundleSize } from './bundle.js';
import type { Timing } from './outside.js';
import type { Cost } from './scaling.js';
import type { SessionFigures } from './session.js';

/** All that is measured of one trace. */
export interface TraceFigures {
  /** without its folder */
  readonly name: string;
  readonly events: number;
  /** size of the file, and of the text that grep and wc read; bytes */
  readonly bytes: number;
  readonly textBytes: number | undefined;
  /** whole programs, by name: {@link READ}, {@link CHECK}, and those of others that are installed */
  readonly programs: ReadonlyMap<string, Timing>;
  readonly session: SessionFigures;
}

export interface Figures {
  readonly traces: readonly TraceFigures[];
  readonly costs: { readonly name: string; readonly sizes: readonly Cost[] };
  readonly bundle: BundleSize;
  readonly activation: { readonly load: number; readonly activate: number };
}

export const READ = 'info: read';
export const CHECK = 'check: read, replay, predict';
export const REPORT = 'trace-cmd report';
export const GREP = 'grep -c';
export const WC = 'wc -l';
