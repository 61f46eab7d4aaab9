import { el } from '../common/dom.js';
import { count } from '../common/format.js';
import type { EventRef, PageRef } from '../../protocol.js';

/**
 * Every number that is an event or a page is a link (ui.md §1.6). Links carry where they lead in data attributes; one listener on the
 * document follows them, so parts can be repainted without wiring anything up again.
 */
export function eventLink(at: EventRef, text = count(at.event)): HTMLElement {
  return el(
    'a',
    { role: 'link', tabindex: -1, 'data-event': at.event, title: at.line === undefined ? undefined : `line ${count(at.line)}` },
    text,
  );
}

export function pageLink(page: PageRef, text = page.name, index?: number): HTMLElement {
  return el('a', { role: 'link', tabindex: -1, 'data-page': page.id, 'data-index': index }, text);
}

export interface LinkTargets {
  open(page: number, index: number | undefined, beside: boolean): void;
  goTo(event: number, beside: boolean): void;
  /** the trace line of an event, to be shown as the tooltip of the link */
  line(event: number): void;
}

const target = (event: Event): HTMLElement | SVGElement | null =>
  event.target instanceof Element ? event.target.closest<HTMLElement | SVGElement>('[data-event],[data-page]') : null;

function follow(link: HTMLElement | SVGElement, beside: boolean, targets: LinkTargets): void {
  const { event, page, index } = link.dataset;
  if (event !== undefined) targets.goTo(Number(event), beside);
  else if (page !== undefined) targets.open(Number(page), index === undefined ? undefined : Number(index), beside);
}

export function followLinks(root: HTMLElement, targets: LinkTargets): void {
  root.addEventListener('click', (event) => {
    const link = target(event);
    if (link) follow(link, event.ctrlKey || event.metaKey, targets);
  });
  root.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter') return;
    const link = target(event);
    if (!link) return;
    event.preventDefault();
    follow(link, event.ctrlKey || event.metaKey, targets);
  });
  root.addEventListener('mouseover', (event) => {
    const link = target(event);
    if (link?.dataset.event !== undefined && link.dataset.line === undefined) {
      link.dataset.line = 'asked';
      targets.line(Number(link.dataset.event));
    }
  });
}

/** The answer to {@link LinkTargets.line}: a title on every link to that event. */
export function setLine(root: HTMLElement, event: number, text: string): void {
  for (const link of root.querySelectorAll<HTMLElement>(`a[data-event="${event}"]`)) link.title = text;
}
