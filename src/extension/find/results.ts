import * as vscode from 'vscode';
import type { SearchHit } from '../../protocol.js';
import type { Found } from './searchAll.js';

/** What a list of matches leads to. */
export interface Leads {
  /** the line, without moving the debugger; the list stays where `preview` is set */
  show(hit: SearchHit, preview: boolean): void;
  /** the debugger, to the event */
  travel(hit: SearchHit): void;
  /** the list was closed */
  closed(): void;
}

interface Item extends vscode.QuickPickItem {
  readonly hit?: SearchHit;
}

const SHOW: vscode.QuickInputButton = {
  iconPath: new vscode.ThemeIcon('eye'),
  tooltip: 'Show the line, without moving the debugger',
};

/** Task, CPU and flags of a line: a list has room for what comes after them. */
const PREFIX = /^\s*\S.*?-\d+ .*?\[\d{3}\] \S+ +|^\s+/;

const count = (n: number): string => n.toLocaleString('en-US');

/** `37 matches in 376,794 events`, or how far the search is. */
export function summaryOf({ total, searched, events, done }: Found): string {
  const matches = total === 0 ? 'no match' : `${count(total)} ${total === 1 ? 'match' : 'matches'}`;
  if (done) return `${matches} in ${count(events)} events`;
  const loading = searched === events;
  return `${matches} so far, ${loading ? `${count(events)} events loaded and` : `${count(searched)} of ${count(events)} events`} searched`;
}

/** The matches of a search, as they come. Typing filters them; moving along the list shows their lines. */
export class Results {
  private readonly pick = vscode.window.createQuickPick<Item>();
  private readonly items: Item[] = [];
  /** hits that are in the list by now */
  private listed = 0;
  private moved = false;

  constructor(
    private readonly what: string,
    /** where the search began */
    private readonly from: number,
    leads: Leads,
  ) {
    const { pick } = this;
    pick.placeholder = 'Enter goes to the event, the eye shows its line; type to filter';
    pick.matchOnDescription = true;
    pick.keepScrollPosition = true;
    pick.ignoreFocusOut = true;
    pick.busy = true;
    pick.title = what;
    pick.onDidChangeActive(([item]) => {
      // The first one becomes active by itself: that is nobody's wish to see it.
      if (this.moved && item?.hit) leads.show(item.hit, true);
      this.moved = true;
    });
    pick.onDidTriggerItemButton(({ item }) => {
      if (item.hit) leads.show(item.hit, false);
      pick.hide();
    });
    pick.onDidAccept(() => {
      const [item] = pick.activeItems;
      if (!item?.hit) return;
      leads.travel(item.hit);
      pick.hide();
    });
    pick.onDidHide(() => {
      leads.closed();
      pick.dispose();
    });
    pick.show();
  }

  update(found: Found): void {
    const { pick, items } = this;
    const grown = found.hits.length > this.listed;
    for (; this.listed < found.hits.length; this.listed++) this.add(found.hits[this.listed]!);
    const more = found.total - found.hits.length;
    if (grown) {
      const { activeItems } = pick;
      this.moved = false;
      pick.items = [...items];
      pick.activeItems = activeItems.length > 0 ? activeItems : items.filter(({ hit }) => hit).slice(0, 1);
    }
    pick.title = `${this.what}: ${summaryOf(found)}${more > 0 ? `, the first ${count(this.listed)} listed` : ''}`;
    pick.busy = !found.done;
    if (found.done && found.total === 0) pick.placeholder = 'No event matches. Esc, and find something else';
  }

  private add(hit: SearchHit): void {
    const beginsAgain = hit.event < this.from && (this.items.at(-1)?.hit?.event ?? this.from) >= this.from;
    if (beginsAgain) this.items.push({ label: 'from the beginning of the trace', kind: vscode.QuickPickItemKind.Separator });
    this.items.push({ label: count(hit.event), description: hit.text.replace(PREFIX, ''), buttons: [SHOW], hit });
  }
}
