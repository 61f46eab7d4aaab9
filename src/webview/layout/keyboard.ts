import type { Move } from './navigation.js';
import { moves } from './navigation.js';
import type { Lens } from './state.js';

/** What keys can do; the controller does it. */
export interface KeyTarget {
  move(move: Move, extend: boolean): void;
  openChild(): void;
  openParent(): void;
  openSibling(step: 1 | -1): void;
  setLens(lens: Lens): void;
  toggleLock(): void;
  toggleDecimal(): void;
  breakOnChange(): void;
  copy(): void;
  copyLink(): void;
  find(): void;
  currentStop(): void;
  toggleKeyList(): void;
  leave(): void;
}

interface Key {
  /** as {@link keyName} writes it */
  readonly key: string;
  readonly run: (target: KeyTarget) => void;
}

const move = (key: string, to: Move): Key[] => [
  { key, run: (target) => target.move(to, false) },
  { key: `Shift+${key}`, run: (target) => target.move(to, true) },
];

/** Keys while the grid has the focus (ui.md §4). */
const GRID_KEYS: readonly Key[] = [
  ...move('ArrowLeft', moves.left),
  ...move('ArrowRight', moves.right),
  ...move('ArrowUp', moves.up),
  ...move('ArrowDown', moves.down),
  ...move('PageUp', moves.pageUp),
  ...move('PageDown', moves.pageDown),
  ...move('Home', moves.rowStart),
  ...move('End', moves.rowEnd),
  { key: 'Ctrl+Home', run: (target) => target.move(moves.first, false) },
  { key: 'Ctrl+End', run: (target) => target.move(moves.last, false) },
  { key: 'n', run: (target) => target.move(moves.nextPresent, false) },
  { key: 'p', run: (target) => target.move(moves.previousPresent, false) },
  { key: 'c', run: (target) => target.move(moves.nextChanged, false) },
  { key: 'C', run: (target) => target.move(moves.previousChanged, false) },
  { key: 'x', run: (target) => target.move(moves.rangeBorder, false) },
  { key: 'Enter', run: (target) => target.openChild() },
  { key: 'Backspace', run: (target) => target.openParent() },
  { key: '[', run: (target) => target.openSibling(-1) },
  { key: ']', run: (target) => target.openSibling(1) },
  { key: '1', run: (target) => target.setLens('kind') },
  { key: '2', run: (target) => target.setLens('x') },
  { key: '3', run: (target) => target.setLens('u') },
  { key: '4', run: (target) => target.setLens('ad') },
  { key: '5', run: (target) => target.setLens('age') },
  { key: 'b', run: (target) => target.breakOnChange() },
];

/** Keys anywhere in the view. */
const VIEW_KEYS: readonly Key[] = [
  { key: 'k', run: (target) => target.toggleLock() },
  { key: 'h', run: (target) => target.toggleDecimal() },
  { key: '.', run: (target) => target.currentStop() },
  { key: '?', run: (target) => target.toggleKeyList() },
  { key: 'Ctrl+c', run: (target) => target.copy() },
  { key: 'Ctrl+Shift+c', run: (target) => target.copyLink() },
  { key: 'Ctrl+f', run: (target) => target.find() },
  { key: 'Escape', run: (target) => target.leave() },
];

/** The list that `?` shows. */
export const KEY_HELP: readonly (readonly [string, string])[] = [
  ['arrows  Home End  Ctrl+Home Ctrl+End  PgUp PgDn', 'move; with Shift select a range'],
  ['n  p', 'next, previous present entry'],
  ['c  C', 'next, previous changed entry'],
  ['x', 'next entry unlike its left neighbour'],
  ['Enter  Backspace', 'into the child, to the parent'],
  ['[  ]', 'sibling quadrant'],
  ['1  2  3  4  5', 'letter in narrow cells: kind, x, u, a/d, age'],
  ['b', 'break when the entry changes'],
  ['k', 'lock the view to this page'],
  ['h', 'hexadecimal or decimal'],
  ['.', 'page of the current stop'],
  ['Ctrl+F', 'find an address, gfn or page'],
  ['Ctrl+C  Ctrl+Shift+C', 'copy as text, as link'],
  ['Esc', 'back to the editor'],
];

/** `Ctrl+Shift+c`, `C`, `ArrowLeft`: printable keys carry Shift in themselves, Cmd counts as Ctrl. */
function keyName(event: KeyboardEvent): string {
  const control = event.ctrlKey || event.metaKey;
  const printable = event.key.length === 1;
  const shift = event.shiftKey && (!printable || control);
  const key = printable && control ? event.key.toLowerCase() : event.key;
  return `${control ? 'Ctrl+' : ''}${shift ? 'Shift+' : ''}${key}`;
}

/**
 * VS Code listens at the window and runs its own commands on the keys that arrive there, so keys that are taken here end here; all others,
 * F10 and its like, go on to it.
 */
export function listenToKeys(view: HTMLElement, inGrid: () => boolean, target: KeyTarget): void {
  view.addEventListener('keydown', (event) => {
    if (event.altKey || event.defaultPrevented || event.target instanceof HTMLInputElement) return;
    const name = keyName(event);
    const found = (inGrid() ? GRID_KEYS.find(({ key }) => key === name) : undefined) ?? VIEW_KEYS.find(({ key }) => key === name);
    if (!found) return;
    event.preventDefault();
    event.stopPropagation();
    found.run(target);
  });
}
