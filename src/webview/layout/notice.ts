import type { ToLayout } from '../../protocol.js';
import { el, fill } from '../common/dom.js';
import type { LayoutState, Part } from './state.js';

/** Nothing to show yet: one sentence and one link (ui.md §3). */
export class Empty implements Part {
  readonly element = el('section', { class: 'empty' });

  constructor(private readonly openRoot: () => void) {}

  update(state: LayoutState): void {
    this.element.hidden = state.page !== null;
    if (this.element.hidden) return;
    if (state.status !== 'stopped') {
      fill(this.element, 'The debugger is not stopped.');
      return;
    }
    const link = el('a', { role: 'link', tabindex: 0 }, 'open the root of this vCPU');
    link.addEventListener('click', this.openRoot);
    link.addEventListener('keydown', (event) => event.key === 'Enter' && this.openRoot());
    fill(this.element, 'No shadow page selected. Select one under Shadow pages, or ', link, '.');
  }
}

type BusyState = Extract<ToLayout, { type: 'busy' }>['busy'];

/** Below this a busy sign would only flicker. */
const DIM_AFTER_MS = 150;
const WORDS_AFTER_MS = 1000;

/**
 * While a request is under way the old picture stays: dimmed after 150 ms with a hairline of progress, in words and with Cancel after a
 * second.
 */
export class Busy {
  readonly element = el('div', { class: 'busy', hidden: true });
  private readonly line = el('div', { class: 'hairline' }, el('div', {}));
  private readonly words = el('div', { class: 'words', role: 'status' });
  private dim: ReturnType<typeof setTimeout> | undefined;
  private say: ReturnType<typeof setTimeout> | undefined;
  private busy: BusyState = null;

  constructor(
    private readonly view: HTMLElement,
    private readonly cancel: (id: string) => void,
  ) {
    this.element.append(this.line, this.words);
  }

  set(busy: BusyState): void {
    const was = this.busy;
    this.busy = busy;
    if (!busy) return this.stop();
    if (!was) {
      this.dim = setTimeout(() => this.show(), DIM_AFTER_MS);
      this.say = setTimeout(() => (this.words.hidden = false), WORDS_AFTER_MS);
      this.words.hidden = true;
    }
    this.paint(busy);
  }

  private show(): void {
    this.view.classList.add('waiting');
    this.element.hidden = false;
  }

  private stop(): void {
    clearTimeout(this.dim);
    clearTimeout(this.say);
    this.view.classList.remove('waiting');
    this.element.hidden = true;
  }

  private paint(busy: NonNullable<BusyState>): void {
    const bar = this.line.firstElementChild as HTMLElement;
    bar.style.width = `${(busy.fraction ?? 1) * 100}%`;
    const { cancel } = busy;
    const button = cancel === undefined ? null : el('button', { class: 'link' }, 'Cancel');
    button?.addEventListener('click', () => cancel !== undefined && this.cancel(cancel));
    fill(this.words, busy.text, ' ', button);
  }
}
