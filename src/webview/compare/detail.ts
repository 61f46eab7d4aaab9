import type { Difference, DifferenceSide, Side } from '../../protocol.js';
import { el } from '../common/dom.js';
import { count } from '../common/format.js';
import { wordPieces, type Piece } from './words.js';

export type Go = (side: Side, event: number) => void;

/** One difference side by side: statement, event, and every field or place that is not the same. */
export function detailOf(difference: Difference, go: Go): HTMLElement {
  const { a, b } = difference;
  // Of an event that only one run has, every field is in that one only: its line says it all.
  const both = a.text !== null && b.text !== null;
  const fields = difference.fields.filter((field) => both || (field.a !== null && field.b !== null));
  // Against nothing, nothing is marked: all of it is what differs.
  const [left, right] = a.text === null || b.text === null ? [plain(a), plain(b)] : wordPieces(a.text, b.text);
  return el(
    'section',
    { class: 'detail', 'aria-label': difference.summary },
    el('h2', {}, difference.summary),
    el('div', { class: 'sides' }, sideOf('a', a, left, go), sideOf('b', b, right, go)),
    fields.length > 0 &&
      el(
        'table',
        { class: 'fields' },
        el('thead', {}, el('tr', {}, ...['', 'A', 'B'].map((name) => el('th', { scope: 'col' }, name)))),
        el('tbody', {}, ...fields.map(({ name, ...values }) => row(name, values.a, values.b))),
      ),
  );
}

const plain = ({ text }: DifferenceSide): Piece[] => [{ text: text ?? '', differs: false }];

function sideOf(side: Side, { at, text, statement }: DifferenceSide, pieces: readonly Piece[], go: Go): HTMLElement {
  const name = side.toUpperCase();
  return el(
    'div',
    { class: `side ${side}`, role: 'group', 'aria-label': name },
    el('div', { class: 'where' }, el('b', {}, name), at && eventButton(side, at.event, go)),
    statement && el('div', { class: 'statement mono' }, el('span', { class: 'dim' }, `line ${count(statement.line)}  `), statement.text),
    text === null
      ? el('div', { class: 'dim' }, 'no such event here')
      : el('div', { class: 'event mono' }, ...pieces.map(({ text: piece, differs }) => (differs ? el('mark', {}, piece) : piece))),
  );
}

function eventButton(side: Side, event: number, go: Go): HTMLElement {
  const label = `Debug ${side.toUpperCase()} at event ${count(event)}`;
  const button = el('button', { class: 'go', 'data-side': side, title: `${label} (${side})` }, label);
  button.addEventListener('click', () => go(side, event));
  return button;
}

function row(name: string, a: string | null, b: string | null): HTMLElement {
  const cell = (value: string | null): HTMLElement => el('td', value === null ? { class: 'dim' } : {}, value ?? '–');
  return el('tr', {}, el('th', { scope: 'row' }, name), cell(a), cell(b));
}
