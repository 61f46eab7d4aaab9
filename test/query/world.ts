import type { EventIndex, Gfn, PageId, Pfn, Role, SpteIndex } from '../../src/engine/ids.js';
import { makeRole, roleField, withRole, type RoleFields } from '../../src/engine/role.js';
import { encodeRole, LAYOUT_5_17, type RoleLayout } from '../../src/engine/roleLayout.js';
import { Kind, kindOf, specOf } from '../../src/trace/vocabulary.js';
import type { EventSource, ReplaySource } from '../../src/replay/query/scope.js';
import type { EntryView, Finding, PageView } from '../../src/replay/view.js';
import type { FormState } from '../../src/debug/forms/context.js';
import type { SpteKind } from '../../src/protocol.js';

/** A small world for conditions and forms: events and one state, written down as a test wants them. */
export interface WorldEvent {
  readonly name: string;
  readonly args?: Readonly<Record<string, number | bigint | string>>;
  readonly time?: string;
  readonly comm?: string;
  readonly pid?: number;
  readonly line?: number;
  readonly page?: number;
  readonly spte?: { readonly page: number; readonly index: number };
  readonly text?: string;
}

export interface WorldEntry extends Partial<Omit<EntryView, 'index'>> {
  readonly kind: SpteKind;
}

export class World implements ReplaySource, FormState {
  readonly events: WorldEvent[] = [];
  readonly pages = new Map<number, PageView>();
  readonly contents = new Map<number, Map<number, { view: EntryView; kind: SpteKind }>>();
  readonly changes: { page: number; index: number; before: EntryView }[] = [];
  readonly histories = new Map<string, { event: number; entry: EntryView; why: string }[]>();
  readonly bases = new Map<number, bigint>();
  readonly found = new Map<number, Finding>();
  readonly rootPages: { vcpu: number; pages: PageId[] }[] = [];
  roles: 'exact' | 'printed' = 'exact';
  layout: RoleLayout = LAYOUT_5_17;
  kernel = '6.1';
  event = -1 as EventIndex;
  /** how often a condition moved the cursor */
  seeks = 0;

  /** Adds an event; answers its number. */
  add(event: WorldEvent): EventIndex {
    return (this.events.push(event) - 1) as EventIndex;
  }

  addPage(id: number, fields: Partial<RoleFields> & { gfn: number }, rest: Partial<PageView> = {}): PageView {
    const { gfn, ...role } = fields;
    const word = makeRole({ access: 15, efer_nx: 1, cr0_wp: 1, ...role });
    const page: PageView = {
      id: id as PageId,
      gfn: gfn as Gfn,
      role: word,
      word: this.roles === 'exact' ? encodeRole(this.layout, word) : null,
      level: roleField(word, 'level'),
      quadrant: roleField(word, 'quadrant'),
      gpteBytes: roleField(word, 'has4ByteGpte') ? 4 : 8,
      direct: roleField(word, 'direct') === 1,
      access: accessText(word),
      live: true,
      invalid: false,
      obsolete: false,
      rootCount: 0,
      unsync: false,
      gen: 0,
      born: 0 as EventIndex,
      local: false,
      bornBefore: false,
      frame: null,
      frameGrade: 'unknown',
      parents: [],
      roots: [],
      ...rest,
    };
    this.pages.set(id, page);
    if (!this.contents.has(id)) this.contents.set(id, new Map());
    return page;
  }

  set(page: number, index: number, entry: WorldEntry): EntryView {
    const { kind, ...rest } = entry;
    const view: EntryView = {
      index: index as SpteIndex,
      state: kind === 'T' ? 'link' : kind === 'M' ? 'mmio' : kind === '·' ? 'empty' : 'leaf',
      value: null,
      grade: 'recorded',
      setBy: 0 as EventIndex,
      ...rest,
    };
    if (!this.contents.has(page)) this.contents.set(page, new Map());
    this.contents.get(page)!.set(index, { view, kind });
    return view;
  }

  // ReplaySource
  readonly table: EventSource = tableOf(this);
  vmOf(): number {
    return 0;
  }
  vcpuOf(e: EventIndex): { vm: number; vcpu: number; pid: number } | undefined {
    const pid = this.table.pid(e);
    return pid >= 100 && pid < 110 ? { vm: 0, vcpu: pid - 100, pid } : undefined;
  }
  pageOf(e: EventIndex): PageId {
    return (this.events[e]?.page ?? this.events[e]?.spte?.page ?? 0) as PageId;
  }
  spteOf(e: EventIndex): { page: PageId; index: SpteIndex } | undefined {
    return this.events[e]?.spte as { page: PageId; index: SpteIndex } | undefined;
  }
  findingAt(e: EventIndex): Finding | undefined {
    return this.found.get(e);
  }
  faultOf(): undefined {
    return undefined;
  }
  identityOf(): undefined {
    return undefined;
  }
  cursor(): FormState {
    return this;
  }

