import type { EntryModel, SpteKind } from '../../protocol.js';
import { indexName } from '../common/format.js';
import { kindWords } from './kinds.js';
import type { LayoutState, Lens } from './state.js';

/** What one cell shows. Two equal looks need no repaint. */
export interface CellLook {
  text: string;
  /** class names without the selection */
  classes: string;
  label: string;
}

export function cellLook(state: LayoutState, index: number): CellLook {
  const entry = state.entries.get(index);
  const changed = state.changed.has(index);
  return { text: text(state, entry), classes: classes(state, entry, changed), label: label(state, index, entry, changed) };
}

function text(state: LayoutState, entry: EntryModel | undefined): string {
  if (!entry) return '·';
  const letters = state.shape === 'narrow' ? narrowLetter(state, entry) : entry.wide;
  return entry.grade === 'contradicted' ? `≠${letters}` : letters;
}

/** Positions of the four letters: kind, x, u, d/a. Tables (`Tq0`) have only a kind. */
const LENS_POSITION: Record<Exclude<Lens, 'age'>, number> = { kind: 0, x: 1, u: 2, ad: 3 };

function narrowLetter(state: LayoutState, entry: EntryModel): string {
  if (state.lens === 'kind' || entry.kind === '?') return entry.kind;
  if (state.lens === 'age') return age(state, entry);
  if (entry.kind === 'T') return 'T';
  return entry.wide[LENS_POSITION[state.lens]] ?? entry.kind;
}

/** Age lens: how many decimal digits the distance from the last write has; `0` = written by the event just happened. */
function age(state: LayoutState, entry: EntryModel): string {
  if (entry.setBy === undefined || entry.setBy < 0 || !state.page) return '?';
  const events = state.page.event.event - entry.setBy;
  return events <= 0 ? '0' : String(String(events).length);
}

function classes(state: LayoutState, entry: EntryModel | undefined, changed: boolean): string {
  const kind: SpteKind = entry?.kind ?? '·';
  const names = ['cell', kindWords(kind).style];
  if (changed) names.push('changed');
  if (entry && entry.wide.startsWith('M!')) names.push('stale');
  if (entry?.grade === 'contradicted') names.push('contradicted');
  // Links and write protection are derived all the time, and one missing input puts whole pages in doubt; a dot under each of those would
  // say nothing. The entry's value, tooltip and details carry it.
  if (entry?.grade === 'assumed') names.push('doubtful');
  if (state.filter !== null && state.filter !== kind) names.push('filtered');
  return names.join(' ');
}

function label(state: LayoutState, index: number, entry: EntryModel | undefined, changed: boolean): string {
  const parts = [indexName(index, state.decimal), state.address(index), kindWords(entry?.kind ?? '·').spoken];
  if (entry?.child) parts.push(`child ${entry.child.name}`);
  else if (entry?.gfn !== undefined) parts.push(`gfn ${entry.gfn}`);
  if (entry?.doubt !== undefined) parts.push(entry.doubt);
  if (changed) parts.push('changed');
  return parts.filter((part) => part !== undefined).join(', ');
}

/** One line for the tooltip of a cell. */
export function cellHover(state: LayoutState, index: number): string {
  const entry = state.entries.get(index);
  const line = entry?.hover ?? [`[${indexName(index, state.decimal)}]`, state.address(index), 'empty'].filter(Boolean).join(' ');
  return entry?.doubt === undefined ? line : `${line}\n${entry.doubt}`;
}
