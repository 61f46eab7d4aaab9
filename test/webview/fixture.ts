/**
 * Page models made by hand from one recording (k6.1-i386-linux-nonpae-smp2 after event 300,045, previous stop 300,011), so that the view
 * is tested without an adapter. `recorded.json` holds the entries as numbers; the forms are those of ui.md.
 */
import recorded from './recorded.json' with { type: 'json' };
import type { BitModel, EntryDetail, EntryModel, PageModel, QuadrantBox, SpteKind } from '../../src/protocol.js';

/** index, kind, SPTE in hex, event that set it, gfn of a leaf or key of the child, 1 when derived */
type Row = [number, string, string | null, number, string, number];

interface RecordedPage {
  gfn: string;
  level: number;
  q: number;
  direct: boolean;
  acc: string;
  role: string;
  gen: number;
  unsync: boolean;
  root: number;
  birth: number;
  phys: string | null;
  parents: [string, number, number, string][];
  ents: Row[];
  chg: number[];
  old: Record<string, string | null>;
  hist: Record<string, unknown[]>;
}

const pages = recorded.pages as unknown as Record<string, RecordedPage>;
const keys = Object.keys(pages);

export const DIRECTORY = '2cd2/2/3';
export const DIRECT = '2c00/1/0d';
export const UNSYNC = '2ced/1/0';

const page = (key: string): RecordedPage => pages[key] as RecordedPage;
const hex = (value: number | bigint, width = 0): string => value.toString(16).padStart(width, '0');
const bit = (value: bigint, n: number): number => Number((value >> BigInt(n)) & 1n);
const number = (event: number): string => event.toLocaleString('en-US');
const at = (event: number) => ({ event, line: event + recorded.lineOffset });

/** Ids of pages that are not in the recording's extract come after those that are. */
const others = new Map<string, number>();
export function idOf(key: string): number {
  const known = keys.indexOf(key);
  if (known >= 0) return known + 1;
  if (!others.has(key)) others.set(key, 100 + others.size);
  return others.get(key) as number;
}
const keyOf = (id: number): string | undefined => keys[id - 1];

function nameOf(key: string): string {
  const [gfn, level, quadrant = ''] = key.split('/');
  return `${gfn} L${level} q${Number.parseInt(quadrant)}`;
}

const refTo = (key: string) => ({ id: idOf(key), name: nameOf(key) });

const spanOf = (p: RecordedPage): number => (p.level === 2 ? 2 ** 21 : 4096);
function baseOf(p: RecordedPage): number {
  if (p.level === 2) return p.q * 2 ** 30;
  const [parent] = byCurrentVcpu(p);
  return parent ? parent[1] * 2 ** 30 + parent[2] * 2 ** 21 : 0;
}
const byCurrentVcpu = (p: RecordedPage) => [...p.parents].sort((a, b) => Number(b[0] === '2cd2') - Number(a[0] === '2cd2'));

function wideLetters(kind: string, value: bigint, child: string): string {
  if (kind === 'T') {
    const quadrant = child.split('/')[2] ?? '';
    return `T${quadrant.endsWith('d') ? 'd' : 'q'}${Number.parseInt(quadrant)}`;
  }
  return `${kind}${bit(value, 63) ? '-' : 'x'}${bit(value, 2) ? 'u' : '-'}${bit(value, 6) ? 'd' : bit(value, 5) ? 'a' : '-'}`;
}

function entryModel(p: RecordedPage, [index, kind, value, setBy, target, derived]: Row): EntryModel {
  const spte = BigInt(`0x${value ?? '827'}`);
  const address = hex(baseOf(p) + index * spanOf(p), 8);
  const leaf = kind !== 'T';
  const pfn = hex((spte >> 12n) & 0xff_ffff_ffffn);
  return {
    index,
    kind: kind as SpteKind,
    wide: wideLetters(kind, spte, target),
    value,
    ...(value === null ? { flags: '827', doubt: 'No leaf of the child has been recorded yet: bits are known, the frame is not.' } : {}),
    grade: value === null ? 'unknown' : derived ? 'derived' : 'recorded',
    ...(leaf ? { gfn: target, pfn } : { child: refTo(target) }),
    hover: `[${hex(index, 3)}] ${address} ${kind} ${leaf ? `gfn ${target} → pfn ${pfn}` : `→ ${nameOf(target)}`}, set by ${number(setBy)}`,
    setBy,
  };
}