  // FormState
  seek(event: EventIndex): void {
    this.event = event;
    this.seeks++;
  }
  livePages(): PageId[] {
    return [...this.pages.values()].filter((p) => p.live).map((p) => p.id);
  }
  page(id: PageId): PageView {
    return this.pages.get(id)!;
  }
  header(id: PageId): PageView {
    return this.pages.get(id)!;
  }
  entry(id: PageId, index: SpteIndex): EntryView {
    return this.contents.get(id)!.get(index)?.view ?? { index, state: 'empty', value: 0n, grade: 'derived', setBy: -1 as EventIndex };
  }
  entries(id: PageId): EntryView[] {
    return [...this.contents.get(id)!.values()].map((c) => c.view).sort((a, b) => a.index - b.index);
  }
  spteKind(id: PageId, entry: EntryView): SpteKind {
    return this.contents.get(id)!.get(entry.index)!.kind;
  }
  baseAddress(id: PageId): bigint | undefined {
    return this.bases.get(id);
  }
  roots(): { vcpu: number; pages: PageId[] }[] {
    return this.rootPages;
  }
  pagesOfGfn(_vm: number, gfn: Gfn): PageId[] {
    return this.livePages().filter((id) => this.page(id).gfn === gfn);
  }
  mappers(_vm: number, gfn: Gfn): { page: PageId; index: SpteIndex }[] {
    return this.livePages().flatMap((page) =>
      this.entries(page)
        .filter((e) => e.gfn === gfn)
        .map(({ index }) => ({ page, index })),
    );
  }
  changedSince(id: PageId): { index: SpteIndex; before: EntryView }[] {
    return this.changes.filter((c) => c.page === id).map((c) => ({ index: c.index as SpteIndex, before: c.before }));
  }
  history(id: PageId, index: SpteIndex): { event: EventIndex; entry: EntryView; why: string }[] {
    return (this.histories.get(`${id}.${index}`) ?? []) as { event: EventIndex; entry: EntryView; why: string }[];
  }
  memory(id: PageId): Uint8Array {
    const bytes = new Uint8Array(4096);
    for (const e of this.entries(id)) new DataView(bytes.buffer).setBigUint64(e.index * 8, e.value ?? e.flags ?? 0n, true);
    return bytes;
  }
}

/** The arguments of an event about a page. */
export function spArgs(fields: Partial<RoleFields> & { gfn: number }, rest: Record<string, number> = {}): Record<string, number> {
  const { gfn, ...role } = fields;
  const word = makeRole({ access: 15, efer_nx: 1, cr0_wp: 1, ...role });
  return { mmu_valid_gen: 0, gfn, role: word, root_count: 0, unsync: 0, created: 1, ...rest };
}

export const gfn = (n: number): Gfn => n as Gfn;
export const pfn = (n: number): Pfn => n as Pfn;
export const at = (n: number): EventIndex => n as EventIndex;
export { makeRole, withRole };

function accessText(role: Role): string {
  const access = roleField(role, 'access');
  return [...'wux'].map((c) => (access & { w: 2, u: 4, x: 1 }[c as 'w' | 'u' | 'x'] ? c : '-')).join('');
}

function tableOf(world: World): EventSource {
  const { events } = world;
  const arg = (e: number, slot: number): number | bigint | string | undefined => {
    const spec = specOf(kindOf(events[e]!.name))?.args[slot];
    return spec && events[e]!.args?.[spec.name];
  };
  return {
    get info() {
      return { layout: world.layout, roles: world.roles, kernel: { text: world.kernel, from: world.kernel, to: world.kernel } };
    },
    get length() {
      return events.length;
    },
    kind: (e) => (events[e] ? kindOf(events[e].name) : Kind.other),
    formOf: (e) => e,
    name: (e) => events[e]!.name,
    pid: (e) => events[e]!.pid ?? 100,
    comm: (e) => events[e]!.comm ?? 'CPU 0/KVM',
    tgid: () => undefined,
    cpu: () => 1,
    contextOf: (e) => e,
    shortTime: () => undefined,
    time: (e) => ns(events[e]!.time ?? '1.000000'),
    timeText: (e) => events[e]!.time ?? '1.000000',
    isInSeconds: (e) => (events[e]!.time ?? '1.000000').includes('.'),
    line: (e) => events[e]!.line,
    has: (e, slot) => arg(e, slot) !== undefined,
    isFixed: () => false,
    num: (e, slot) => Number(arg(e, slot) ?? 0),
    low: (e, slot) => Number(BigInt.asUintN(32, BigInt(arg(e, slot) ?? 0))),
    high: (e, slot) => Number(BigInt.asUintN(32, BigInt(arg(e, slot) ?? 0) >> 32n)),
    word: (e, slot) => BigInt.asUintN(64, BigInt(arg(e, slot) ?? 0)),
    string: (e, slot) => String(arg(e, slot) ?? ''),
    message: (e) => events[e]!.text ?? '',
  };
}

function ns(time: string): bigint {
  const [whole = '0', fraction] = time.split('.');
  return fraction === undefined ? BigInt(whole) : BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'));
}
