import type { PageModel } from '../../protocol.js';
import { el } from '../common/dom.js';
import { indexName, plural } from '../common/format.js';
import { kindWords } from './kinds.js';
import type { LayoutState } from './state.js';

/** So many entries are named; a screen reader would go on for minutes about a whole page. */
const NAMED = 5;

/** Says politely what a step did: `2 entries changed: 0ed writable, 152 write-protected`. */
export class Announcer {
  readonly element = el('div', { class: 'spoken', role: 'status', 'aria-live': 'polite' });

  page(state: LayoutState, page: PageModel, other: boolean): void {
    const what = other ? `${page.page.name}. ` : '';
    this.say(what + changes(state));
  }

  say(text: string): void {
    this.element.textContent = text;
  }
}

function changes(state: LayoutState): string {
  const indices = [...state.changed].sort((a, b) => a - b);
  if (indices.length === 0) return 'No entry changed';
  const named = indices.slice(0, NAMED).map((i) => `${indexName(i, state.decimal)} ${kindWords(state.entries.get(i)?.kind ?? '·').short}`);
  const rest = indices.length - named.length;
  return `${plural(indices.length, 'entry', 'entries')} changed: ${named.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}
