import { Output, type Announcement, type Bits, type PageAnnouncement, type PageFields } from '../engine/announcement.js';
import type { EventIndex, Gfn, Role, SpteIndex } from '../engine/ids.js';
import { ROLE_FIELDS, roleField, withRole } from '../engine/role.js';
import { accessTo } from '../engine/roleLayout.js';
import type { EventTable } from '../trace/table.js';
import { Kind, SpSlot, specOf } from '../trace/vocabulary.js';
import { isAnonymous } from './pageRecords.js';

/** A field in which an announcement and its record differ. */
export interface Difference {
  readonly field: string;
  readonly expected: number | bigint;
  readonly recorded: number | bigint;
  /** argument of the event, and the bits of it that must be other ones */
  readonly slot: number;
  readonly mask: bigint;
  readonly right: bigint;
}

const ALL = (1n << 64n) - 1n;
const OFFSET = 0xfffn;

/** Fields of a record that an announcement had given, and that differ. The announcement must be of the record's kind. */
export function differences(announced: Announcement, table: EventTable, event: EventIndex, roleMask: number): Difference[] {
  const found: Difference[] = [];
  const compare = (field: string, expected: number | bigint | boolean | undefined, slot: number): void => {
    if (expected === undefined || !table.has(event, slot)) return;
    // Most fields are equal, and most are small.
    if (typeof expected === 'number' && expected < 2 ** 32 && table.high(event, slot) === 0 && table.low(event, slot) === expected) return;
    const wanted = typeof expected === 'boolean' ? (expected ? 1n : 0n) : BigInt(expected);
    const recorded = table.word(event, slot);
    if (wanted !== recorded) found.push({ field, expected: narrow(wanted), recorded: narrow(recorded), slot, mask: ALL, right: wanted });
  };
  const bits = (field: string, { value, mask }: Bits, slot: number): void => {
    const recorded = table.word(event, slot) & mask;
    if (recorded !== (value & mask)) found.push({ field, expected: value & mask, recorded, slot, mask, right: value & mask });
  };
  switch (announced.output) {
    case Output.setSpte: {
      const settled = announced.settle?.((Number(table.word(event, 2) & OFFSET) >> 3) as SpteIndex);
      compare('gfn', settled?.gfn ?? announced.gfn, 0);
      bits('spte', settled?.spte ?? announced.spte, 1);
      if (announced.index !== undefined) bits('at', { value: BigInt(announced.index * 8), mask: OFFSET }, 2);
      if (announced.frame !== undefined) bits('at', { value: BigInt(announced.frame) << 12n, mask: ALL & ~OFFSET }, 2);
      compare('level', announced.level, 3);
      break;
    }
    case Output.spteRequested: {
      const settled = announced.settle?.(table.num(event, 0) as Gfn);
      compare('gfn', announced.gfn, 0);
      compare('pfn', settled?.pfn ?? announced.pfn, 1);
      compare('level', settled?.level ?? announced.level, 2);
      compare('access', announced.access === undefined ? undefined : accessTo(table.info.layout, announced.access), 3);
      break;
    }
    case Output.markMmio:
      compare('gfn', announced.gfn, 1);
      compare('access', announced.access, 2);
      compare('gen', announced.generation, 3);
      break;
    case Output.checkMmio:
      compare('kvm_gen', announced.generation, 0);
      compare('spte_gen', announced.spteGeneration, 1);
      compare('spte', announced.spte, 2);
      // An SPTE of another memslot generation is not valid.
      if (announced.spteGeneration !== undefined) compare('valid', table.num(event, 0) === announced.spteGeneration, 3);
      break;
    case Output.handleMmio:
      compare('addr', announced.address, 0);
      compare('gfn', announced.gfn, 1);
      compare('access', announced.access, 2);
      break;
    case Output.fastPageFault: {
      const settled = announced.settle?.(table.word(event, 1), table.num(event, 2));
      compare('vcpu_id', announced.vcpu, 0);
      compare('cr2_or_gpa', announced.address, 1);
      compare('error_code', announced.error, 2);
      bits('old_spte', settled?.before ?? announced.before, 4);
      bits('new_spte', settled?.after ?? announced.after, 5);
      compare('spurious', announced.spurious, 6);
      compare('fixed', settled?.fixed ?? announced.fixed, 7);
      break;
    }
    case Output.zapAllFast:
      compare('mmu_valid_gen', announced.generation, 0);
      compare('mmu_used_pages', announced.usedPages, 1);
      break;
    case Output.anything:
      break;
    default:
      page(announced, table, event, roleMask, compare, found);
  }
  return found;
}

