import type { EventScope } from '../../replay/query/index.js';
import type { FormContext } from '../forms/context.js';
import type { Documents } from '../load/documents.js';
import type { Recording } from '../load/recording.js';

/** What breakpoints are tied to: the parts of an open recording that they need. */
export interface BindingSite {
  readonly recording: Recording;
  readonly documents: Documents;
  /** for conditions; searching moves it along */
  readonly searchScope: EventScope;
  /** of the present stop: what names in expressions refer to */
  readonly hereScope: EventScope;
  /** of the present stop: what descriptions are made from */
  readonly here: FormContext;
  /** all of the trace is there: what is missing now will not come */
  readonly complete: boolean;
}

/** What a breakpoint is told while no trace is open. */
export const NOT_YET = { verified: false, message: 'The trace is not open yet.', pending: true } as const;
