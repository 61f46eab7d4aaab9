import type { Feature } from '../../engine/features.js';
import type { CellId, JournalGrowth } from '../../engine/journal.js';
import type { NoticeGrowth } from '../../engine/notices.js';
import type { PagesGrowth } from '../../engine/pages.js';
import type { Reason } from '../../engine/reasons.js';
import type { Tally } from '../accounts.js';
import type { NotesGrowth } from '../eventNotes.js';
import type { FindingsGrowth } from '../findings/findings.js';
import type { TaskPlace } from '../tasks.js';
import type { WayGrowth } from '../wayStore.js';

/**
 * What became of a history since the delta before: plain data that a thread can post to another. The bulk of it, the columns, is not in
 * here but in shared memory, of which only new buffers are named.
 */
export interface Delta {
  /** events 0..replayed-1 can be visited */
  readonly replayed: number;
  readonly journal: JournalGrowth;
  readonly pages: PagesGrowth;
  readonly notes: NotesGrowth;
  readonly ways: WayGrowth;
  /** new ones */
  readonly vms: readonly NewVm[];
  readonly vcpus: readonly NewVcpu[];
  /** by VM */
  readonly changes: readonly VmChange[];
  /** absent where they are as they were */
  readonly tasks?: Tasks;
  readonly findings: FindingsGrowth;
  readonly outputs: ReadonlyMap<string, Tally>;
  readonly reasons: ReadonlyMap<Reason, number>;
}

/** A VM, and the rules that its kernel is taken to have. */
export interface NewVm {
  readonly era: string;
  readonly features: readonly Feature[];
  readonly firstCell: CellId;
}

export interface NewVcpu {
  readonly vm: number;
  readonly id: number;
  readonly firstCell: CellId;
}

export interface VmChange {
  readonly incomplete: boolean;
  readonly quadrantSkips: NoticeGrowth;
  readonly collisions: NoticeGrowth;
}

export interface Tasks {
  readonly vmCount: number;
  readonly places: readonly TaskPlace[];
}
