import type { EventIndex, Gfn, PageId, SpteIndex } from '../../engine/ids.js';
import type { ReplaySource, StateSource } from '../../replay/query/scope.js';
import { spteFormatOfTrace, type SpteFormat } from '../../replay/query/spteBits.js';
import type { RoleLayout } from '../../replay/query/roles.js';
import type { EntryView, PageView } from '../../replay/view.js';

/** What the forms read of a cursor: one state, and the way that led to it. The narrow side of replay's Cursor. */
export interface FormState extends StateSource {
  roots(vm: number): readonly { readonly vcpu: number; readonly pages: readonly PageId[] }[];
  pagesOfGfn(vm: number, gfn: Gfn): readonly PageId[];
  mappers(vm: number, gfn: Gfn): readonly { readonly page: PageId; readonly index: SpteIndex }[];
  changedSince(id: PageId, event: EventIndex): readonly { readonly index: SpteIndex; readonly before: EntryView }[];
  history(id: PageId, index: SpteIndex): readonly { readonly event: EventIndex; readonly entry: EntryView; readonly why: string }[];
  memory(id: PageId): Uint8Array;
}

/** Everything a form is made from. Forms never move the cursor; what is printed is the state where it stands. */
export interface FormContext {
  readonly replay: ReplaySource;
  readonly cursor: FormState;
}

export function layoutOf(ctx: FormContext): RoleLayout {
  return ctx.replay.table.info.layout;
}

export function formatOf(ctx: FormContext): SpteFormat {
  return spteFormatOfTrace(ctx.replay.table.info);
}

/** The VM of a page: that of the task which made it. */
export function vmOfPage(ctx: FormContext, page: PageView): number {
  return (page.born >= 0 ? ctx.replay.vmOf(page.born) : undefined) ?? vmAt(ctx);
}

/** The VM that the cursor's event belongs to; the first one where it belongs to none. */
export function vmAt(ctx: FormContext): number {
  return (ctx.cursor.event >= 0 ? ctx.replay.vmOf(ctx.cursor.event) : undefined) ?? 0;
}
