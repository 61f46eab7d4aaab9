import { el, fill, svg } from '../common/dom.js';
import { kindWords } from './kinds.js';
import { Roving } from '../common/roving.js';
import type { LayoutState, Part } from './state.js';
import { SPTES } from './state.js';
import type { QuadrantBox, QuadrantPicture } from '../../protocol.js';

const HEIGHT = 102;
const STRIP = { top: 2, bottom: 22, tickTop: 5, tickBottom: 19 };
const BOX = { top: 44, height: 54, gap: 6 };

/**
 * One guest table of 1024 four-byte entries, and the two or four shadow pages it is spread over (ui.md §5): the strip above is the
 * guest's table, wedges join each part of it with the shadow page below that stands for it.
 */
export class Quadrants implements Part {
  readonly element = el('section', { class: 'quadrants', 'aria-label': 'Quadrants' });
  private readonly roving = new Roving(this.element);
  private drawn: { picture: QuadrantPicture; page: number; width: number } | null = null;

  constructor() {
    this.element.addEventListener('keydown', (event) => {
      if (event.key === ' ' && event.target instanceof SVGElement) event.target.dispatchEvent(new MouseEvent('click', { bubbles: true }));
    });
  }

  update(state: LayoutState): void {
    const { page } = state;
    this.element.toggleAttribute('hidden', !page?.quadrants && !page?.oneToOne);
    if (!page) return;
    if (!page.quadrants) {
      this.drawn = null;
      fill(this.element, page.oneToOne !== undefined && el('div', { class: 'sect' }, page.oneToOne));
      return;
    }
    const width = state.shape === 'columns' ? 292 : Math.min(state.room, 614);
    if (this.drawn?.picture === page.quadrants && this.drawn.width === width && this.drawn.page === page.page.id) return;
    const focused = this.roving.focused;
    fill(this.element, caption(page.quadrants), draw(page.quadrants, page.page.id, width));
    this.drawn = { picture: page.quadrants, page: page.page.id, width };
    this.roving.refresh();
    this.roving.focus(focused);
  }
}

function caption({ caption: text, note }: QuadrantPicture): HTMLElement {
  const [, words, name] = /^(.*?)((?:gPDE )?[0-9a-f]+)$/.exec(text) ?? [text, text, ''];
  return el('div', { class: 'sect' }, el('span', {}, words, el('b', {}, name)), el('span', { class: 'mono small' }, note));
}

function draw(picture: QuadrantPicture, shown: number, width: number): SVGElement {
  const { boxes, ranges } = picture;
  const part = width / boxes.length;
  const boxWidth = (width - BOX.gap * (boxes.length - 1)) / boxes.length;
  const misplaced = boxes.filter((box) => box.derivedQuadrant !== undefined);
  const drawing = svg('svg', {
    class: 'qp',
    viewBox: `0 0 ${width} ${HEIGHT}`,
    width,
    height: HEIGHT,
    role: 'group',
    'aria-label': picture.caption,
  });
  boxes.forEach((box, i) => {
    const on = box.page?.id === shown;
    const left = i * part;
    const x = i * (boxWidth + BOX.gap);
    drawing.append(
      svg('path', {
        class: on ? 'wire on' : 'wire',
        d: `M${left} ${STRIP.bottom} L${left + part} ${STRIP.bottom} L${x + boxWidth} ${BOX.top} L${x} ${BOX.top} Z`,
      }),
      svg('rect', { class: on ? 't on' : 't', x: left + 1, y: STRIP.top, width: part - 2, height: STRIP.bottom - STRIP.top }),
      ...ticks(box, left, part),
      svg('text', { class: boxes.length === 4 ? 'd small' : 'd', x: left + part / 2, y: 37, 'text-anchor': 'middle' }, ranges[i] ?? ''),
      drawBox(box, {
        x,
        width: boxWidth,
        on,
        derivedHere: misplaced.some((other) => other.derivedQuadrant === box.quadrant),
        small: boxes.length === 4,
      }),
    );
  });
  return drawing;
}

function ticks(box: QuadrantBox, left: number, part: number): SVGElement[] {
  return box.ticks.map(([index, kind]) => {
    const x = left + 2 + (index / SPTES) * (part - 4);
    return svg('line', { class: `tk ${kindWords(kind).style}`, x1: x, x2: x, y1: STRIP.tickTop, y2: STRIP.tickBottom });
  });
}

interface BoxPlace {
  x: number;
  width: number;
  on: boolean;
  /** the engine derived this place for a page that the record puts elsewhere */
  derivedHere: boolean;
  small: boolean;
}

function drawBox(box: QuadrantBox, { x, width, on, derivedHere, small }: BoxPlace): SVGElement {
  const middle = { x: x + width / 2, 'text-anchor': 'middle' };
  const mismatch = box.derivedQuadrant !== undefined;
  const classes = ['t', on && 'on', mismatch && 'mismatch', derivedHere && 'derived-here'].filter(Boolean).join(' ');
  const name = mismatch ? `q${box.quadrant} ≠ q${box.derivedQuadrant}` : `q${box.quadrant}${on ? ' ◂' : ''}`;
  const spoken = [
    `quadrant ${box.quadrant}`,
    mismatch && `derived quadrant ${box.derivedQuadrant}`,
    box.address,
    box.counts,
    on && 'shown',
  ];
  return svg(
    'g',
    {
      class: box.page ? 'go' : 'absent',
      role: box.page ? 'button' : 'img',
      'data-page': box.page?.id,
      'aria-label': spoken.filter(Boolean).join(', '),
      'aria-current': on && 'true',
    },
    svg('rect', { class: classes, x: x + 1, y: BOX.top, width: width - 2, height: BOX.height, rx: 2 }),
    svg('text', { ...middle, y: 59, class: 'name' }, name),
    svg('text', { ...middle, y: 75, class: 'd' }, box.address ?? ''),
    svg('text', { ...middle, y: 91, class: small && box.counts.length > 8 ? 'small' : '' }, box.counts),
  );
}
