import type { EntryDetail, SpteKind } from '../../protocol.js';
import { mmioFields, spteBit, spteFrameOf } from '../../replay/query/spteBits.js';
import type { EntryView, PageView } from '../../replay/view.js';
import { bitChanges, shapeOf } from './bits.js';
import { formatOf, vmOfPage, type FormContext } from './context.js';
import { count, hex } from './numbers.js';
import { pageName, pageRef } from './pages.js';
import { rwxu } from './rights.js';
import { frames, kindOf, valueText } from './sptes.js';

type Row = EntryDetail['rows'][number];

/** Label and text of what an entry means (ui.md §5): Maps, Rights, Write, Table, Changed; a second line is set in dim type. */
export function entryRows(ctx: FormContext, page: PageView, entry: EntryView, before: EntryView | undefined): Row[] {
  const rows = contents(ctx, page, entry);
  if (before) rows.push({ label: 'Changed', text: changeText(ctx, page, entry, before) });
  if (entry.doubt) rows.push({ label: 'Doubt', text: `since ${count(entry.doubt.since)}: ${entry.doubt.why}`, grade: 'unknown' });
  return rows;
}

function contents(ctx: FormContext, page: PageView, entry: EntryView): Row[] {
  switch (entry.state) {
    case 'empty':
      return [{ label: '', text: 'Empty. A fault here makes KVM walk the guest tables.' }];
    case 'unknown':
      return [{ label: '', text: 'The trace does not show what this entry holds.' }];
    case 'link':
      return table(ctx, entry);
    case 'mmio':
      return mmio(ctx, entry);
    case 'leaf':
      return leaf(ctx, page, entry);
  }
}

function table(ctx: FormContext, entry: EntryView): Row[] {
  if (entry.child === undefined) return [{ label: 'Table', text: '?', grade: 'unknown' }];
  const child = ctx.cursor.page(entry.child);
  const rights: Row = { label: 'Rights', text: 'maximal; the leaves restrict' };
  if (entry.value !== null) {
    const text = `${pageName(child)} at frame ${hex(spteFrameOf(entry.value))}`;
    return [{ label: 'Table', text, page: pageRef(ctx, entry.child), grade: entry.grade }, rights];
  }
  const why = 'The child’s page frame is not in the trace yet (no leaf of it has been recorded): bits are known, the frame is not.';
  return [{ label: 'Table', text: pageName(child), page: pageRef(ctx, entry.child), grade: entry.grade }, rights, { label: '', text: why }];
}

function mmio(ctx: FormContext, entry: EntryView): Row[] {
  if (entry.value === null) return [{ label: 'Maps', text: `MMIO gfn ${entry.gfn === undefined ? '?' : hex(entry.gfn)}` }];
  const { gfn, gen, access } = mmioFields(entry.value, formatOf(ctx));
  return [
    { label: 'Maps', text: `MMIO gfn ${hex(entry.gfn ?? gfn)}` },
    { label: 'Rights', text: `${access & 2 ? 'rw' : 'r-'}${access & 4 ? ' user' : ' supervisor only'}` },
    { label: 'Valid', text: `while the memslot generation is ${hex(gen)}` },
  ];
}

function leaf(ctx: FormContext, page: PageView, entry: EntryView): Row[] {
  const maps: Row = { label: 'Maps', text: frames(page, entry) };
  if (entry.value === null) return [maps, { label: 'Rights', text: '?', grade: 'unknown' }];
  const { value } = entry;
  const format = formatOf(ctx);
  const bit = (field: Parameters<typeof spteBit>[1]): number => spteBit(value, field, format);
  const used = bit('d') ? 'dirty' : bit('a') ? 'accessed' : 'prefetched, not yet accessed';
  const kind = kindOf(ctx, page.id, entry);
  const writeBits = `host-W ${bit('hw')}  MMU-W ${bit('mw')}  W ${bit('w')}`;
  return [
    maps,
    { label: 'Rights', text: `${rwxu(value, format)} NX ${bit('nx')}, ${used}` },
    { label: 'Write', text: `${writeState(kind, entry)}\n${writeBits}` },
    ...shadowedAs(ctx, page, kind, entry),
  ];
}

/** What decides a write to a leaf. */
function writeState(kind: SpteKind, entry: EntryView): string {
  const gfn = entry.gfn === undefined ? 'its gfn' : `gfn ${hex(entry.gfn)}`;
  switch (kind) {
    case 'W':
      return 'writable';
    case 'w':
      return 'W 0, the fast path may set it: dirty log or access tracking';
    case 'P':
      return `write-protected by KVM: ${gfn} is itself a guest table`;
    case 'p':
      return `write protection left over: nothing shadows ${gfn} now; the next write fault restores W`;
    case 'H':
      return 'host read-only';
    case 'F':
      return 'frozen: the TDP MMU is at work on it';
    case '!':
      return 'not present, unexpected bits';
    default:
      return 'guest read-only, or gPTE D=0';
  }
}

/** The pages that make KVM protect the leaf's gfn. */
function shadowedAs(ctx: FormContext, page: PageView, kind: SpteKind, entry: EntryView): Row[] {
  if (kind !== 'P' || entry.gfn === undefined) return [];
  return ctx.cursor
    .pagesOfGfn(vmOfPage(ctx, page), entry.gfn)
    .filter((id) => !ctx.cursor.page(id).direct)
    .map((id) => ({ label: 'Shadowed', text: pageName(ctx.cursor.page(id)), page: pageRef(ctx, id) }));
}

/** `16ceeda61 → 16ceede63 +mw +W`, `was empty`, `16ceeda61 → empty` */
function changeText(ctx: FormContext, page: PageView, entry: EntryView, before: EntryView): string {
  if (before.state === 'empty') return 'was empty';
  const old = bare(before);
  if (entry.state === 'empty') return `${old} → empty`;
  const letters =
    before.state === entry.state && before.value !== null && entry.value !== null
      ? bitChanges(before.value, entry.value, shapeOf(page, entry), formatOf(ctx))
      : '';
  return `${old} → ${bare(entry)} ${letters}`.trimEnd();
}

function bare(entry: EntryView): string {
  return entry.value === null ? valueText(entry) : hex(entry.value);
}
