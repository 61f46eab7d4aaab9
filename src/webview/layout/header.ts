import { el, fill } from '../common/dom.js';
import { eventLink, pageLink } from './links.js';
import { Roving } from '../common/roving.js';
import type { LayoutState, Part } from './state.js';
import type { PageModel } from '../../protocol.js';
import { hex } from '../common/format.js';

/** Name and tags of the page, and what it maps, its role, its parent (ui.md §5). */
export class Header implements Part {
  readonly element = el('header', { class: 'head', 'aria-label': 'Shadow page' });
  private readonly roving = new Roving(this.element);
  private allParents = false;
  private shownPage = 0;

  constructor() {
    this.element.addEventListener('click', (event) => {
      if (!(event.target instanceof HTMLElement) || !event.target.matches('button.more')) return;
      this.allParents = true;
      for (const hidden of this.element.querySelectorAll<HTMLElement>('.further')) hidden.hidden = false;
      event.target.hidden = true;
    });
  }

  update(state: LayoutState): void {
    const { page } = state;
    if (!page) return;
    if (page.page.id !== this.shownPage) this.allParents = false;
    this.shownPage = page.page.id;
    const focused = this.roving.focused;
    fill(this.element, title(state, page), this.facts(state, page));
    this.roving.refresh();
    this.roving.focus(focused);
  }

  private facts(state: LayoutState, page: PageModel): HTMLElement {
    const [addresses, ...each] = (page.maps ?? '').split(' ');
    return el(
      'dl',
      { class: 'kv' },
      el('dt', {}, 'Maps'),
      page.maps === null
        ? el('dd', { class: 'mono dim', title: 'No path from a live root leads to this page.' }, '?')
        : el('dd', { class: 'mono' }, addresses, ' ', el('span', { class: 'dim' }, each.join(' '))),
      el('dt', {}, 'Role'),
      el(
        'dd',
        { class: 'mono wrap' },
        role(page),
        ' ',
        el('span', { class: 'dim' }, `gen ${page.gen} born `),
        page.born ? eventLink(page.born) : '?',
      ),
      ...this.lineage(state, page),
      ...fate(page),
    );
  }

  /** `Parent 2cd2 L2 q3 [016] +6 more`, or what the page is the root of. A page can be both. */
  private lineage(state: LayoutState, page: PageModel): HTMLElement[] {
    const rows: HTMLElement[] = [];
    if (page.parents.length > 0) {
      const links = page.parents.map(({ page: parent, index }) => pageLink(parent, `${parent.name} [${hex(index, 3)}]`, index));
      const [first, ...others] = links;
      const listed = state.shape === 'columns'; // all of them stand in their own list there
      const further = others.map((link) => el('div', { class: 'further', hidden: !this.allParents }, link));
      const more = el(
        'button',
        {
          class: 'link more',
          tabindex: -1,
          hidden: this.allParents,
          title: page.parents
            .slice(1)
            .map((p) => `${p.page.name} [${hex(p.index, 3)}]`)
            .join('\n'),
        },
        `+${others.length} more`,
      );
      rows.push(
        el('dt', {}, 'Parent'),
        el(
          'dd',
          { class: 'mono' },
          first,
          others.length > 0 && ' ',
          others.length > 0 && (listed ? el('span', { class: 'dim' }, `+${others.length} more`) : more),
          ...(listed ? [] : further),
        ),
      );
    }
    for (const root of page.rootOf) {
      const [vcpu, ...rest] = root.split(/, |(?<=vCPU \d+) /);
      rows.push(el('dt', {}, 'Root of'), el('dd', { class: 'mono' }, vcpu, ' ', el('span', { class: 'dim' }, rest.join(', '))));
    }
    if (rows.length === 0) rows.push(el('dt', {}, 'Parent'), el('dd', { class: 'mono dim' }, 'none'));
    return rows;
  }
}

function title(state: LayoutState, page: PageModel): HTMLElement {
  const status = state.status === 'running' ? 'running' : state.status === 'ended' ? 'ended' : undefined;
  return el(
    'div',
    { class: 'title' },
    el('b', { role: 'heading', 'aria-level': 1 }, page.page.name),
    ...page.tags.map((tag) => el('span', { class: tag.warn ? 'tag warn' : 'tag' }, tag.text)),
    status !== undefined && el('span', { class: 'tag' }, status),
  );
}

function role(page: PageModel): HTMLElement {
  const [word, ...unknown] = page.role.split(' ');
  const fields = page.roleFields.map(([name, value]) => `${name} ${value}`).join('\n');
  return el('span', { title: fields }, word, unknown.length > 0 && el('span', { class: 'dim' }, ` ${unknown.join(' ')}`));
}

/** What became of a page that is gone: its death, and the page that took its place. */
function fate(page: PageModel): HTMLElement[] {
  if (page.live || !page.zapped) return [];
  return [
    el('dt', {}, 'Zapped'),
    el(
      'dd',
      { class: 'mono' },
      eventLink(page.zapped),
      page.successor ? el('span', { class: 'dim' }, ' succeeded by ') : '',
      page.successor ? pageLink(page.successor) : '',
    ),
  ];
}
