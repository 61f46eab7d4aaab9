import type { PageId, SpteIndex } from '../../engine/ids.js';
import type { EntryView, PageView } from '../../replay/view.js';
import type { FormContext } from '../forms/context.js';
import { kindedEntries, presentInBlock, presentOf512, type Kinded } from '../forms/kinds.js';
import { addressRange, count, hex, indexName, spanOf } from '../forms/numbers.js';
import { mapsText, pageLine, pageName, parentsText, roleFormOf, spteName, syncText } from '../forms/pages.js';
import { roleLine, roleRows } from '../forms/roles.js';
import { pfnText, spteLine, valueText } from '../forms/sptes.js';
import { branch, type Branch, type Row } from './rows.js';

/** Entries of one group in the tree: always the same 8 blocks. */
const BLOCK = 64;

/** Shadow pages and their SPTEs as lines of Variables (ui.md §11). */
export class PageTree {
  constructor(
    private readonly form: FormContext,
    private readonly vm: () => number,
  ) {}

  page(name: string, id: PageId): Row {
    const page = this.form.cursor.page(id);
    return {
      name,
      value: pageLine(this.form, page),
      type: 'shadow page',
      branch: this.pageBranch(id),
      memory: id,
      target: { kind: 'page', page: id },
      evaluateName: pageName(page),
      menu: 'shadowPage',
    };
  }

  spte(name: string, id: PageId, index: SpteIndex): Row {
    return this.entry(name, this.form.cursor.page(id), this.form.cursor.entry(id, index));
  }

  pageBranch(id: PageId): Branch {
    return branch(() => this.pageRows(this.form.cursor.page(id)), { page: id });
  }

  private pageRows(page: PageView): Row[] {
    const { id } = page;
    const parents = branch(() => page.parents.map((p) => this.page(spteName(this.form.cursor.page(p.page), p.index), p.page)));
    const entries = kindedEntries(this.form, id);
    return [
      { name: 'role', value: roleLine(roleFormOf(this.form, page)), branch: branch(() => this.roleFields(page)) },
      { name: 'maps', value: mapsText(this.form, page) ?? 'not known: no path from a root' },
      { name: 'parents', value: parentsText(this.form, page), ...(page.parents.length > 0 && { branch: parents }) },
      ...(page.doubt ? [{ name: 'in doubt', value: page.doubt.why }] : []),
      { name: 'state', value: stateText(page), branch: branch(() => this.state(page), { page: id }) },
      {
        name: 'SPTEs',
        value: presentOf512(entries),
        ...(entries.length > 0 && { branch: branch(() => this.blocks(page), { page: id }) }),
      },
    ];
  }

  private roleFields(page: PageView): Row[] {
    return roleRows(roleFormOf(this.form, page)).map(([name, value]) => ({
      name,
      value,
      ...(name === 'invalid' && { target: { kind: 'invalid', page: page.id } as const }),
    }));
  }

  private state(page: PageView): Row[] {
    const { id } = page;
    return [
      { name: 'gfn', value: hex(page.gfn), target: { kind: 'gfn', vm: this.vm(), gfn: page.gfn } },
      { name: 'root_count', value: String(page.rootCount), target: { kind: 'rootCount', page: id } },
      { name: 'unsync', value: page.unsync ? syncText(page) : 'no', target: { kind: 'unsync', page: id } },
      { name: 'invalid', value: page.invalid ? 'yes' : 'no', target: { kind: 'invalid', page: id } },
      { name: 'gen', value: String(page.gen) },
      { name: 'born', value: page.bornBefore ? 'before the trace' : `event ${count(page.born)}` },
      { name: 'frame', value: page.frame === null ? '?' : `${hex(page.frame)}${page.frameGrade === 'recorded' ? '' : ' ~'}` },
    ];
  }

  private blocks(page: PageView): Row[] {
    const blocks = new Map<number, Kinded[]>();
    for (const kinded of kindedEntries(this.form, page.id)) {
      const block = Math.floor(kinded.entry.index / BLOCK);
      const inBlock = blocks.get(block);
      if (inBlock) inBlock.push(kinded);
      else blocks.set(block, [kinded]);
    }
    return [...blocks].map(([block, entries]) => ({
      name: `[${indexName(block * BLOCK)}–${indexName((block + 1) * BLOCK - 1)}]`,
      value: [presentInBlock(entries), ...this.blockRange(page, block)].join(' · '),
      branch: branch(() => entries.map(({ entry }) => this.entry(`[${indexName(entry.index)}]`, page, entry)), { page: page.id }),
    }));
  }

  private blockRange(page: PageView, block: number): string[] {
    const base = this.form.cursor.baseAddress(page.id);
    if (base === undefined) return [];
    const bytes = BigInt(BLOCK) * spanOf(page.level);
    const first = base + BigInt(block) * bytes;
    return [addressRange(first, first + bytes - 1n)];
  }

  private entry(name: string, page: PageView, entry: EntryView): Row {
    const { child } = entry;
    const rows = child === undefined ? () => this.leaf(page, entry) : () => this.pageRows(this.form.cursor.page(child));
    return {
      name,
      value: spteLine(this.form, page, entry),
      type: 'SPTE',
      branch: branch(rows, { page: page.id, index: entry.index }),
      ...(child !== undefined && { memory: child }),
      target: { kind: 'spte', page: page.id, index: entry.index },
      evaluateName: spteName(page, entry.index),
      menu: 'spte',
    };
  }

  /** What is behind an entry that leads to no page. */
  private leaf(page: PageView, entry: EntryView): Row[] {
    const base = this.form.cursor.baseAddress(page.id);
    const address = base === undefined ? undefined : base + BigInt(entry.index) * spanOf(page.level);
    const pfn = pfnText(entry);
    return [
      { name: 'value', value: valueText(entry) },
      ...(address === undefined ? [] : [{ name: 'address', value: hex(address, 8) }]),
      ...(entry.gfn === undefined
        ? []
        : [{ name: 'gfn', value: hex(entry.gfn), target: { kind: 'gfn', vm: this.vm(), gfn: entry.gfn } as const }]),
      ...(pfn === undefined ? [] : [{ name: 'pfn', value: pfn }]),
      { name: 'set by', value: entry.setBy < 0 ? 'before the trace' : `event ${count(entry.setBy)}` },
      { name: 'known', value: entry.doubt ? `${entry.grade}; ${entry.doubt.why}` : entry.grade },
    ];
  }
}

function stateText(page: PageView): string {
  return [
    syncText(page),
    ...(page.rootCount ? [`root×${page.rootCount}`] : []),
    ...(page.invalid ? ['invalid'] : []),
    `gen ${page.gen}`,
  ].join(', ');
}
