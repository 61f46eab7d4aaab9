import type { Finding } from '../../replay/view.js';

/** Exception cards (ui.md §12): a headline, then aligned pairs of label and text, last the rule. */

const HEAD_WIDTH = 20;
const LABEL_WIDTH = 10;

/** The card as text; the first pair is kind and headline. */
export function cardText(card: Finding['card']): string {
  return card.map(([label, text], i) => `${column(label, i === 0 ? HEAD_WIDTH : LABEL_WIDTH)}${text}`.trimEnd()).join('\n');
}

/** Padded; a label that is too long still keeps its distance. */
function column(label: string, width: number): string {
  return label.padEnd(Math.max(width, label.length + 2));
}

/** The card without its headline, for a view that shows the headline above. */
export function cardBody(card: Finding['card']): string {
  return cardText([['', ''], ...card.slice(1)]).trimStart();
}

/** `quadrant mismatch`, for the stop description */
export function findingWords(kind: string): string {
  return kind.replaceAll('-', ' ');
}
