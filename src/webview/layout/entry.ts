import type { BitModel, EntryDetail } from '../../protocol.js';
import { el, fill } from '../common/dom.js';
import { count, framesInBase, groups, indexName, withoutFrame } from '../common/format.js';
import { Roving } from '../common/roving.js';
import { eventLink, pageLink } from './links.js';
import type { LayoutState, Part } from './state.js';

const HISTORY_SHOWN = 5;

/** The selected entry, decoded: address, value, the twelve low bits, what it maps and who set it (ui.md §5). */
export class Entry implements Part {
  readonly element = el('section', { class: 'entry', 'aria-label': 'Selected entry' });
  private readonly roving = new Roving(this.element);

  update(state: LayoutState): void {
    const { page } = state;
    if (!page) return;
    const focused = this.roving.focused;
    // While the answer for a new selection is under way, the old picture stays: the new one is there before the eye has moved.
    const detail = state.status === 'stopped' || state.detail?.index === state.selected ? state.detail : withoutAdapter(state);
    if (detail) fill(this.element, ...this.content(state, detail));
    this.roving.refresh();
    this.roving.focus(focused);
  }

  private content(state: LayoutState, detail: EntryDetail): (HTMLElement | null)[] {
    return [
      el(
        'h2',
        {},
        el('span', { class: 'mono' }, `[${indexName(detail.index, state.decimal)}]`),
        detail.address !== undefined && el('span', { class: 'mono' }, detail.address),
        detail.guestEntry !== '' && el('span', { class: 'mono dim' }, detail.guestEntry),
      ),
      value(detail),
      bitStrip(detail.bits),
      ...facts(state, detail),
      setBy(detail),
      history(detail),
    ];
  }
}

/** What the page alone tells about the selected entry, while there is no adapter to ask. */
function withoutAdapter(state: LayoutState): EntryDetail {
  const { selected: index } = state;
  const entry = state.entries.get(index) ?? null;
  const address = state.address(index);
  return {
    index,
    ...(address === undefined ? {} : { address }),
    guestEntry: '',
    entry,
    bits: [],
    rows: [{ label: '', text: entry?.hover ?? 'Empty.' }],
    setBy: null,
    historyTotal: 0,
    history: [],
    text: entry?.hover ?? '',
  };
}

/** Class and mark of a value by how far it can be trusted (ui.md §3). */
function graded(grade: string | undefined): { class: string; mark: string } {
  switch (grade) {
    case 'derived':
    case 'assumed':
      return { class: ' derived', mark: '' };
    case 'unknown':
      return { class: ' unknown', mark: '' };
    case 'contradicted':
      return { class: ' contradicted', mark: '≠ ' };
    default:
      return { class: '', mark: '' };
  }
}

function value({ entry }: EntryDetail): HTMLElement | null {
  if (!entry) return null;
  const digits = entry.value ?? (entry.flags === undefined ? '?'.repeat(16) : withoutFrame(entry.flags));
  const { class: style, mark } = graded(entry.grade);
  return el('div', { class: 'val mono' }, mark, el('span', { class: style.trim(), title: entry.doubt }, groups(digits)));
}

function bitStrip(bits: readonly BitModel[]): HTMLElement | null {
  const low = bits.filter((bit) => bit.short !== undefined);
  if (low.length === 0) return null;
  return el('div', { class: 'bits', role: 'list', 'aria-label': 'Bits 11 to 0' }, ...low.map(bitBox));
}

function bitBox(bit: BitModel): HTMLElement {
  const classes = ['bit', bit.value === '1' && 'one', bit.changed && 'chg', bit.value === '?' && 'unknown'].filter(Boolean).join(' ');
  return el(
    'div',
    {
      class: classes,
      role: 'listitem',
      title: `bit ${bit.bits} ${bit.name}: ${bit.meaning}`,
      'aria-label': `bit ${bit.bits} ${bit.name} ${bit.value}${bit.changed ? ', changed' : ''}`,
    },
    el('i', {}, bit.bits),
    bit.short ?? '',
    el('b', {}, bit.value),
  );
}

/** Rows whose first word is a picture of letters or a number and whose rest explains it. */
const FIRST_WORD_MONO = new Set(['Rights']);
const ALL_MONO = new Set(['Maps', 'Table']);

function facts(state: LayoutState, detail: EntryDetail): HTMLElement[] {
  const out: HTMLElement[] = [];
  let list: HTMLElement | null = null;
  for (const row of detail.rows) {
    // `Changed` and sentences without a label span the width; everything else is a pair in a list
    if (row.label === '' || row.label === 'Changed') {
      list = null;
      out.push(row.label === '' ? el('div', { class: 'why' }, row.text) : changedRow(row.text));
      continue;
    }
    if (!list) out.push((list = el('dl', { class: 'kv' })));
    const style = graded(row.grade);
    list.append(
      el('dt', {}, row.label),
      el('dd', { class: `${ALL_MONO.has(row.label) ? 'mono' : ''}${style.class}` }, style.mark, ...rowContent(state, row)),
    );
  }
  return out;
}

type Row = EntryDetail['rows'][number];

function rowContent(state: LayoutState, row: Row): (HTMLElement | string)[] {
  const [first = '', ...rest] = framesInBase(row.text, state.decimal).split('\n');
  const further = rest.flatMap((line) => [el('br'), el('span', { class: 'dim mono' }, line)]);
  if (row.page) {
    const named = first.startsWith(row.page.name);
    const after = named ? first.slice(row.page.name.length) : ` ${first}`;
    return [pageLink(row.page), el('span', { class: 'dim' }, after), ...further];
  }
  if (FIRST_WORD_MONO.has(row.label) && /^[-rwxuRX?]{4}( |$)/.test(first)) {
    return [el('span', { class: 'mono' }, first.slice(0, 4)), el('span', { class: 'dim' }, first.slice(4)), ...further];
  }
  return [first, ...further];
}

/** `16ceeda61 → 16ceede63 +mw +W`: values plain, the letters of the bits dim. */
function changedRow(text: string): HTMLElement {
  const [, values, letters] = /^(\S+ → \S+)(.*)$/.exec(text) ?? [text, '', text];
  return el(
    'div',
    { class: 'why' },
    el('b', {}, 'Changed'),
    ' ',
    values !== '' && el('span', { class: 'mono' }, values),
    el('span', { class: 'dim' }, letters),
  );
}

function setBy({ setBy: by }: EntryDetail): HTMLElement | null {
  if (!by) return null;
  const place = [by.vcpu, by.at.line !== undefined && `line ${count(by.at.line)}`].filter(Boolean).join(', ');
  return el(
    'dl',
    { class: 'kv' },
    el('dt', {}, 'Set by'),
    el(
      'dd',
      {},
      eventLink(by.at),
      ' ',
      el('span', { class: graded(by.grade).class.trim() }, by.name),
      el('br'),
      el('span', { class: 'dim' }, place),
    ),
  );
}

function history({ history: items, historyTotal }: EntryDetail): HTMLElement | null {
  if (items.length === 0) return null;
  return el(
    'div',
    {},
    el(
      'div',
      { class: 'sect' },
      el('span', {}, el('b', {}, 'History'), ` ${count(historyTotal)} ${historyTotal === 1 ? 'change' : 'changes'}`),
    ),
    el(
      'div',
      { class: 'hist' },
      ...items
        .slice(0, HISTORY_SHOWN)
        .flatMap((item) => [
          el('div', {}, eventLink(item.at)),
          el('div', { class: `mono${graded(item.grade).class}` }, item.value ?? ''),
          el('div', { class: 'dim' }, item.what),
        ]),
    ),
  );
}
