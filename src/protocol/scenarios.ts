/** Scenarios in the editor, and runs that are compared. Their requests need no launch: any adapter answers them, also one that runs in the background. */
import type { EventRef } from './pages.js';

/** A place in the text of a scenario: line from 0, character in UTF-16 units from 0, as editors count. */
export interface TextPosition {
  line: number;
  character: number;
}

/** From the first character to the one after the last. */
export interface TextRange {
  start: TextPosition;
  end: TextPosition;
}

/** What is wrong with a scenario, and where. */
export interface ScenarioProblem {
  range: TextRange;
  severity: 'error' | 'warning';
  /** `expected a feature, found 'quadrant-fliter'; did you mean 'quadrant-filter'?` */
  message: string;
}

/** An entry of the outline: a slot, a vCPU, or a comment that heads the statements below it. */
export interface ScenarioSymbol {
  name: string;
  kind: 'slot' | 'vcpu' | 'heading';
  range: TextRange;
}

export type CompletionKind = 'keyword' | 'feature' | 'kernel' | 'event' | 'flag' | 'field' | 'name' | 'snippet';

/** Something that may stand at the position asked about. */
export interface ScenarioCompletion {
  label: string;
  kind: CompletionKind;
  /** what takes the place of `range`; with placeholders `${1:gfn}` where `snippet` is set. Absent: the label */
  insert?: string;
  snippet?: boolean;
  /** what is replaced; absent: the word before the position */
  range?: TextRange;
  /** a few words beside the label */
  detail?: string;
  /** a sentence or two */
  documentation?: string;
}

/** A word of a scenario explained: what is written first stands in code type, then come sentences. */
export interface ScenarioHover {
  range: TextRange;
  code?: string;
  text: string;
}

/** A scenario or a recording, and the rules it runs under. */
export interface RunChoice {
  /** path of a `.mmu` scenario or of a trace */
  file: string;
  /** the scenario's text, where it is not what the file on disk says */
  text?: string;
  /** an era's name or a kernel version; absent: what the file says */
  kernel?: string;
  /** features switched off besides those that the file itself switches off */
  without?: string[];
  with?: string[];
}

/** What a run was made with, as the answer to a {@link RunChoice}. */
export interface RunLabel {
  /** name for headings: `quadrant.mmu, 2.6.24 without quadrant-filter` */
  title: string;
  file: string;
  kernel: string;
  without: string[];
  with: string[];
  events: number;
}

/** An `expect` that failed, or what stopped a run. Line and column from 1. */
export interface ScenarioFailure {
  line: number;
  column: number;
  message: string;
  expected?: string;
  found?: string;
  /** event after which it was seen */
  event: number;
}

/** One run's side of a {@link Difference}. */
export interface DifferenceSide {
  /** the event to travel to: the one that differs, or after which the state does, else the last one before the place; null at the beginning */
  at: EventRef | null;
  /** the event as the kernel prints it, without task and time; null where this run has no such event */
  text: string | null;
  /** the statement of the scenario that it belongs to; line from 1 */
  statement?: { line: number; text: string };
}

/** A place where two runs of the same guest part. */
export interface Difference {
  /** `event`: another event, or other fields. `state`: equal events that leave another state. `missing`: one run has more */
  kind: 'event' | 'state' | 'missing';
  /** one sentence: `A zaps SPTE 001 of 5 L1 q0, B leaves it` */
  summary: string;
  a: DifferenceSide;
  b: DifferenceSide;
  /** what differs: name of a field or place (`spte`, `5 L1 q0 [000]`), its value in A and in B; null where there is none */
  fields: { name: string; a: string | null; b: string | null }[];
  /** features in which the runs differ and that can make it */
  features: string[];
  /** so many differences are of this sort; this is the first */
  count: number;
}
