import { el, fill } from '../common/dom.js';
import { count, hex } from '../common/format.js';
import { Roving } from '../common/roving.js';
import { KINDS } from './kinds.js';
import { pageLink } from './links.js';
import type { LayoutState, Part } from './state.js';

/** All parents and the key to the letters: the foot of the left column where there are three. */
export class Aside implements Part {
  readonly element = el('aside', {});
  private readonly parents = el('div', { class: 'parents' });
  private readonly roving = new Roving(this.parents);

  constructor() {
    this.element.append(this.parents, letters());
  }

  update(state: LayoutState): void {
    this.element.hidden = state.shape !== 'columns';
    const parents = state.page?.parents ?? [];
    if (this.element.hidden) return;
    const focused = this.roving.focused;
    fill(
      this.parents,
      parents.length > 0 && el('div', { class: 'sect' }, el('span', {}, el('b', {}, 'Parents'), ` ${count(parents.length)}`)),
      ...parents.map(({ page, index, vcpu }) =>
        el(
          'div',
          { class: 'mono' },
          pageLink(page, `${page.name} [${hex(index, 3)}]`, index),
          vcpu !== undefined && el('span', { class: 'dim' }, ` vCPU ${vcpu}`),
        ),
      ),
    );
    this.roving.refresh();
    this.roving.focus(focused);
  }
}

function letters(): HTMLElement {
  const rows = [...KINDS].filter(([kind]) => kind !== '?');
  return el(
    'div',
    { class: 'letters' },
    el('div', { class: 'sect' }, el('b', {}, 'Letters')),
    ...rows.map(([kind, { meaning, style }]) => el('div', {}, el('i', { class: `sw ${style}` }, kind), meaning)),
  );
}
