import type { EventIndex, PageId, SpteIndex } from '../../engine/ids.js';
import type { RoleLayout } from '../../engine/roleLayout.js';
import type { Kind } from '../../trace/vocabulary.js';
import type { EntryView, Finding, PageHeader, PageIdentity, PageView, VcpuInfo } from '../view.js';

/**
 * What a condition looks at. The interfaces are the narrow sides of EventTable, Replay and Cursor, so that conditions can be
 * tested without a recording.
 */
export interface TraceFacts {
  readonly layout: RoleLayout;
  readonly roles: 'exact' | 'printed' | 'partial';
  readonly kernel: { readonly text: string; readonly from: string; readonly to: string };
}

export interface EventSource {
  readonly info: TraceFacts;
  readonly length: number;
  /** events of one form have kind, name and the arguments that are given in common */
  formOf(e: number): number;
  kind(e: number): Kind;
  name(e: number): string;
  pid(e: number): number;
  comm(e: number): string;
  tgid(e: number): number | undefined;
  cpu(e: number): number;
  /** events of one context have pid, comm, tgid, CPU and the way to print times in common */
  contextOf(e: number): number;
  time(e: number): bigint;
  /** the same, where a double holds it */
  shortTime(e: number): number | undefined;
  timeText(e: number): string;
  isInSeconds(e: number): boolean;
  line(e: number): number | undefined;
  has(e: number, slot: number): boolean;
  /** all events of the form have the same there */
  isFixed(e: number, slot: number): boolean;
  num(e: number, slot: number): number;
  low(e: number, slot: number): number;
  high(e: number, slot: number): number;
  word(e: number, slot: number): bigint;
  string(e: number, slot: number): string;
  message(e: number): string;
}

export interface StateSource {
  readonly event: EventIndex;
  seek(event: EventIndex): void;
  livePages(vm: number): readonly PageId[];
  page(id: PageId): PageView;
  header(id: PageId): PageHeader;
  entry(id: PageId, index: SpteIndex): EntryView;
  entries(id: PageId): readonly EntryView[];
  spteKind(id: PageId, entry: EntryView): string;
  baseAddress(id: PageId): bigint | undefined;
}

export interface ReplaySource {
  readonly table: EventSource;
  vmOf(e: EventIndex): number | undefined;
  vcpuOf(e: EventIndex): VcpuInfo | undefined;
  pageOf(e: EventIndex): PageId;
  spteOf(e: EventIndex): { readonly page: PageId; readonly index: SpteIndex } | undefined;
  findingAt(e: EventIndex): Finding | undefined;
  faultOf(e: EventIndex): { readonly first: EventIndex; readonly address: bigint; readonly error: number } | undefined;
  /** what a page is, where that is the same at all times; undefined where events contradict each other about it */
  identityOf(page: PageId): PageIdentity | undefined;
  cursor(): StateSource;
}

/**
 * One event to hold a condition against. Made once and moved from event to event: set `event`, test again.
 * `cursor` belongs to the scope: a condition on state seeks it to `event` when, and only when, it gets so far.
 */
export interface EventScope {
  readonly replay: ReplaySource;
  cursor?: StateSource;
  event: EventIndex;
}

/** The state after the scope's event. */
export function stateOf(scope: EventScope): StateSource {
  const cursor = (scope.cursor ??= scope.replay.cursor());
  if (cursor.event !== scope.event) cursor.seek(scope.event);
  return cursor;
}
