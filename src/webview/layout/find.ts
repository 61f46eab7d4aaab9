import type { FindHit } from '../../protocol.js';
import { el, fill } from '../common/dom.js';

export interface FindEvents {
  find(query: string): void;
  open(hit: FindHit): void;
  closed(): void;
}

/** The box of Ctrl+F: an address, `gfn 2ced`, `pfn 16ceed` or a page name; several hits become a list. */
export class Find {
  readonly element = el('search', { class: 'find', hidden: true });
  private readonly input = el('input', {
    type: 'text',
    class: 'mono',
    spellcheck: 'false',
    placeholder: 'address, gfn 2ced, pfn 16ceed or page name',
    'aria-label': 'Find address, gfn, pfn or page',
  });
  private readonly list = el('div', { class: 'hits', role: 'listbox', 'aria-label': 'Hits' });
  private readonly message = el('div', { class: 'dim', role: 'status' });

  constructor(private readonly events: FindEvents) {
    this.element.append(this.input, this.message, this.list);
    this.input.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && this.input.value.trim() !== '') this.events.find(this.input.value.trim());
      else if (event.key === 'ArrowDown') this.item(0)?.focus();
      else return;
      event.preventDefault();
    });
    this.element.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      event.preventDefault();
      event.stopPropagation();
      this.close();
    });
    this.list.addEventListener('keydown', (event) => this.onListKey(event));
  }

  open(): void {
    this.element.hidden = false;
    this.input.focus();
    this.input.select();
  }

  close(): void {
    if (this.element.hidden) return;
    this.element.hidden = true;
    this.events.closed();
  }

  show(query: string, hits: FindHit[], message: string | undefined): void {
    if (query !== this.input.value.trim()) return;
    const [only] = hits;
    this.message.textContent = message ?? (hits.length === 0 ? `Nothing live is ${query}.` : '');
    if (only && hits.length === 1) {
      fill(this.list);
      this.events.open(only);
      return;
    }
    fill(this.list, ...hits.map((hit) => this.row(hit)));
    if (hits.length > 0) this.item(0)?.focus();
  }

  private row(hit: FindHit): HTMLElement {
    const row = el('div', { role: 'option', tabindex: -1, class: 'mono' }, hit.label);
    row.addEventListener('click', () => this.events.open(hit));
    row.addEventListener('keydown', (event) => event.key === 'Enter' && this.events.open(hit));
    return row;
  }

  private item(index: number): HTMLElement | undefined {
    return this.list.querySelectorAll<HTMLElement>('[role=option]')[index];
  }

  private onListKey(event: KeyboardEvent): void {
    const rows = [...this.list.querySelectorAll<HTMLElement>('[role=option]')];
    const at = rows.indexOf(document.activeElement as HTMLElement);
    if (event.key === 'ArrowUp' && at === 0) this.input.focus();
    else if (event.key === 'ArrowDown') rows[at + 1]?.focus();
    else if (event.key === 'ArrowUp') rows[at - 1]?.focus();
    else return;
    event.preventDefault();
  }
}
