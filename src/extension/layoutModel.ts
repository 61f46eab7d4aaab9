import * as vscode from 'vscode';
import type { EntryDetail, FindHit, FromLayout, PageModel, Requests, ToLayout } from '../protocol.js';
import { breakOnChange } from './breakOnChange.js';
import { ask } from './session.js';
import type { LoadProgress, SessionWatch } from './session.js';
import type { Sessions } from './sessions.js';

/** What a layout asks the rest of the extension to do. */
export interface LayoutServices {
  goTo(event: number, beside: boolean): Promise<void>;
  openBeside(page: number, index: number | undefined): void;
  copyLink(page: PageModel, index: number | undefined): Promise<void>;
}

type PageRequest = Requests['shadowMmu/page']['args'];

/** ui.md §1.9: no busy sign below this. */
const RUNNING_AFTER_MS = 150;

/**
 * One SPTE layout, in the side bar or as a panel: which page it shows, whether it is locked, and what it asks the adapter. The webview
 * may come and go (VS Code throws hidden ones away); the model stays.
 */
export class LayoutModel implements vscode.Disposable {
  private page: PageModel | null = null;
  /** the session that the page is from: page numbers mean nothing in another one */
  private pageSession: string | undefined;
  private locked = false;
  private webview: vscode.Webview | null = null;
  /** counts requests for pages, so that a slow answer never replaces a newer one */
  private turn = 0;
  private threadShown: number | undefined;
  private selected: number | undefined;
  private runningSoon: NodeJS.Timeout | undefined;
  /** questions to the adapter that are not answered yet, and how far it is with reading the trace */
  private pending = 0;
  private progress: LoadProgress | null = null;
  private readonly disposables: vscode.Disposable[] = [];

  constructor(
    private readonly sessions: Sessions,
    private readonly services: LayoutServices,
    /** the title and the lock button follow */
    private readonly lockChanged: (locked: boolean) => void,
  ) {
    this.disposables.push(
      sessions.onDidStop((watch) => {
        if (watch === this.sessions.current) void this.stopped(watch);
      }),
      sessions.onDidChange((watch) => {
        if (watch !== this.sessions.current) return;
        this.sendStatus();
        if (watch.status === 'stopped') void this.stopped(watch);
      }),
      sessions.onDidProgress(({ watch, progress }) => {
        if (watch !== this.sessions.current) return;
        this.progress = progress;
        this.sendBusy();
      }),
      sessions.onDidOpenVariable(({ watch, variablesReference }) => {
        if (watch === this.sessions.current && !this.locked && this.webview) void this.show({ variablesReference });
      }),
      vscode.debug.onDidChangeActiveStackItem((item) => this.threadChosen(item)),
    );
  }

  attach(webview: vscode.Webview): void {
    this.webview = webview;
    webview.onDidReceiveMessage((message: FromLayout) => this.receive(message), undefined, this.disposables);
  }

  detach(): void {
    this.webview = null;
  }

  send(message: ToLayout): void {
    void this.webview?.postMessage(message);
  }

  setLocked(locked: boolean): void {
    this.locked = locked;
    this.lockChanged(locked);
    this.sendStatus();
  }

  /** What is selected in the view, as far as it has said so. */
  get selection(): { page: number; index?: number } | undefined {
    return this.page ? { page: this.page.page.id, ...(this.selected === undefined ? {} : { index: this.selected }) } : undefined;
  }

  get isLocked(): boolean {
    return this.locked;
  }

  get shown(): PageModel | null {
    return this.page;
  }

  dispose(): void {
    clearTimeout(this.runningSoon);
    for (const disposable of this.disposables.splice(0)) disposable.dispose();
  }

  /** Shows another page; what is not a page leaves the view as it is. True when there was one. */
  async show(request: PageRequest, index?: number, focus = false): Promise<boolean> {
    const watch = this.sessions.stopped;
    if (!watch) return false;
    const turn = ++this.turn;
    const asked = ask(watch.session, 'shadowMmu/page', { ...request, ...threadOf(watch) });
    // A reference is from the Variables view, which may still show the stop before: the next one comes by itself.
    const answer = await this.busyWhile(request.variablesReference === undefined ? asked : asked.catch(() => undefined));
    if (!answer || turn !== this.turn) return answer !== undefined;
    const { page, index: found } = answer;
    if (!page) return false;
    this.page = page;
    this.pageSession = watch.session.id;
    this.threadShown = watch.threadId;
    this.sendPage(index ?? found, focus);
    return true;
  }

  /** To the page of the current event, else to the root of the vCPU. */
  private async follow(): Promise<void> {
    if (!(await this.show({}, undefined, true))) vscode.window.setStatusBarMessage('No shadow page exists at this event', 3000);
  }

  private async stopped(watch: SessionWatch): Promise<void> {
    this.sendStatus();
    if (!this.webview) return; // asked again when it shows up
    const { stops } = watch;
    const page = this.pageSession === watch.session.id ? this.page : null;
    if (this.locked && !page) this.setLocked(false); // on a page of a session that is over
    // An event that is about no page leaves the view where it is, instead of throwing it to the root and back.
    if (page && (this.locked || !(await this.aboutPage(watch)))) {
      if (await this.show({ page: page.page.id })) return;
    }
    const shown = await this.show({});
    if (!shown && watch.status === 'stopped' && watch.stops === stops) this.send({ type: 'noPage' });
  }

