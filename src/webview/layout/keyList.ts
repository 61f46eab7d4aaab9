import { el } from '../common/dom.js';
import { KEY_HELP } from './keyboard.js';

/** The keys of this view, over it while `?` is on. */
export class KeyList {
  readonly element = el(
    'div',
    { class: 'key-list', role: 'dialog', 'aria-label': 'Keys of the SPTE layout', tabindex: -1, hidden: true },
    el('b', {}, 'Keys'),
    el('dl', {}, ...KEY_HELP.flatMap(([keys, text]) => [el('dt', { class: 'mono' }, keys), el('dd', {}, text)])),
  );
  private before: Element | null = null;

  get open(): boolean {
    return !this.element.hidden;
  }

  toggle(): void {
    if (this.open) return this.close();
    this.before = document.activeElement;
    this.element.hidden = false;
    this.element.focus();
  }

  close(): void {
    this.element.hidden = true;
    if (this.before instanceof HTMLElement) this.before.focus();
  }
}
