import * as vscode from 'vscode';
import type { SearchHit, SearchQuery } from '../../protocol.js';
import { ask, type SessionWatch } from '../session.js';
import type { Sessions } from '../sessions.js';
import { goTo, showEvent } from '../travel.js';
import { askQuery } from './query.js';
import { Results, summaryOf } from './results.js';
import { searchAll, searchNearest, type Found } from './searchAll.js';

/** Matches in the list; more are counted. */
const LISTED = 1000;
/** A search for the next match shows that it is under way after this time, in milliseconds. */
const QUIET = 1000;

/**
 * Find over the whole trace, whatever documents it is shown in: VS Code's own find sees one of them at a time. The adapter searches, a
 * page after the other; it works while the debugger runs and while a trace is being loaded.
 */
export class Find implements vscode.Disposable {
  private query: SearchQuery = { text: '', as: 'text' };
  /** the match that was shown last; a new stop counts for more */
  private at: number | undefined;
  private searching = new AbortController();
  private readonly disposable: vscode.Disposable;

  readonly commands = {
    findInTrace: () => this.ask(),
    findNext: () => this.step(1),
    findPrevious: () => this.step(-1),
  };

  constructor(private readonly sessions: Sessions) {
    this.disposable = sessions.onDidStop(() => (this.at = undefined));
  }

  dispose(): void {
    this.searching.abort();
    this.disposable.dispose();
  }

  private ask(): void {
    const watch = this.living();
    const selected = selectedText();
    const before = selected === undefined ? this.query : { ...this.query, as: 'text' as const, text: selected };
    askQuery(before, (query) => this.find(watch, query));
  }

  /** Resolves when the first page is there; rejects when the query means nothing. */
  private async find(watch: SessionWatch, query: SearchQuery): Promise<void> {
    const from = await this.place(watch);
    const { signal } = (this.searching = new AbortController());
    let results: Results | undefined;
    let last: Found | undefined;
    const closed = (): void => {
      this.searching.abort();
      if (last && !last.done) vscode.window.setStatusBarMessage(`Search stopped: ${summaryOf(last)}`, 5000);
    };
    const leads = {
      show: (hit: SearchHit, preview: boolean) => void this.show(watch, hit, preview),
      travel: (hit: SearchHit) => void this.travel(watch, hit),
      closed,
    };
    await new Promise<void>((resolve, reject) => {
      const tell = (found: Found): void => {
        results ??= new Results(query.text, from, leads);
        this.query = query;
        last = found;
        results.update(found);
        resolve();
      };
      searchAll(watch.session, query, from, LISTED, tell, signal).then(resolve, reject);
    });
  }

  private async step(direction: 1 | -1): Promise<void> {
    if (this.query.text === '') return this.ask();
    const watch = this.living();
    const from = (await this.place(watch)) + direction;
    const { signal } = (this.searching = new AbortController());
    const search = searchNearest(watch.session, this.query, from, direction, signal);
    const hit = await quietly(`Searching for ${this.query.text}`, search, () => this.searching.abort());
    if (hit) await this.show(watch, hit, false);
    else if (!signal.aborted)
      vscode.window.setStatusBarMessage(`No ${direction === 1 ? 'later' : 'earlier'} match for ${this.query.text}`, 5000);
  }

  /** Where a search begins: at the match shown last, else at the stop, else at the beginning. */
  private async place(watch: SessionWatch): Promise<number> {
    if (this.at !== undefined) return this.at;
    return watch.stops > 0 ? ((await ask(watch.session, 'shadowMmu/event', {}))?.at.event ?? 0) : 0;
  }

  private async show(watch: SessionWatch, hit: SearchHit, preserveFocus: boolean): Promise<void> {
    this.at = hit.event;
    await showEvent(watch.session, hit.event, { preserveFocus, ...(hit.match && { match: hit.match }) });
  }

  private async travel(watch: SessionWatch, hit: SearchHit): Promise<void> {
    if (watch.status === 'stopped') await goTo(watch.session, String(hit.event));
    else await this.show(watch, hit, false);
  }

  private living(): SessionWatch {
    const { current } = this.sessions;
    if (current && current.status !== 'ended') return current;
    throw new Error('No trace is being debugged: find looks through the trace of a debug session.');
  }
}

/** One line that is selected in the active editor, as VS Code's find takes it. */
function selectedText(): string | undefined {
  const editor = vscode.window.activeTextEditor;
  if (!editor || editor.selection.isEmpty || !editor.selection.isSingleLine) return undefined;
  return editor.document.getText(editor.selection);
}

/** Waits for a task; one that takes long is shown, with a button to give it up. */
async function quietly<T>(title: string, task: Promise<T>, cancel: () => void): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const slow = new Promise<'slow'>((resolve) => (timer = setTimeout(() => resolve('slow'), QUIET)));
  const first = await Promise.race([task, slow]).finally(() => clearTimeout(timer));
  if (first !== 'slow') return first;
  const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  return vscode.window.withProgress(options, (_, token) => {
    token.onCancellationRequested(cancel);
    return task;
  });
}
