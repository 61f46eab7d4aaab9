/** Where two runs part: the chosen difference side by side, below it the list of all. Runs in a webview panel. */
import type { Difference, FromCompare, RunLabel, Side, ToCompare } from '../protocol.js';
import { detailOf } from './compare/detail.js';
import { DifferenceList } from './compare/list.js';
import { differenceText } from './compare/text.js';
import { el, fill, setText } from './common/dom.js';
import { count, plural } from './common/format.js';

interface Host {
  postMessage(message: FromCompare): void;
}
declare function acquireVsCodeApi(): Host;

const host = acquireVsCodeApi();
const KEYS = '↑ ↓ choose · Enter or a: debug A there · Shift+Enter or b: debug B there · r again · Ctrl+C copy · Esc editor';

const names = { a: el('span', { class: 'name mono' }), b: el('span', { class: 'name mono' }) };
const status = el('p', { class: 'status', role: 'status' });
const detail = el('div', { 'aria-live': 'polite' });
const list = new DifferenceList((difference) => fill(detail, detailOf(difference, go)));
const keys = el('p', { class: 'keys dim' }, KEYS);
const main = el('main', {}, status, detail, list.element, keys);
let labels: { a: RunLabel; b: RunLabel } | undefined;

function go(side: Side, event: number): void {
  host.postMessage({ type: 'go', side, event });
}

/** To the chosen difference in one of the runs; where that one has ended, nowhere. */
function goThere(side: Side): void {
  const at = list.current?.[side].at;
  if (at) go(side, at.event);
}

function copy(): void {
  // What is selected with the mouse is copied as it is.
  if (!list.current || !labels || getSelection()?.toString()) return;
  host.postMessage({ type: 'copy', text: differenceText(labels.a, labels.b, list.current) });
}

const rules = ({ kernel, without, with: more }: RunLabel): string =>
  [`kernel ${kernel}`, ...without.map((feature) => `without ${feature}`), ...more.map((feature) => `with ${feature}`)].join(', ');

/** Those of a sort are one line of the list; of very many sorts only the first are there. */
function listedText(differences: readonly Difference[], total: number): string {
  const listed = differences.reduce((sum, { count: times }) => sum + times, 0);
  if (listed < total) return `, the first ${count(listed)} of them listed`;
  return differences.length < total ? ` of ${plural(differences.length, 'sort', 'sorts')}` : '';
}

function compared(a: RunLabel, b: RunLabel, differences: Difference[], total: number): void {
  labels = { a, b };
  for (const [side, label] of [
    ['a', a],
    ['b', b],
  ] as const) {
    setText(names[side], label.title);
    names[side].title = `${label.file}\n${rules(label)}\n${plural(label.events, 'event', 'events')}`;
  }
  setText(
    status,
    total === 0
      ? `No difference: ${plural(a.events, 'event', 'events')}, and the states after them, are the same.`
      : `${plural(total, 'difference', 'differences')}${listedText(differences, total)}.`,
  );
  list.element.hidden = keys.hidden = total === 0;
  if (total === 0) fill(detail);
  list.show(differences);
  if (total > 0) list.element.focus();
}

window.addEventListener('message', ({ data }: MessageEvent<ToCompare>) => {
  switch (data.type) {
    case 'comparing':
      setText(names.a, data.a);
      setText(names.b, data.b);
      setText(status, 'Comparing …');
      return;
    case 'compared':
      status.removeAttribute('data-failed');
      return compared(data.a, data.b, data.differences, data.total);
    case 'failed':
      status.setAttribute('data-failed', '');
      setText(status, data.message);
      fill(detail);
      list.element.hidden = keys.hidden = true;
  }
});

document.addEventListener('keydown', (event) => {
  const { key, ctrlKey, metaKey, altKey, shiftKey } = event;
  if ((ctrlKey || metaKey) && key === 'c') return copy();
  if (ctrlKey || metaKey || altKey) return;
  // Enter on a button is that button's.
  const onButton = document.activeElement instanceof HTMLButtonElement;
  if (key === 'a') goThere('a');
  else if (key === 'b') goThere('b');
  else if (key === 'Enter' && !onButton) goThere(shiftKey ? 'b' : 'a');
  else if (key === 'r') host.postMessage({ type: 'again' });
  else if (key === 'Escape') host.postMessage({ type: 'leave' });
});

document.body.append(el('header', {}, el('b', {}, 'A'), names.a, el('b', {}, 'B'), names.b), main);
host.postMessage({ type: 'ready' });
