import type { EntryDetail, EntryModel, LayoutStatus, PageModel, SpteKind } from '../../protocol.js';

/** Which letter the narrow cell shows (keys 1–5). */
export type Lens = 'kind' | 'x' | 'u' | 'ad' | 'age';
export const LENSES: readonly Lens[] = ['kind', 'x', 'u', 'ad', 'age'];

/** `narrow` below 560 px, `wide` from there, `columns` from 1290 px (ui.md §5). */
export type Shape = 'narrow' | 'wide' | 'columns';
export const shapeOf = (width: number): Shape => (width >= 1290 ? 'columns' : width >= 560 ? 'wide' : 'narrow');

export const SPTES = 512;

/** What survives while the view is hidden. */
interface Saved {
  selected: number;
  lens: Lens;
  decimal: boolean;
}

/**
 * What the view shows at this moment. Parts read it in `update`; only the controller in layout.ts writes it.
 */
export class LayoutState {
  page: PageModel | null = null;
  entries: ReadonlyMap<number, EntryModel> = new Map();
  changed: ReadonlySet<number> = new Set();
  /** the selected entry in full, once the answer is there */
  detail: EntryDetail | null = null;

  selected = 0;
  /** other end of a range made with Shift or by dragging */
  anchor: number | null = null;
  filter: SpteKind | null = null;
  lens: Lens = 'kind';
  decimal = false;

  status: LayoutStatus = 'none';
  locked = false;
  shape: Shape = 'narrow';
  /** inner width of the view in px */
  width = 320;

  /** Width between the paddings, which are smaller where there is little room (layout.css). */
  get room(): number {
    const tight = this.width <= 306 || (this.width >= 560 && this.width <= 623);
    return this.width - (tight ? 12 : 20);
  }

  setPage(page: PageModel | null): void {
    if (page?.page.id !== this.page?.page.id) {
      this.filter = null;
      this.anchor = null;
      this.detail = null;
    }
    this.page = page;
    this.entries = new Map(page?.entries.map((entry) => [entry.index, entry]));
    this.changed = new Set(page?.changed);
  }

  /** Selected indices, first and last. */
  get range(): readonly [number, number] {
    const other = this.anchor ?? this.selected;
    return [Math.min(other, this.selected), Math.max(other, this.selected)];
  }

  /** Bytes that one entry maps. */
  get span(): bigint {
    return this.page ? BigInt(`0x${this.page.span}`) : 0n;
  }

  /** Guest address of an entry in 8 or more hex digits; undefined while no path from a root is known. */
  address(index: number): string | undefined {
    if (this.page?.base === undefined) return undefined;
    const address = BigInt(`0x${this.page.base}`) + BigInt(index) * this.span;
    return address.toString(16).padStart(8, '0');
  }

  /** A gPDE of a 4-byte page directory owns two neighbouring SPTEs: they are drawn as one bar. */
  get pairs(): boolean {
    return this.page?.quadrants?.boxes.length === 4;
  }

  save(): Saved {
    return { selected: this.selected, lens: this.lens, decimal: this.decimal };
  }

  restore(saved: unknown): void {
    if (typeof saved !== 'object' || saved === null) return;
    const { selected, lens, decimal } = saved as Partial<Saved>;
    if (typeof selected === 'number' && selected >= 0 && selected < SPTES) this.selected = selected;
    if (lens !== undefined && LENSES.includes(lens)) this.lens = lens;
    if (typeof decimal === 'boolean') this.decimal = decimal;
  }
}

/** A piece of the view: made once, repainted in place. */
export interface Part {
  readonly element: Element;
  update(state: LayoutState): void;
}
