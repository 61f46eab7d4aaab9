/**
 * What the adapter answered about three pages of one recording (k6.1-i386-linux-nonpae-smp2 after event 300,045, previous stop 300,011),
 * so that the view is tested without an adapter: a quarter of a page directory, half of a direct 4 MiB page, an unsync page table.
 * record.mjs makes test/data/layout.json.
 */
import recorded from '../data/layout.json' with { type: 'json' };
import type { EntryDetail, PageModel } from '../../src/protocol.js';

export type PageName = keyof typeof recorded;

const pages = recorded as unknown as Record<PageName, { page: PageModel; details: EntryDetail[] }>;

/** A copy: tests change it. */
export const pageModel = (name: PageName): PageModel => structuredClone(pages[name].page);

export const idOf = (name: PageName): number => pages[name].page.page.id;

/** The entry in full where it was recorded, else the little that the page knows about it. */
export function entryDetail(page: number, index: number): EntryDetail | undefined {
  const found = Object.values(pages).find((p) => p.page.page.id === page);
  return found && (found.details.find((detail) => detail.index === index) ?? bare(found.page, index));
}

function bare(page: PageModel, index: number): EntryDetail {
  const entry = page.entries.find((e) => e.index === index) ?? null;
  return { index, guestEntry: '', entry, bits: [], rows: [], setBy: null, historyTotal: 0, history: [], text: entry?.hover ?? '' };
}