function page(
  announced: PageAnnouncement,
  table: EventTable,
  event: EventIndex,
  roleMask: number,
  compare: (field: string, expected: number | boolean | undefined, slot: number) => void,
  found: Difference[],
): void {
  const recordedRole = table.num(event, SpSlot.role) as Role;
  const expectedRole = rootRole(announced, recordedRole);
  const settled = announced.settle?.(table.num(event, SpSlot.gfn) as Gfn, expectedRole ?? recordedRole);
  const fields: PageFields = settled ? { gfn: announced.fields.gfn, role: expectedRole, ...settled } : announced.fields;
  const { gfn, role } = table.has(event, SpSlot.gfn)
    ? readingMeant(announced, fields, table.num(event, SpSlot.gfn) as Gfn, recordedRole, roleMask)
    : fields;
  compare('gfn', gfn, SpSlot.gfn);
  if (role !== undefined) {
    const changed = (role ^ recordedRole) & roleMask;
    for (const field of ROLE_FIELDS) {
      if (roleField(changed as Role, field) === 0) continue;
      found.push({
        field: `role.${field}`,
        expected: roleField(role, field),
        recorded: roleField(recordedRole, field),
        slot: SpSlot.role,
        mask: BigInt(roleMask >>> 0),
        right: BigInt(role >>> 0),
      });
    }
  }
  compare('mmu_valid_gen', fields.generation, SpSlot.gen);
  compare('root_count', fields.rootCount, SpSlot.rootCount);
  compare('unsync', fields.unsync, SpSlot.unsync);
  if (table.kind(event) === Kind.getPage) compare('created', fields.created, SpSlot.created);
}

/** The role announced; of one that is open for the first page of a root, what its slot tells. */
function rootRole({ fields, quadrant }: PageAnnouncement, recorded: Role): Role | undefined {
  if (fields.role !== undefined || quadrant === undefined || !roleField(recorded, 'has4ByteGpte')) return fields.role;
  return roleField(recorded, 'level') === 2 ? withRole(recorded, { quadrant }) : undefined;
}

/** Of a page whose identity is in dispute, a record may confirm either reading. */
function readingMeant(
  announced: PageAnnouncement,
  fields: PageFields,
  gfn: Gfn,
  role: Role,
  mask: number,
): Pick<PageFields, 'gfn' | 'role'> {
  const { other } = announced;
  const life = withRole(other?.role ?? role, { invalid: roleField(role, 'invalid') });
  return other?.gfn === gfn && ((life ^ role) & mask) === 0 ? { gfn, role } : fields;
}

/**
 * Whether a record that differs from an announcement with a reservation in one field can only be that one: what tells it from the others
 * that may come agrees.
 */
export function isThisOne(announced: Announcement, { field }: Difference): boolean {
  switch (announced.output) {
    case Output.setSpte:
      return announced.index !== undefined && field !== 'at';
    case Output.spteRequested:
      return field !== 'gfn';
    case Output.getPage:
      return announced.slot !== undefined;
    case Output.checkMmio:
    case Output.handleMmio:
    case Output.fastPageFault:
    case Output.zapAllFast:
      return true;
    default:
      return false;
  }
}

/** Whether a record that differs from an announcement is that event with wrong fields, rather than another event. */
export function isAboutSame(differs: readonly Difference[]): boolean {
  return differs.length === 1 || !differs.some(({ field }) => field === 'gfn' || field === 'at' || field.startsWith('role.'));
}

/** Whether a record is about what comes after an announced event in the same walk over pages. */
export function isNext(announced: Announcement, table: EventTable, event: EventIndex, roleMask: number): boolean {
  if (!('next' in announced) || !announced.next) return false;
  const { gfn, role, created } = announced.next;
  if (created !== undefined && created !== (table.num(event, SpSlot.created) === 1)) return false;
  const difference = withRole(role, { invalid: 0 }) ^ withRole(table.num(event, SpSlot.role) as Role, { invalid: 0 });
  return (!table.has(event, SpSlot.gfn) || gfn === table.num(event, SpSlot.gfn)) && (difference & roleMask) === 0;
}

/** Two records of the same event with the same values. */
export function sameRecord(table: EventTable, a: EventIndex, b: EventIndex): boolean {
  if (table.kind(a) !== table.kind(b) || isAnonymous(table, a)) return false;
  for (let slot = 0; slot < (specOf(table.kind(a))?.args.length ?? 0); slot++) {
    if (table.has(a, slot) !== table.has(b, slot) || table.word(a, slot) !== table.word(b, slot)) return false;
  }
  return true;
}

function narrow(value: bigint): number | bigint {
  return value <= 0xffff_ffffn ? Number(value) : value;
}
