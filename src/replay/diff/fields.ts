import { NO_PAGE, type Role } from '../../engine/ids.js';
import { PferrBit } from '../../engine/permission.js';
import { roleField, type RoleField } from '../../engine/role.js';
import { Kind, SpSlot } from '../../trace/vocabulary.js';
import { accessLetters } from '../names.js';
import { spteBit, type SpteField } from '../query/spteBits.js';
import type { Item } from './items.js';
import { pageName, roleOf, type PagePairs } from './pages.js';
import type { DiffRun, RoleComparison } from './run.js';

/** What differs, by name, with its value in either run; null where there is none. */
export interface FieldDifference {
  readonly name: string;
  readonly a: string | null;
  readonly b: string | null;
}

/** Both runs with what ties their pages and roles together. */
export interface Compared {
  readonly a: DiffRun;
  readonly b: DiffRun;
  readonly roles: RoleComparison;
  readonly pairs: PagePairs;
}

/** One field's value in an item; undefined: not to be compared. */
type Value = string | undefined;
type Values = ReadonlyMap<string, Value>;

/** What two items that are about the same thing say differently. */
export function differingFields(compared: Compared, a: Item, b: Item): FieldDifference[] {
  const [inA, inB] = [valuesOf(compared.a, compared.roles, a), valuesOf(compared.b, compared.roles, b)];
  const found: FieldDifference[] = [];
  // What tells two pages apart is said where they are first met.
  const met = a.kind <= Kind.prepareZap && compared.pairs.met(a.page, b.page);
  for (const [name, value] of inA) {
    if (met && name.startsWith('role.') && name !== 'role.invalid') continue;
    const other = inB.get(name);
    if (value !== undefined && other !== undefined && value !== other) found.push({ name, a: value, b: other });
  }
  // What the host allows, the guest cannot tell from what KVM allows.
  const host = found.some(({ name }) => name === 'spte.hw');
  const kept = host ? found.filter(({ name }) => !HOST_DECIDES.has(name)) : found;
  const elsewhere = otherPage(compared, a, b);
  return elsewhere ? [elsewhere, ...kept] : kept;
}

const HOST_DECIDES: ReadonlySet<string> = new Set(['spte.hw', 'spte.w', 'spte.mw', 'spte.d']);

/** All fields of an event that only one run has. */
export function ownFields(compared: Compared, item: Item, side: 'a' | 'b'): FieldDifference[] {
  const values = [...valuesOf(compared[side], compared.roles, item)].flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value }],
  );
  return values.map(({ name, value }) => (side === 'a' ? { name, a: value, b: null } : { name, a: null, b: value }));
}

/** An SPTE that is set in different pages. */
function otherPage({ a: runA, b: runB, pairs }: Compared, a: Item, b: Item): FieldDifference | undefined {
  if (a.kind !== Kind.setSpte || a.page === NO_PAGE || b.page === NO_PAGE || pairs.same(a.page, b.page)) return undefined;
  const [inA, inB] = [pageName(runA, a.page), pageName(runB, b.page)];
  return inA === inB ? undefined : { name: 'page', a: inA, b: inB };
}

function valuesOf(run: DiffRun, roles: RoleComparison, item: Item): Values {
  const { table } = run.history;
  const { event, kind } = item;
  const hex = (slot: number): string => table.word(event, slot).toString(16);
  const num = (slot: number): string => String(table.num(event, slot));
  switch (kind) {
    case Kind.getPage:
    case Kind.syncPage:
    case Kind.unsyncPage:
    case Kind.prepareZap:
      return pageValues(run, roles, item);
    case Kind.setSpte:
      return spteValues(run, item, table.word(event, 1), ['w', 'u', 'x', 'a', 'd', 'ps', 'hw', 'mw']);
    case Kind.spteRequested:
      return new Map([
        ['gfn', hex(0)],
        ['level', num(2)],
      ]);
    case Kind.markMmio:
      return new Map([['access', (table.num(event, 2) & MMIO_ACCESS).toString(16)]]);
    case Kind.checkMmio:
      return new Map([['valid', table.num(event, 0) === table.num(event, 1) ? '1' : '0']]);
    case Kind.fastPageFault:
      return new Map([
        ...errorValue(table.num(event, 2)),
        ...spteValues(run, item, table.word(event, 5), ['w', 'd']),
        ['spurious', num(6)],
        ['fixed', num(7)],
      ]);
    case Kind.zapAllFast:
      return new Map([['mmu_used_pages', hex(1)]]);
    case Kind.pageFault:
      return errorValue(table.num(event, 3));
    case Kind.walkerError:
      return new Map([['pferr', hex(0)]]);
    case Kind.injException:
      return new Map([['error_code', hex(2)]]);
    case Kind.cr:
      return new Map([['val', hex(2)]]);
    case Kind.walk:
      return new Map((item.gptes ?? []).map(([level, value]) => [`gPTE of level ${level}`, value.toString(16)]));
    default:
      return new Map();
  }
}

/** W and U: the bits of an MMIO SPTE's access that every kernel keeps in the same place. */
const MMIO_ACCESS = 6;

/** An access meets a present entry or a reserved bit according to what was there before. */
function errorValue(error: number): Map<string, Value> {
  return new Map([
    ['error.present', error & PferrBit.present ? '1' : '0'],
    ['error.reserved', error & PferrBit.reserved ? '1' : '0'],
  ]);
}

function pageValues(run: DiffRun, roles: RoleComparison, { kind, event, page }: Item): Map<string, Value> {
  const { table } = run.history;
  const role = roleOf(run, page, table.num(event, SpSlot.role) as Role);
  const values = new Map<string, Value>([['gfn', table.word(event, SpSlot.gfn).toString(16)]]);
  for (const field of roles.fields) values.set(`role.${field}`, roleValue(role, roles, field));
  values.set('root_count', String(table.num(event, SpSlot.rootCount)));
  values.set('unsync', String(table.num(event, SpSlot.unsync)));
  if (kind === Kind.getPage) values.set('created', String(table.num(event, SpSlot.created)));
  return values;
}

function roleValue(role: Role, roles: RoleComparison, field: RoleField): string {
  return field === 'access' ? accessLetters(roles.value(role, 'access'), 3) : String(roleField(role, field));
}

function spteValues(run: DiffRun, item: Item, spte: bigint, bits: readonly SpteField[]): Map<string, Value> {
  const { format } = run.history.mmus[0]!;
  const values = new Map<string, Value>();
  if (item.kind === Kind.setSpte) {
    const { table } = run.history;
    values.set('gfn', table.word(item.event, 0).toString(16));
    values.set('level', String(table.num(item.event, 3)));
    values.set('index', ((table.num(item.event, 2) & 0xfff) >> 3).toString(16).padStart(3, '0'));
  }
  for (const bit of bits) values.set(`spte.${bit}`, String(spteBit(spte, bit, format)));
  return values;
}

/** Another page size, since the memory behind the gfn is no large page in one of the hosts. */
export function isHostChoice({ a, b }: Compared, inA: Item, inB: Item, fields: readonly FieldDifference[]): boolean {
  if (inA.kind !== Kind.spteRequested || !fields.some(({ name }) => name === 'level')) return false;
  const [levelA, levelB] = [a.history.table.num(inA.event, 2), b.history.table.num(inB.event, 2)];
  const [run, { event }] = levelA < levelB ? ([a, inA] as const) : ([b, inB] as const);
  const { table } = run.history;
  return (table.num(event, 0) - table.num(event, 1)) % LARGE_PAGE !== 0;
}

/** 4 KiB pages in the smallest large page. */
const LARGE_PAGE = 512;