function countsText(p: RecordedPage | undefined): string {
  if (!p) return 'no page';
  const found = [...'TWPpR'].map((kind) => [kind, p.ents.filter((row) => row[1] === kind).length] as const).filter(([, n]) => n > 0);
  return found.length === 0 ? 'empty' : found.map(([kind, n]) => `${n}${kind}`).join(' ');
}

function quadrants(p: RecordedPage): PageModel['quadrants'] {
  const siblings =
    p.level === 2
      ? [0, 1, 2, 3].map((q) => `${p.gfn}/2/${q}`)
      : p.direct
        ? ['2c00/1/0d', '2e00/1/1d']
        : [0, 1].map((q) => `${p.gfn}/1/${q}`);
  const entriesEach = 1024 / siblings.length;
  const boxes: QuadrantBox[] = siblings.map((key, quadrant) => {
    const sibling = pages[key];
    const address = p.level === 2 ? quadrant * 2 ** 30 : (baseOf(p) & ~0x3fffff) + quadrant * 2 ** 21;
    return {
      quadrant,
      ...(sibling ? { page: refTo(key) } : {}),
      address: hex(address >>> 0, 8),
      counts: countsText(sibling),
      ticks: (sibling?.ents ?? []).map((row) => [row[0], row[1] as SpteKind]),
    };
  });
  const ranges = siblings.map((_, q) => {
    const range = `${hex(q * entriesEach, 3)}–${hex((q + 1) * entriesEach - 1, 3)}`;
    return p.direct ? `+${q * 2} MiB` : p.level === 2 ? range : `gPTE ${range}`;
  });
  const caption = p.direct ? 'guest 4 MiB page gPDE 30b' : `guest page ${p.level === 2 ? 'directory' : 'table'} ${p.gfn}`;
  return { caption, note: `${p.direct ? '02c001e3' : '1024 × 4 B'} → ${siblings.length} pages`, boxes, ranges };
}

export function pageModel(key: string): PageModel {
  const p = page(key);
  const base = baseOf(p);
  const each = spanOf(p) > 4096 ? '2M' : '4K';
  return {
    event: at(recorded.stop),
    previousStop: at(recorded.previous),
    page: refTo(key),
    gfn: p.gfn,
    level: p.level,
    quadrant: p.q,
    tags: [
      { text: p.direct ? 'direct' : '4-byte' },
      { text: p.acc },
      ...(p.root ? [{ text: `root ×${p.root}` }] : []),
      ...(p.unsync ? [{ text: 'unsync', warn: true }] : []),
    ],
    live: true,
    maps: `${hex(base, 8)}–${hex(base + spanOf(p) * 512 - 1, 8)} ${each} each`,
    base: hex(base),
    span: hex(spanOf(p)),
    role: `0x${p.role}`,
    roleFields: [
      ['level', String(p.level)],
      ['quadrant', String(p.q)],
    ],
    gen: p.gen,
    born: at(p.birth),
    frame: p.phys,
    parents: byCurrentVcpu(p).map(([gfn, , index, parent]) => ({ page: refTo(parent), index, ...(gfn === '2cd2' ? { vcpu: 0 } : {}) })),
    rootOf: p.parents.length === 0 ? [`vCPU 0, PDPTE ${p.q}, CR3 gfn ${p.gfn}`] : [],
    quadrants: quadrants(p),
    entries: p.ents.map((row) => entryModel(p, row)),
    changed: p.chg,
    before: p.chg.map((index) => [index, p.old[index] ?? null]),
    memory: '',
    text: `${nameOf(key)}\n`,
  };
}

const LOW: [number, string, string][] = [
  [11, 'mp', 'MMU-present'],
  [10, 'mw', 'MMU-writable'],
  [9, 'hw', 'host-writable'],
  [8, 'G', 'global'],
  [7, 'PS', 'page size'],
  [6, 'D', 'dirty'],
  [5, 'A', 'accessed'],
  [4, 'CD', 'PCD'],
  [3, 'WT', 'PWT'],
  [2, 'U', 'user'],
  [1, 'W', 'writable'],
  [0, 'P', 'present'],
];

