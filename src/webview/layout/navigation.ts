import type { LayoutState } from './state.js';
import { SPTES } from './state.js';

/** Where the selection goes from `state.selected`; undefined: nowhere, stay. */
export type Move = (state: LayoutState) => number | undefined;

const COLUMNS = 16;

const by =
  (step: number): Move =>
  ({ selected }) => {
    const to = selected + step;
    return to >= 0 && to < SPTES ? to : undefined;
  };

/** Like {@link by}, but a jump beyond an end stops at the first or last row in the same column. */
const rows =
  (step: number): Move =>
  ({ selected }) => {
    const row = Math.max(0, Math.min(SPTES / COLUMNS - 1, Math.floor(selected / COLUMNS) + step));
    return row * COLUMNS + (selected % COLUMNS);
  };

const next = (indices: Iterable<number>, from: number): number | undefined => [...indices].sort((a, b) => a - b).find((i) => i > from);
const previous = (indices: Iterable<number>, from: number): number | undefined => [...indices].sort((a, b) => b - a).find((i) => i < from);

/** What makes a range end: another kind or other letters. */
const look = (state: LayoutState, index: number): string => state.entries.get(index)?.wide ?? '·';

export const moves = {
  left: by(-1),
  right: by(1),
  up: by(-COLUMNS),
  down: by(COLUMNS),
  pageUp: rows(-8),
  pageDown: rows(8),
  rowStart: ({ selected }) => selected - (selected % COLUMNS),
  rowEnd: ({ selected }) => selected - (selected % COLUMNS) + COLUMNS - 1,
  first: () => 0,
  last: () => SPTES - 1,
  nextPresent: ({ entries, selected }) => next(entries.keys(), selected),
  previousPresent: ({ entries, selected }) => previous(entries.keys(), selected),
  // changes are few and scattered: go round
  nextChanged: ({ changed, selected }) => next(changed, selected) ?? next(changed, -1),
  previousChanged: ({ changed, selected }) => previous(changed, selected) ?? previous(changed, SPTES),
  rangeBorder: (state) => {
    for (let i = state.selected + 1; i < SPTES; i++) if (look(state, i) !== look(state, i - 1)) return i;
    return undefined;
  },
} satisfies Record<string, Move>;

/** The live neighbour in the quadrant picture, `step` places to the right. */
export function sibling(state: LayoutState, step: 1 | -1): number | undefined {
  const boxes = state.page?.quadrants?.boxes ?? [];
  const at = boxes.findIndex((box) => box.page?.id === state.page?.page.id);
  for (let i = at + step; at >= 0 && i >= 0 && i < boxes.length; i += step) {
    const page = boxes[i]?.page;
    if (page) return page.id;
  }
  return undefined;
}
