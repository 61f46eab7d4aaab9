import { Kind, SpSlot } from '../../trace/vocabulary.js';
import type { Finding } from '../../replay/view.js';
import type { EventIndex } from '../../engine/ids.js';
import type { EventScope } from '../../replay/query/index.js';
import type { FormContext } from '../forms/context.js';
import type { Recording } from '../load/recording.js';
import { NOTICE_FILTERS } from './noticeFilters.js';
import { only, union, type EventSet } from './eventSet.js';

/** An exception filter: a kind of event, or of finding, that is worth a stop. */
export interface ExceptionFilter {
  readonly filter: string;
  readonly label: string;
  readonly description: string;
  readonly isDefault: boolean;
  /** what a stop is called, after `exception:`; absent where the event says it better */
  readonly title?: string;
  events(recording: Recording): EventSet;
  /** what a condition is held against at one of the events; one that fits is enough. Absent: the event itself */
  views?(recording: Recording, scope: EventScope): readonly EventScope[];
  /** the title at one of the events, where that is another */
  titleAt?(recording: Recording, event: EventIndex): string | undefined;
  /** what happened at one of the events, where that itself does not tell; the context stands there */
  explain?(recording: Recording, ctx: FormContext, event: EventIndex): string | undefined;
}

/** The filter that has the state checked while a trace is loaded. */
export const INVARIANT = 'invariant';

/** kind of the findings that a scenario itself makes */
const EXPECT = 'expect';

/** Findings that have a filter of their own. All others are what `prediction` is for. */
const OWN_FILTER: ReadonlySet<string> = new Set(['quadrant-mismatch', INVARIANT, 'lost-events']);

export const EXCEPTION_FILTERS: readonly ExceptionFilter[] = [
  {
    filter: 'role-allocation',
    label: 'Role allocation',
    description: 'kvm_mmu_get_page makes a new shadow page',
    isDefault: false,
    title: 'role-allocation',
    events: ({ lists, table }) => only(lists.ofKind(Kind.getPage), (e) => table.num(e, SpSlot.created) === 1),
  },
  {
    filter: 'quadrant-mismatch',
    label: 'Quadrant mismatch',
    description: 'a shadow page has another quadrant than its place in the parent says',
    isDefault: true,
    title: 'quadrant-mismatch',
    events: (recording) => findings(recording, ({ kind }) => kind === 'quadrant-mismatch'),
  },
  {
    filter: 'zap',
    label: 'Zap',
    description: 'kvm_mmu_prepare_zap_page and kvm_mmu_zap_all_fast',
    isDefault: false,
    events: ({ lists }) => union([lists.ofKind(Kind.prepareZap), lists.ofKind(Kind.zapAllFast)]),
  },
  {
    filter: 'unsync',
    label: 'Unsync',
    description: 'kvm_mmu_unsync_page: from here the guest may write its table unseen',
    isDefault: false,
    title: 'unsync',
    events: ({ lists }) => lists.ofKind(Kind.unsyncPage),
  },
  {
    filter: 'mmio',
    label: 'MMIO',
    description: 'mark_mmio_spte, check_mmio_spte and handle_mmio_page_fault',
    isDefault: false,
    title: 'mmio',
    events: ({ lists }) => union([Kind.markMmio, Kind.checkMmio, Kind.handleMmio].map((kind) => lists.ofKind(kind))),
  },
  {
    filter: 'prediction',
    label: 'Prediction failed',
    description: 'the kernel recorded something else than the model of its algorithm predicts',
    isDefault: true,
    title: 'prediction',
    events: (recording) => findings(recording, ({ kind }) => !OWN_FILTER.has(kind)),
    titleAt: ({ replay }, event) => (replay.findingAt(event, EXPECT) ? 'failed-expect' : undefined),
  },
  {
    filter: INVARIANT,
    label: 'Invariant violated',
    description: 'the state breaks a rule that a shadow MMU keeps at all times: I-1 to I-53',
    isDefault: true,
    title: INVARIANT,
    events: (recording) => findings(recording, ({ kind }) => kind === INVARIANT),
  },
  {
    filter: 'lost-events',
    label: 'Lost events',
    description: 'the ring buffer overran: events are missing before this one',
    isDefault: true,
    title: 'lost-events',
    events: ({ lists }) => lists.lost,
  },
  ...NOTICE_FILTERS,
];

/** Events of the findings of some kinds. Findings come in event order; the list grows with the replay. */
function findings({ replay }: Recording, test: (finding: Finding) => boolean): EventSet {
  const found = (from: number, step: 1 | -1, within: (e: number) => boolean): number | undefined => {
    for (let i = from; i >= 0 && i < replay.findings.length; i += step) {
      const finding = replay.findings[i]!;
      if (!within(finding.event)) return undefined;
      if (test(finding)) return finding.event;
    }
    return undefined;
  };
  return {
    next: (after, limit) => found(rank(replay.findings, after), 1, (e) => e < limit),
    previous: (before, floor) => found(rank(replay.findings, before - 1) - 1, -1, (e) => e > floor),
  };
}

/** How many findings are at or before `event`. */
function rank(all: readonly Finding[], event: number): number {
  let low = 0;
  let high = all.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (all[middle]!.event <= event) low = middle + 1;
    else high = middle;
  }
  return low;
}