function bitModels(value: bigint, before: bigint | undefined): BitModel[] {
  const pfn: BitModel = {
    bits: '51:12',
    name: 'pfn',
    value: hex((value >> 12n) & 0xff_ffff_ffffn),
    meaning: 'page mapped',
    changed: false,
  };
  const nx: BitModel = {
    bits: '63',
    name: 'NX',
    value: String(bit(value, 63)),
    meaning: bit(value, 63) ? 'no execute' : 'executable',
    changed: false,
  };
  const low = LOW.map(([n, short, name]): BitModel => {
    const changed = before !== undefined && bit(before, n) !== bit(value, n);
    return { bits: String(n), short, name, value: String(bit(value, n)), meaning: changed ? `was ${bit(before ?? 0n, n)}` : '', changed };
  });
  return [nx, pfn, ...low];
}

function guestEntry(p: RecordedPage, index: number): string {
  if (p.level === 2) return `gPDE ${hex(256 * p.q + (index >> 1), 3)}`;
  if (!p.direct) return `gPTE ${hex(512 * p.q + index, 3)}`;
  return `gPDE 30b + ${hex((baseOf(p) / 4096 + index) & 1023, 3)} pages`;
}

export function entryDetail(id: number, index: number): EntryDetail | undefined {
  const key = keyOf(id);
  if (key === undefined) return undefined;
  const p = page(key);
  const row = p.ents.find((r) => r[0] === index);
  const place = { index, address: hex(baseOf(p) + index * spanOf(p), 8), guestEntry: guestEntry(p, index) };
  if (!row) {
    const rows = [{ label: '', text: 'Empty. A fault here makes KVM walk the guest tables.' }];
    return { ...place, entry: null, bits: [], rows, setBy: null, historyTotal: 0, history: [], text: `[${hex(index, 3)}] empty` };
  }
  const entry = entryModel(p, row);
  const value = BigInt(`0x${row[2] ?? '827'}`);
  const old = p.old[index];
  const rows: EntryDetail['rows'] = [];
  if (entry.child)
    rows.push(
      { label: 'Table', text: `${entry.child.name} at frame ${hex(value >> 12n)}`, page: entry.child },
      { label: 'Rights', text: 'maximal; the leaves restrict' },
    );
  else {
    const rights = `r${bit(value, 1) ? 'w' : '-'}${bit(value, 63) ? '-' : 'x'}${bit(value, 2) ? 'u' : '-'}`;
    rows.push(
      { label: 'Maps', text: `gfn ${entry.gfn} → pfn ${entry.pfn}` },
      { label: 'Rights', text: `${rights} NX ${bit(value, 63)}, ${bit(value, 6) ? 'dirty' : 'accessed'}` },
      {
        label: 'Write',
        text: `${bit(value, 1) ? 'writable' : 'guest read-only, or gPTE D=0'}\nhost-W ${bit(value, 9)}  MMU-W ${bit(value, 10)}  W ${bit(value, 1)}`,
      },
    );
  }
  if (p.chg.includes(index)) rows.push({ label: 'Changed', text: old ? `${old} → ${row[2]} +mw +W` : 'was empty' });
  const [total = 0, ...items] = (p.hist[index] ?? []) as [number, ...[number, string, string][]];
  return {
    ...place,
    entry,
    bits: bitModels(value, old ? BigInt(`0x${old}`) : undefined),
    rows,
    setBy: {
      at: at(row[3]),
      name: entry.child ? 'linked, after get_page' : 'kvm_mmu_set_spte',
      vcpu: 'vCPU 0',
      grade: entry.child ? 'derived' : 'recorded',
    },
    historyTotal: total,
    history: items.reverse().map(([event, how, spte]) => ({
      at: at(event),
      value: spte,
      grade: how === 'wp' ? 'derived' : 'recorded',
      what: how === 'wp' ? 'W, mw cleared' : 'made writable',
    })),
    text: `${nameOf(key)} [${hex(index, 3)}] ${row[2]}`,
  };
}
