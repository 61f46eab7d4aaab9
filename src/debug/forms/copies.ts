import type { SpteIndex } from '../../engine/ids.js';
import type { EntryView, PageView } from '../../replay/view.js';
import type { FormContext } from './context.js';
import { changesOf, setByOf } from './history.js';
import { kindedEntries, presentOf512, type Kinded } from './kinds.js';
import { address, addressRange, hex, spanOf } from './numbers.js';
import { mapsRange, pageName, pageWords, roleFormOf, spteName } from './pages.js';
import { rangeLine, rangesOf } from './ranges.js';
import { roleLine } from './roles.js';
import { copyContents, valueText } from './sptes.js';

/** Copy as text (ui.md §5): plain ASCII arrows, event numbers bare. */

/**
 * `2c00 L1 q0 [0ed] c2ced000  16ceede63  W rwx- ad- hm  gfn 2ced -> pfn 16ceed`
 * `  set by event 300019 (line 300032, 34.466762) kvm_mmu_set_spte, vCPU 0; was 16ceeda61`
 */
export function entryCopy(ctx: FormContext, page: PageView, index: SpteIndex): string {
  const entry = ctx.cursor.entry(page.id, index);
  const base = ctx.cursor.baseAddress(page.id);
  const place = base === undefined ? '' : ` ${address(base + BigInt(index) * spanOf(page.level))}`;
  const value = entry.state === 'empty' ? '0' : valueText(entry);
  const head = `${spteName(page, index)}${place}  ${value}  ${copyContents(ctx, page, entry)}`;
  const lines = [
    head,
    ...setByLine(ctx, page, entry),
    ...(entry.doubt ? [`  in doubt since event ${entry.doubt.since}: ${entry.doubt.why}`] : []),
  ];
  return lines.join('\n');
}

function setByLine(ctx: FormContext, page: PageView, entry: EntryView): string[] {
  const event = setByOf(ctx, page.id, entry);
  if (event < 0) return entry.state === 'empty' ? [] : ['  set before the trace'];
  const { table } = ctx.replay;
  const line = table.line(event);
  const where = [...(line === undefined ? [] : [`line ${line}`]), table.timeText(event).trim()].filter(Boolean).join(', ');
  const vcpu = ctx.replay.vcpuOf(event);
  const [, older] = changesOf(ctx, page.id, entry.index);
  const was = older ? `; was ${bareValue(older.entry)}` : '';
  const who = vcpu ? `, vCPU ${vcpu.vcpu}` : '';
  return [`  set by event ${event}${where && ` (${where})`} ${table.name(event)}${who}${was}`];
}

/** A former value: how it was known no longer matters. */
function bareValue(entry: EntryView): string {
  return entry.value === null ? valueText(entry) : hex(entry.value);
}

/** The page's header, then one line per range. */
export function pageCopy(ctx: FormContext, page: PageView, entries: readonly Kinded[] = kindedEntries(ctx, page.id)): string {
  const range = mapsRange(ctx, page);
  const maps = range ? [`maps ${addressRange(range.first, range.last, '-')}`] : [];
  const parents = page.parents.map((p) => spteName(ctx.cursor.page(p.page), p.index));
  return [
    `${pageName(page)}  ${pageWords(page)} · ${presentOf512(entries)}`.replaceAll(/(?<=[0-9]),(?=[0-9]{3})/gu, ''),
    `  role ${roleLine(roleFormOf(ctx, page))}`,
    [
      ...maps,
      `born ${page.born < 0 ? 'before the trace' : `event ${page.born}`}`,
      ...(page.frame === null ? [] : [`frame ${hex(page.frame)}`]),
    ]
      .map((part) => `  ${part}`)
      .join(''),
    ...(parents.length ? [`  parents ${parents.join(', ')}`] : []),
    ...rangesOf(ctx, page, entries).map((r) => `  ${rangeLine(page, range?.first, r)}`),
    `  after event ${ctx.cursor.event}`,
  ].join('\n');
}
