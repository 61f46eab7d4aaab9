/**
 * The SPTE layout: one shadow page as 16 × 32 entries, the selected one bit by bit. Runs in a webview; see ui.md §5.
 * This file is the composition and the controller: messages and keys come in here, the state changes, the parts repaint in place.
 */
import type { FromLayout, ToLayout } from '../protocol.js';
import { el } from './common/dom.js';
import { AllBits } from './layout/allBits.js';
import { Announcer } from './layout/announce.js';
import { Aside } from './layout/aside.js';
import { Counts, RangeStatus } from './layout/counts.js';
import { Entry } from './layout/entry.js';
import { Find } from './layout/find.js';
import { Grid } from './layout/grid.js';
import { Header } from './layout/header.js';
import type { KeyTarget } from './layout/keyboard.js';
import { listenToKeys } from './layout/keyboard.js';
import { KeyList } from './layout/keyList.js';
import { followLinks, setLine } from './layout/links.js';
import type { Move } from './layout/navigation.js';
import { moves, sibling } from './layout/navigation.js';
import { Busy, Empty } from './layout/notice.js';
import { Quadrants } from './layout/quadrants.js';
import type { Lens, Part } from './layout/state.js';
import { LayoutState, shapeOf } from './layout/state.js';

/** What VS Code gives to a webview's script. */
interface Host {
  postMessage(message: FromLayout): void;
  getState(): unknown;
  setState(state: unknown): void;
}
declare function acquireVsCodeApi(): Host;

class Layout implements KeyTarget {
  private readonly state = new LayoutState();
  private readonly announcer = new Announcer();
  private readonly grid = new Grid({ select: (index, extend) => this.select(index, extend), openChild: (index) => this.openChild(index) });
  private readonly find_ = new Find({
    find: (query) => this.host.postMessage({ type: 'find', query }),
    open: (hit) => this.open(hit.page.id, hit.index, false),
    closed: () => this.grid.focus(),
  });
  private readonly range = new RangeStatus();
  private readonly keyList = new KeyList();
  private readonly view = el('main', { class: 'layout' });
  private readonly busy = new Busy(this.view, (id) => this.host.postMessage({ type: 'cancel', id }));
  private readonly parts: Part[];
  /** `page:event:index` of the answer that is on the screen or asked for */
  private detailKey = '';

  constructor(
    private readonly host: Host,
    private readonly root: HTMLElement,
  ) {
    const header = new Header();
    const quadrants = new Quadrants();
    const counts = new Counts({
      filter: (kind) => this.change(() => (this.state.filter = this.state.filter === kind ? null : kind)),
      nextChange: () => this.move(moves.nextChanged, false, true),
    });
    const aside = new Aside();
    const entry = new Entry();
    const allBits = new AllBits();
    const empty = new Empty(() => this.host.postMessage({ type: 'follow', what: 'root' }));
    this.parts = [header, quadrants, counts, aside, this.grid, this.range, entry, allBits, empty];
    this.view.append(
      el('div', { class: 'about' }, header.element, quadrants.element, counts.element, aside.element),
      el('div', { class: 'middle' }, this.grid.element, this.range.element),
      el('div', { class: 'details' }, entry.element, allBits.element),
    );
    this.root.append(this.busy.element, this.find_.element, empty.element, this.view, this.keyList.element, this.announcer.element);
    this.state.restore(host.getState());
  }

  start(): void {
    followLinks(this.root, {
      open: (page, index, beside) => this.open(page, index, beside),
      goTo: (event, beside) => this.host.postMessage({ type: 'goTo', event, beside }),
      line: (event) => this.host.postMessage({ type: 'line', event }),
    });
    listenToKeys(this.root, () => this.grid.hasFocus, this);
    window.addEventListener('message', (event: MessageEvent<ToLayout>) => this.receive(event.data));
    new ResizeObserver(() => this.resized()).observe(this.root);
    this.resized();
    this.host.postMessage({ type: 'ready' });
  }

  private receive(message: ToLayout): void {
    switch (message.type) {
      case 'page': {
        const other = message.page.page.id !== this.state.page?.page.id;
        this.state.setPage(message.page);
        if (message.index !== undefined) this.state.selected = message.index;
        this.repaint();
        this.announcer.page(this.state, message.page, other);
        if (message.focus) this.grid.focus();
        return;
      }
      case 'noPage':
        this.state.setPage(null);
        return this.repaint();
      case 'entry':
        if (`${message.page}:${message.event}:${message.detail.index}` !== this.detailKey) return;
        return this.change(() => (this.state.detail = message.detail));
      case 'status':
        return this.change(() => ({ status: this.state.status, locked: this.state.locked } = message));
      case 'busy':
        return this.busy.set(message.busy);
      case 'hits':
        return this.find_.show(message.query, message.hits, message.message);
      case 'line':
        return setLine(this.root, message.event, message.text);
      case 'failed':
        return this.announcer.say(message.message);
      case 'command':
        return this.command(message.command);
    }
  }

