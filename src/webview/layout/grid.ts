import { cellHover, cellLook } from './cells.js';
import { el, setText } from '../common/dom.js';
import { hex, indexName } from '../common/format.js';
import type { LayoutState, Part } from './state.js';
import { SPTES } from './state.js';

const COLUMNS = 16;
const ROWS = SPTES / COLUMNS;

export interface GridEvents {
  select(index: number, extend: boolean): void;
  openChild(index: number): void;
}

/**
 * The 512 SPTEs, 16 × 32, always. An index never moves, so the eye compares two stops without reading. The cells are made once; a step
 * repaints those that differ.
 */
export class Grid implements Part {
  readonly element = el('section', { class: 'entries' });
  private readonly grid = el('div', {
    class: 'grid',
    role: 'grid',
    'aria-rowcount': ROWS,
    'aria-colcount': COLUMNS,
    'aria-multiselectable': 'true',
    'aria-label': '512 SPTEs',
  });
  private readonly cells: HTMLElement[] = [];
  private readonly columnHeads: HTMLElement[] = [];
  private readonly rowHeads: { row: HTMLElement; index: HTMLElement; address: HTMLElement }[] = [];
  private readonly legend = el('span', { class: 'mono small' });
  private readonly looks = new Array<string>(SPTES).fill('');
  private selected: readonly [number, number] = [-1, -1];
  private stop = -1;
  private dragging = false;

  constructor(private readonly events: GridEvents) {
    this.element.append(
      el(
        'div',
        { class: 'sect grid-head' },
        el('span', {}, el('b', {}, '512 SPTEs'), ' · index and address at left · 8 | 8 is the prefetch group'),
        this.legend,
      ),
      this.grid,
    );
    this.build();
    this.listen();
  }

  focus(): void {
    this.cells[this.stop]?.focus({ preventScroll: false });
  }

  get hasFocus(): boolean {
    return this.grid.contains(document.activeElement);
  }

  update(state: LayoutState): void {
    this.grid.classList.toggle('pairs', state.pairs);
    setText(this.legend, state.pairs ? 'Tq0: table, child quadrant' : 'kind x u a/d');
    for (let index = 0; index < SPTES; index++) this.paint(state, index);
    this.updateSelection(state);
  }

  /** Only the selection is another one. */
  updateSelection(state: LayoutState): void {
    this.paintRulers(state);
    this.paintSelection(state);
  }

  private build(): void {
    const gap = () => el('i', { role: 'presentation' });
    const top = el('div', { class: 'row', role: 'presentation' }, el('span', { class: 'h' }));
    for (let column = 0; column < COLUMNS; column++) {
      const head = el('span', { class: 'h', 'aria-hidden': 'true' }, hex(column));
      this.columnHeads.push(head);
      if (column === 8) top.append(gap());
      top.append(head);
    }
    this.grid.append(top);
    for (let row = 0; row < ROWS; row++) {
      const index = el('span', {});
      const address = el('span', { class: 'address' });
      const head = el('span', { class: 'r', role: 'rowheader' }, index, address);
      const line = el('div', { class: 'row', role: 'row', 'aria-rowindex': row + 1 }, head);
      this.rowHeads.push({ row: head, index, address });
      for (let column = 0; column < COLUMNS; column++) {
        const cell = el('span', { role: 'gridcell', 'aria-colindex': column + 1, 'data-cell': row * COLUMNS + column, tabindex: -1 });
        this.cells.push(cell);
        if (column === 8) line.append(gap());
        line.append(cell);
      }
      this.grid.append(line);
    }
  }

  private listen(): void {
    const cellOf = (event: Event): number => {
      const cell = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-cell]') : null;
      return cell ? Number(cell.dataset.cell) : -1;
    };
    this.grid.addEventListener('mousedown', (event) => {
      const index = cellOf(event);
      if (index < 0 || event.button !== 0) return;
      event.preventDefault(); // the focus is set by hand, and no text is selected while dragging
      this.dragging = !event.shiftKey;
      this.events.select(index, event.shiftKey);
      this.focus();
    });
    this.grid.addEventListener('mousemove', (event) => {
      const index = cellOf(event);
      if (this.dragging && event.buttons === 1 && index >= 0 && index !== this.stop) this.events.select(index, true);
    });
    document.addEventListener('mouseup', () => (this.dragging = false));
    this.grid.addEventListener('dblclick', (event) => {
      const index = cellOf(event);
      if (index >= 0) this.events.openChild(index);
    });
    this.grid.addEventListener('mouseover', (event) => {
      const index = cellOf(event);
      const cell = this.cells[index];
      if (cell && this.shown) cell.title = cellHover(this.shown, index);
    });
  }

  /** the state last painted, for tooltips made on demand */
  private shown: LayoutState | null = null;

  private paint(state: LayoutState, index: number): void {
    const look = cellLook(state, index);
    const cell = this.cells[index];
    const key = `${look.classes}|${look.text}|${look.label}`;
    if (!cell || this.looks[index] === key) return;
    this.looks[index] = key;
    const selection = cell.classList.contains('selected') ? ' selected' : '';
    cell.className = look.classes + selection;
    setText(cell, look.text);
    cell.setAttribute('aria-label', look.label);
  }

  private paintRulers(state: LayoutState): void {
    this.shown = state;
    this.rowHeads.forEach(({ row, index, address }, i) => {
      setText(index, indexName(i * COLUMNS, state.decimal));
      setText(address, state.shape === 'narrow' ? '' : (state.address(i * COLUMNS) ?? ''));
      row.classList.toggle('on', i === state.selected >> 4);
    });
    this.columnHeads.forEach((head, i) => {
      setText(head, state.decimal ? String(i) : hex(i));
      head.classList.toggle('on', i === (state.selected & 15));
    });
  }

  private paintSelection(state: LayoutState): void {
    const [first, last] = state.range;
    if (first !== this.selected[0] || last !== this.selected[1]) {
      for (let i = Math.max(0, this.selected[0]); i <= this.selected[1]; i++) this.mark(i, false);
      for (let i = first; i <= last; i++) this.mark(i, true);
      this.selected = [first, last];
    }
    if (this.stop === state.selected) return;
    this.cells[this.stop]?.setAttribute('tabindex', '-1');
    this.cells[state.selected]?.setAttribute('tabindex', '0');
    this.stop = state.selected;
    if (this.hasFocus) this.focus();
  }

  private mark(index: number, selected: boolean): void {
    const cell = this.cells[index];
    cell?.classList.toggle('selected', selected);
    cell?.setAttribute('aria-selected', String(selected));
  }
}
