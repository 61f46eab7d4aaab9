import { NO_PAGE, type PageId, type SpteIndex } from '../../engine/ids.js';
import type { Cursor } from '../cursor.js';
import { spteBit, type SpteField } from '../query/spteBits.js';
import type { EntryView } from '../view.js';
import { Changes, type ChangedPlace } from './changed.js';
import type { Compared, FieldDifference } from './fields.js';
import { pageName } from './pages.js';
import type { DiffRun } from './run.js';
import type { Step } from './steps.js';

/** A place of the state that differs. `name` is the SPTE's or the page's. */
export interface StateDifference extends FieldDifference {
  readonly page: PageId;
  readonly index: SpteIndex | -1;
  /** the guest frame that either entry maps, for what follows from it */
  readonly gfn?: number;
}

/**
 * Holds the states after two steps against each other, where one of them has changed: pages by gfn and role, entries by what they map. What
 * differs is told once, until it is equal again.
 */
export class StateComparison {
  private readonly cursors: { readonly a: Cursor; readonly b: Cursor };
  private readonly changes: { readonly a: Changes; readonly b: Changes };
  /** by place in A: how it differs */
  private readonly told = new Map<string, string>();

  constructor(
    private readonly compared: Compared,
    cursorA: Cursor,
    cursorB: Cursor,
  ) {
    this.cursors = { a: cursorA, b: cursorB };
    this.changes = { a: new Changes(compared.a), b: new Changes(compared.b) };
  }

  /** Differences that the steps up to these made. */
  after(a: Step, b: Step): StateDifference[] {
    const { cursors, changes } = this;
    cursors.a.seek(a.last);
    cursors.b.seek(b.last);
    const found: StateDifference[] = [];
    const seen = new Set<string>();
    for (const { page, index } of changes.a.upTo(a.last)) this.compare(page, this.compared.pairs.inB(page, cursors.b), index, seen, found);
    for (const { page, index } of changes.b.upTo(b.last)) this.compare(this.compared.pairs.inA(page, cursors.a), page, index, seen, found);
    return found;
  }

  private compare(a: PageId, b: PageId, index: ChangedPlace['index'], seen: Set<string>, found: StateDifference[]): void {
    // A page that only one run has is a difference of the events that made it.
    if (a === NO_PAGE || b === NO_PAGE || this.isUnsure(a, b)) return;
    const place = `${a}:${index}`;
    if (seen.has(place)) return;
    seen.add(place);
    const difference = index === -1 ? this.headers(a, b) : this.entries(a, b, index);
    if (difference === undefined) return;
    if (difference === null) this.told.delete(place);
    else {
      const how = `${difference.a} ${difference.b}`;
      if (this.told.get(place) !== how) found.push(difference);
      this.told.set(place, how);
    }
  }

  private isUnsure(a: PageId, b: PageId): boolean {
    const { pairs } = this.compared;
    return pairs.isAlike(this.compared.a, a) || pairs.isAlike(this.compared.b, b);
  }

  /** null: equal; undefined: recorded events say all of it, and have been compared. */
  private headers(a: PageId, b: PageId): StateDifference | null | undefined {
    if (!this.compared.a.isScenario || !this.compared.b.isScenario) return undefined;
    const [inA, inB] = [headerText(this.cursors.a, a), headerText(this.cursors.b, b)];
    return inA === inB ? null : { name: pageName(this.compared.a, a), a: inA, b: inB, page: a, index: -1 };
  }

  /** null: equal; undefined: what one of the runs had is not known. */
  private entries(a: PageId, b: PageId, index: SpteIndex): StateDifference | null | undefined {
    const { compared, cursors } = this;
    if (!isLive(cursors.a, a) || !isLive(cursors.b, b)) return undefined;
    const [inA, inB] = [cursors.a.entry(a, index), cursors.b.entry(b, index)];
    if (!isKnown(inA) || !isKnown(inB)) return undefined;
    if (inA.state === 'link' && inB.state === 'link') {
      if (compared.pairs.same(inA.child!, inB.child!)) return null;
      if (this.isUnsure(inA.child!, inB.child!)) return undefined;
    }
    const bits = bitsCompared(compared);
    const [textA, textB] = [entryText(compared.a, inA, bits), entryText(compared.b, inB, bits)];
    if (textA === textB || onlyHost(compared, inA, inB)) return null;
    const gfn = inA.gfn ?? inB.gfn;
    const name = `${pageName(compared.a, a)} [${index.toString(16).padStart(3, '0')}]`;
    return { name, a: textA, b: textB, page: a, index, ...(gfn !== undefined && { gfn }) };
  }
}

function headerText(cursor: Cursor, id: PageId): string {
  const { live, invalid, unsync } = cursor.header(id);
  if (!live) return 'gone';
  return [invalid ? 'invalid' : 'valid', unsync ? 'unsync' : 'sync'].join(', ');
}

function isLive(cursor: Cursor, id: PageId): boolean {
  return cursor.header(id).live;
}

function isKnown(entry: EntryView): boolean {
  return entry.state !== 'unknown' && entry.doubt === undefined && entry.grade !== 'contradicted';
}

const RIGHTS: readonly SpteField[] = ['w', 'u', 'x', 'mw'];
const LETTERS: Readonly<Partial<Record<SpteField, string>>> = { w: 'w', u: 'u', x: 'x', mw: 'm', a: 'a', d: 'd' };

/** Hardware sets A and D unseen in a recording; a scenario's hardware is its own. */
function bitsCompared({ a, b }: Compared): readonly SpteField[] {
  return a.isScenario && b.isScenario ? [...RIGHTS, 'a', 'd'] : RIGHTS;
}

/** `leaf gfn 799 r-x-`, `link to 104 L1 q0`, `mmio gfn d0000`, `empty` */
function entryText(run: DiffRun, entry: EntryView, bits: readonly SpteField[]): string {
  const letters = (): string => {
    const { format } = run.history.mmus[0]!;
    return bits.map((bit) => (spteBit(entry.value ?? 0n, bit, format) ? LETTERS[bit]! : '-')).join('');
  };
  switch (entry.state) {
    case 'leaf':
      return `leaf gfn ${entry.gfn!.toString(16)} ${letters()}`;
    case 'link':
      return `link to ${pageName(run, entry.child!)}`;
    case 'mmio':
      return `mmio gfn ${entry.gfn!.toString(16)}`;
    default:
      return entry.state;
  }
}

/** Leaves of one gfn of which the host lets only one be written: its own choice. */
function onlyHost({ a, b }: Compared, inA: EntryView, inB: EntryView): boolean {
  if (inA.state !== 'leaf' || inB.state !== 'leaf' || inA.gfn !== inB.gfn) return false;
  const host = (run: DiffRun, { value }: EntryView): number => spteBit(value ?? 0n, 'hw', run.history.mmus[0]!.format);
  return host(a, inA) !== host(b, inB);
}
