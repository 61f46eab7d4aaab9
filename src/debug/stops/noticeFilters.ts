import type { EventIndex } from '../../engine/ids.js';
import { aboutPage, type EventScope } from '../../replay/query/index.js';
import type { Notice, Notices, NoticeList } from '../../replay/view.js';
import type { FormContext } from '../forms/context.js';
import { collisionText, quadrantSkipText } from '../forms/notices.js';
import type { Recording } from '../load/recording.js';
import type { EventSet } from './eventSet.js';
import type { ExceptionFilter } from './exceptionFilters.js';

/** The filters for what the algorithm does in passing: nothing of it has an event of its own. */
export const NOTICE_FILTERS: readonly ExceptionFilter[] = [
  {
    filter: 'quadrant-skip',
    label: 'Quadrant skipped',
    description: 'a guest write passes a shadow page over, since the entry written lies in another quadrant of its table',
    isDefault: false,
    title: 'quadrant-skip',
    ...ofList('quadrantSkips', (_, ctx, notice) => quadrantSkipText(ctx, notice)),
  },
  {
    filter: 'hash-collision',
    label: 'Hash collision',
    description: 'the search for a shadow page goes past pages of other gfns in its bucket',
    isDefault: false,
    title: 'hash-collision',
    ...ofList('collisions', ({ replay, vm }, ctx, notice) => {
      const cursor = replay.cursor();
      cursor.seek(notice.event);
      return collisionText(ctx, cursor.hashBuckets(vm), notice);
    }),
  },
];

type Kind = keyof Notices;

/** A condition holds when it does for one of the pages: as if the event were about it. */
function ofList(
  kind: Kind,
  text: (recording: Recording, ctx: FormContext, notice: Notice) => string,
): Pick<ExceptionFilter, 'events' | 'views' | 'explain'> {
  const listOf = ({ replay, vm }: Recording): NoticeList | undefined => replay.notices(vm)?.[kind];
  return {
    events: (recording) => noticed(() => listOf(recording)),
    views: (recording, scope) => (listOf(recording)?.at(scope.event) ?? []).map(({ page }): EventScope => aboutPage(scope, page)),
    explain: (recording, ctx, event: EventIndex) =>
      (listOf(recording)?.at(event) ?? []).map((notice) => text(recording, ctx, notice)).join('; ') || undefined,
  };
}

/** The events of a list that grows with the replay. */
function noticed(list: () => NoticeList | undefined): EventSet {
  return {
    next(after, limit) {
      const all = list();
      const e = all?.eventAt(all.rank(after));
      return e !== undefined && e < limit ? e : undefined;
    },
    previous(before, floor) {
      const all = list();
      const e = all?.eventAt(all.rank(before - 1) - 1);
      return e !== undefined && e > floor ? e : undefined;
    },
  };
}