  private async aboutPage(watch: SessionWatch): Promise<boolean> {
    const card = await this.attempt(ask(watch.session, 'shadowMmu/event', {}));
    return (card?.pages.length ?? 0) > 0;
  }

  private threadChosen(item: vscode.DebugThread | vscode.DebugStackFrame | undefined): void {
    const watch = this.sessions.current;
    if (!item || watch?.session !== item.session) return;
    watch.threadId = item.threadId;
    if (this.threadShown !== undefined && item.threadId !== this.threadShown && !this.locked) void this.show({});
  }

  private receive(message: FromLayout): void | Promise<unknown> {
    const { page } = this;
    switch (message.type) {
      case 'ready':
        return this.refresh();
      case 'open':
        if (message.beside) return this.services.openBeside(message.page, message.index);
        return this.show({ page: message.page }, message.index, true);
      case 'detail':
        return this.sendDetail(message.page, message.index);
      case 'goTo':
        return this.attempt(this.services.goTo(message.event, message.beside));
      case 'line':
        return this.sendLine(message.event);
      case 'follow':
        return this.follow();
      case 'find':
        return this.find(message.query);
      case 'copy':
        return this.copy(message.text, message.what);
      case 'copyLink':
        if (page) return this.services.copyLink(page, message.index);
        return;
      case 'lock':
        return this.setLocked(message.locked);
      case 'breakOnChange':
        if (page) breakOnChange(page, message.index);
        return;
      case 'cancel':
        return this.attempt(this.sessions.current?.session.customRequest('cancel', { progressId: message.id }));
      case 'leave':
        return vscode.commands.executeCommand('workbench.action.focusActiveEditorGroup') as Promise<void>;
    }
  }

  /** A webview that was made, or made again, gets everything. */
  private async refresh(): Promise<void> {
    this.sendStatus();
    if (this.sessions.stopped) await this.stopped(this.sessions.stopped);
    else if (this.page) this.sendPage();
  }

  private sendPage(index?: number, focus = false): void {
    if (this.page) this.send({ type: 'page', page: this.page, ...(index === undefined ? {} : { index }), focus });
  }

  /** Most movements are over at once: running is told when it lasts. */
  private sendStatus(): void {
    clearTimeout(this.runningSoon);
    const status = this.sessions.current?.status ?? 'none';
    const send = (): void => this.send({ type: 'status', status, locked: this.locked });
    if (status === 'running') this.runningSoon = setTimeout(send, RUNNING_AFTER_MS);
    else send();
  }

  private async sendDetail(page: number, index: number): Promise<void> {
    const watch = this.sessions.stopped;
    this.selected = index;
    if (!watch || !this.page) return;
    const { event } = this.page.event;
    const detail: EntryDetail | undefined = await this.busyWhile(ask(watch.session, 'shadowMmu/entry', { page, index }));
    if (detail) this.send({ type: 'entry', page, event, detail });
  }

  private async sendLine(event: number): Promise<void> {
    const watch = this.sessions.stopped;
    const card = watch && (await this.attempt(ask(watch.session, 'shadowMmu/event', { event })));
    if (card) this.send({ type: 'line', event, text: card.line });
  }

  async find(query: string): Promise<FindHit[]> {
    const watch = this.sessions.stopped;
    if (!watch) return [];
    const answer = await this.busyWhile(ask(watch.session, 'shadowMmu/find', { query }));
    if (answer) this.send({ type: 'hits', query, hits: answer.hits, ...(answer.message === undefined ? {} : { message: answer.message }) });
    return answer?.hits ?? [];
  }

  private async copy(text: string, what: string): Promise<void> {
    await vscode.env.clipboard.writeText(text);
    vscode.window.setStatusBarMessage(`Copied the ${what} as text`, 3000);
  }

  private async busyWhile<T>(request: Promise<T>): Promise<T | undefined> {
    this.pending++;
    this.sendBusy();
    const answer = await this.attempt(request);
    this.pending--;
    this.sendBusy();
    return answer;
  }

  /** Reading the rest of the trace goes on behind a stop and is no reason to dim it: busy is who waits for an answer. */
  private sendBusy(): void {
    const { progress } = this;
    if (this.pending === 0) return this.send({ type: 'busy', busy: null });
    const text = progress?.text ?? 'waiting for the debug adapter';
    const cancel = progress ? { cancel: progress.id } : {};
    const fraction = progress?.fraction === undefined ? {} : { fraction: progress.fraction };
    this.send({ type: 'busy', busy: { text, ...cancel, ...fraction } });
  }

  /** The error of a request that comes too late, because the session has just ended, is no news; any other is shown. */
  private async attempt<T>(request: Thenable<T> | undefined): Promise<T | undefined> {
    try {
      return await request;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (this.sessions.stopped) {
        this.send({ type: 'failed', message });
        void vscode.window.showErrorMessage(message);
      }
      return undefined;
    }
  }
}

const threadOf = (watch: SessionWatch): { threadId?: number } => (watch.threadId === undefined ? {} : { threadId: watch.threadId });
