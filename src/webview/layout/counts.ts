import type { SpteKind } from '../../protocol.js';
import { el, fill, setText } from '../common/dom.js';
import { count, hex, plural, size } from '../common/format.js';
import { KINDS, kindWords } from './kinds.js';
import { eventLink } from './links.js';
import { Roving } from '../common/roving.js';
import type { LayoutState, Part } from './state.js';
import { SPTES } from './state.js';

export interface CountEvents {
  filter(kind: SpteKind): void;
  nextChange(): void;
}

/** How many entries of which kind there are: counts, legend and filter in one (ui.md §5). */
export class Counts implements Part {
  readonly element = el('section', { class: 'counts', 'aria-label': 'Kinds of entries' });
  private readonly roving = new Roving(this.element);

  constructor(events: CountEvents) {
    this.element.addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest<HTMLElement>('button') : null;
      if (button?.dataset.kind) events.filter(button.dataset.kind as SpteKind);
      else if (button?.classList.contains('changes')) events.nextChange();
    });
  }

  update(state: LayoutState): void {
    const { page } = state;
    if (!page) return;
    const focused = this.roving.focused;
    const present = state.entries.size;
    fill(
      this.element,
      el('div', { class: 'sect' }, el('span', {}, el('b', {}, count(present)), ` of ${SPTES} present`), changes(state)),
      el('div', { class: 'legend' }, ...legend(state)),
    );
    this.roving.refresh();
    this.roving.focus(focused);
  }
}

function changes(state: LayoutState): HTMLElement | null {
  const since = state.page?.previousStop;
  if (!since) return null;
  const n = state.changed.size;
  if (n === 0) return el('span', {}, 'none changed since ', eventLink(since));
  return el(
    'span',
    {},
    el(
      'button',
      { class: 'sw changed changes', title: 'Go to the next changed entry (c)', 'aria-label': `${n} changed, go to the next` },
      String(n),
    ),
    'changed since ',
    eventLink(since),
  );
}

function legend(state: LayoutState): HTMLElement[] {
  const counts = new Map<SpteKind, number>();
  for (const entry of state.entries.values()) counts.set(entry.kind, (counts.get(entry.kind) ?? 0) + 1);
  return [...KINDS.keys()]
    .filter((kind) => counts.has(kind))
    .map((kind) => {
      const { short, style } = kindWords(kind);
      const on = state.filter === kind;
      return el(
        'button',
        {
          class: state.filter === null || on ? 'kind' : 'kind filtered',
          'data-kind': kind,
          'aria-pressed': String(on),
          title: on ? 'Show all kinds' : `Dim all but ${short}`,
        },
        el('i', { class: `sw ${style}` }, kind),
        `${count(counts.get(kind) ?? 0)} ${short}`,
      );
    });
}

/** `8 SPTEs, 32 K, R`: what a range of entries amounts to. Empty while one entry is selected. */
export class RangeStatus implements Part {
  readonly element = el('div', { class: 'range-status', role: 'status', hidden: true });

  update(state: LayoutState): void {
    const [first, last] = state.range;
    this.element.hidden = first === last || !state.page;
    if (this.element.hidden) return;
    const kinds = new Set<SpteKind>();
    for (let i = first; i <= last; i++) kinds.add(state.entries.get(i)?.kind ?? '·');
    const n = last - first + 1;
    setText(
      this.element,
      `[${hex(first, 3)}–${hex(last, 3)}] ${plural(n, 'SPTE', 'SPTEs')}, ${size(state.span * BigInt(n))}, ${[...kinds].join(' ')}`,
    );
  }
}