  private command(command: Extract<ToLayout, { type: 'command' }>['command']): void {
    switch (command) {
      case 'find':
        return this.find();
      case 'copy':
        return this.copyPage();
      case 'focus':
        return this.grid.focus();
    }
  }

  private change(change: () => void): void {
    change();
    this.repaint();
  }

  private repaint(): void {
    const { state } = this;
    this.root.dataset.shape = state.shape;
    this.root.dataset.status = state.status;
    this.view.hidden = state.page === null;
    this.view.classList.toggle('gone', state.page !== null && !state.page.live);
    for (const part of this.parts) part.update(state);
    this.host.setState(state.save());
    this.askDetail();
  }

  /** Asks for the selected entry once per page, event and index. */
  private askDetail(): void {
    const { page, selected } = this.state;
    if (!page) return;
    const key = `${page.page.id}:${page.event.event}:${selected}`;
    if (key === this.detailKey) return;
    this.detailKey = key;
    this.host.postMessage({ type: 'detail', page: page.page.id, index: selected });
  }

  private resized(): void {
    const width = this.root.clientWidth;
    const shape = shapeOf(width);
    if (width === 0 || (width === this.state.width && shape === this.state.shape && this.root.dataset.shape !== undefined)) return;
    this.change(() => Object.assign(this.state, { width, shape }));
  }

  private select(index: number, extend: boolean): void {
    this.state.anchor = extend ? (this.state.anchor ?? this.state.selected) : null;
    this.state.selected = index;
    if (this.state.status !== 'stopped') return this.repaint(); // no answer will come and repaint the entry
    this.grid.updateSelection(this.state);
    this.range.update(this.state);
    this.host.setState(this.state.save());
    this.askDetail();
  }

  private open(page: number, index: number | undefined, beside: boolean): void {
    this.host.postMessage({ type: 'open', page, ...(index === undefined ? {} : { index }), beside });
  }

  move(move: Move, extend: boolean, focus = false): void {
    const to = move(this.state);
    if (to !== undefined) this.select(to, extend);
    if (focus) this.grid.focus();
  }

  openChild(index = this.state.selected): void {
    const child = this.state.entries.get(index)?.child;
    if (child) this.open(child.id, undefined, false);
  }

  openParent(): void {
    const parent = this.state.page?.parents[0];
    if (parent) this.open(parent.page.id, parent.index, false);
  }

  openSibling(step: 1 | -1): void {
    const page = sibling(this.state, step);
    if (page !== undefined) this.open(page, undefined, false);
  }

  setLens(lens: Lens): void {
    this.change(() => (this.state.lens = lens));
    this.announcer.say(`Cells show ${lens === 'ad' ? 'accessed or dirty' : lens}`);
  }

  toggleLock(): void {
    this.host.postMessage({ type: 'lock', locked: !this.state.locked });
  }

  toggleDecimal(): void {
    this.change(() => (this.state.decimal = !this.state.decimal));
  }

  breakOnChange(): void {
    if (this.state.page) this.host.postMessage({ type: 'breakOnChange', page: this.state.page.page.id, index: this.state.selected });
  }

  /** With the keyboard in the header the page is meant, else the selected entry. Text that the user marked goes first, as everywhere. */
  copy(): void {
    const marked = getSelection()?.toString() ?? '';
    if (marked !== '') this.host.postMessage({ type: 'copy', text: marked, what: 'selection' });
    else if (this.state.detail && !document.activeElement?.closest('.about'))
      this.host.postMessage({ type: 'copy', text: this.state.detail.text, what: 'entry' });
    else this.copyPage();
  }

  private copyPage(): void {
    if (this.state.page) this.host.postMessage({ type: 'copy', text: this.state.page.text, what: 'page' });
  }

  copyLink(): void {
    if (this.state.page) this.host.postMessage({ type: 'copyLink', page: this.state.page.page.id, index: this.state.selected });
  }

  find(): void {
    this.find_.open();
  }

  currentStop(): void {
    this.host.postMessage({ type: 'follow', what: 'stop' });
  }

  toggleKeyList(): void {
    this.keyList.toggle();
  }

  leave(): void {
    if (this.keyList.open) this.keyList.close();
    else this.host.postMessage({ type: 'leave' });
  }
}

new Layout(acquireVsCodeApi(), document.body).start();
