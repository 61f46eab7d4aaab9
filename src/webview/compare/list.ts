import type { Difference } from '../../protocol.js';
import { el, fill } from '../common/dom.js';
import { count } from '../common/format.js';

const KINDS: Record<Difference['kind'], string> = { event: 'event', state: 'state', missing: 'only one' };

/** The differences as a list box: the arrow keys choose one, which is then shown above. */
export class DifferenceList {
  readonly element = el('ol', { class: 'list', role: 'listbox', 'aria-label': 'Differences', tabindex: 0 });
  private differences: readonly Difference[] = [];
  private chosen = 0;

  constructor(private readonly onChoose: (difference: Difference) => void) {
    this.element.addEventListener('keydown', (event) => this.onKey(event));
  }

  /** The one that is shown; undefined in an empty list. */
  get current(): Difference | undefined {
    return this.differences[this.chosen];
  }

  show(differences: readonly Difference[]): void {
    this.differences = differences;
    fill(this.element, ...differences.map((difference, at) => this.item(difference, at)));
    // After another comparison of the same runs one stays about where one was.
    this.choose(Math.min(this.chosen, Math.max(0, differences.length - 1)));
  }

  choose(at: number): void {
    const difference = this.differences[at];
    if (!difference) return;
    this.chosen = at;
    [...this.element.children].forEach((item, index) => item.setAttribute('aria-selected', String(index === at)));
    const item = this.element.children[at];
    if (item) this.element.setAttribute('aria-activedescendant', item.id);
    item?.scrollIntoView({ block: 'nearest' });
    this.onChoose(difference);
  }

  private item({ kind, summary, a, b, count: times }: Difference, at: number): HTMLElement {
    const places = [a, b].map(({ at: place }, side) => {
      const where = place === null ? '–' : count(place.event);
      return el('span', { class: 'at mono' }, `${side === 0 ? 'A' : 'B'} ${where}`);
    });
    const line = a.statement?.line ?? b.statement?.line;
    const item = el(
      'li',
      { role: 'option', id: `difference-${at}`, 'aria-selected': false },
      ...places,
      el('span', { class: 'line mono dim' }, line === undefined ? '' : `line ${count(line)}`),
      el('span', { class: 'kind dim' }, KINDS[kind]),
      el('span', { class: 'summary' }, times > 1 ? `${summary} (${count(times)} times)` : summary),
    );
    item.addEventListener('click', () => this.choose(at));
    return item;
  }

  private onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    const last = this.differences.length - 1;
    const { chosen } = this;
    const to = { ArrowDown: chosen + 1, ArrowUp: chosen - 1, PageDown: chosen + 8, PageUp: chosen - 8, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.choose(Math.max(0, Math.min(last, to)));
  }
}
