import { el, fill } from '../common/dom.js';
import type { LayoutState, Part } from './state.js';

/** Every bit and field of the selected entry: bit, name, value, meaning. Wide views only. */
export class AllBits implements Part {
  readonly element = el('section', { class: 'all-bits', 'aria-label': 'All bits' });

  update(state: LayoutState): void {
    const bits = state.detail?.bits ?? [];
    this.element.hidden = state.shape === 'narrow' || bits.length === 0;
    if (this.element.hidden) return;
    fill(
      this.element,
      el('div', { class: 'sect' }, el('b', {}, 'All bits')),
      el(
        'div',
        { class: 'bit-list', role: 'table', 'aria-label': 'All bits' },
        ...bits.map((bit) =>
          el(
            'div',
            { role: 'row' },
            el('span', { role: 'cell', class: 'dim mono' }, bit.bits),
            el('span', { role: 'cell' }, bit.name),
            el('b', { role: 'cell', class: bit.changed ? 'mono chg' : 'mono' }, bit.value),
            el('span', { role: 'cell', class: 'dim' }, bit.meaning),
          ),
        ),
      ),
    );
  }
}
