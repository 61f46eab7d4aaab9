import { Output, type Announcement } from '../engine/announcement.js';
import { NO_PAGE, type EventIndex, type PageId, type Role, type SpteIndex } from '../engine/ids.js';
import type { Mmu } from '../engine/mmu.js';
import { roleField } from '../engine/role.js';
import { encodeRole, type RoleLayout } from '../engine/roleLayout.js';
import type { EventTable } from '../trace/table.js';
import { EVENTS } from '../trace/vocabulary.js';
import type { Difference } from './compare.js';
import { accessLetters } from './names.js';
import type { Finding } from './view.js';

/** Where the derived quadrant of a page comes from. */
export interface QuadrantSource {
  readonly parent?: PageId;
  readonly index?: SpteIndex;
  /** slot of the root's PDPT */
  readonly slot?: number;
  /** guest address of the fault */
  readonly address?: bigint;
  /** the page was born with the derived quadrant */
  readonly page?: PageId;
}

/** Makes the findings, with the sentences and cards of ui.md §12. */
export class Findings {
  private readonly byEvent = new Map<EventIndex, Finding>();
  readonly all: Finding[] = [];

  constructor(private readonly table: EventTable) {}

  at(event: EventIndex): Finding | undefined {
    return this.byEvent.get(event);
  }

  quadrantMismatch(event: EventIndex, mmu: Mmu, gfn: number, recorded: Role, derived: Role, from: QuadrantSource, page: PageId): void {
    const name = this.table.name(event);
    const { layout } = this.table.info;
    const quadrants = [roleField(recorded, 'quadrant'), roleField(derived, 'quadrant')] as const;
    const [because, rule] = reasonOf(mmu, from, quadrants[1]);
    const level = roleField(derived, 'level');
    this.add({
      event,
      kind: 'quadrant-mismatch',
      name,
      vm: mmu.vm,
      page,
      message: `${name} recorded quadrant ${quadrants[0]} for gfn ${gfn.toString(16)} level ${level}, but ${because}: quadrant ${quadrants[1]} (${rule})`,
      expected: { 'role.quadrant': quadrants[1] },
      recorded: { 'role.quadrant': quadrants[0] },
      card: [
        ['quadrant-mismatch', `${name} recorded quadrant ${quadrants[0]}, derived quadrant ${quadrants[1]}`],
        ['recorded', describe(gfn, recorded, layout, this.table)],
        ['derived', describe(gfn, derived, layout, this.table)],
        ['because', because],
        ['rule', rule],
        ['effect', effectOf(level, quadrants)],
        ['state', 'recorded role kept, page marked !='],
      ],
    });
  }

  /** Record and announcement differ in a field that the engine owns. */
  mismatch(event: EventIndex, mmu: Mmu, announced: Announcement, differences: readonly Difference[]): void {
    const name = this.table.name(event);
    const text = differences
      .map(({ field, expected, recorded }) => `${field} ${show(expected)} expected, ${show(recorded)} recorded`)
      .join(', ');
    this.add({
      event,
      kind: kindOf(announced, differences),
      name,
      vm: mmu.vm,
      message: `${name}: ${text}`,
      expected: Object.fromEntries(differences.map(({ field, expected }) => [field, plain(expected)])),
      recorded: Object.fromEntries(differences.map(({ field, recorded }) => [field, plain(recorded)])),
      card: [[kindOf(announced, differences), text]],
    });
  }

  missing(event: EventIndex, mmu: Mmu, announced: Announcement): void {
    const name = EVENTS[announced.output as 0].name;
    this.add({
      event,
      kind: 'missing',
      name,
      vm: mmu.vm,
      message: `${name} must come before this event, and does not`,
      expected: { event: name },
      recorded: { event: this.table.name(event) },
      card: [['missing', `${name} must come before this event, and does not`]],
    });
  }

  unpredicted(event: EventIndex, mmu: Mmu, announced: Announcement | undefined, page: PageId): void {
    const name = this.table.name(event);
    const expected = announced ? EVENTS[announced.output as 0].name : 'no event of the MMU';
    this.add({
      event,
      kind: 'unpredicted',
      name,
      vm: mmu.vm,
      ...(page === NO_PAGE ? {} : { page }),
      message: `${name} was recorded where ${expected} must come`,
      expected: { event: expected },
      recorded: { event: name },
      card: [['unpredicted', `${name} was recorded where ${expected} must come`]],
    });
  }

  lostEvents(event: EventIndex, vm: number, count: number): void {
    const lost = count < 0 ? 'an unknown number of events' : `${count} event${count === 1 ? '' : 's'}`;
    this.add({
      event,
      kind: 'lost-events',
      name: this.table.name(event),
      vm,
      message: `${lost} lost before this one on CPU ${this.table.cpu(event)}: what they changed is not known`,
      expected: {},
      recorded: { lost: count < 0 ? 'unknown' : count },
      card: [
        ['lost-events', `${lost} lost before ${this.table.name(event)}`],
        ['because', `the ring buffer of CPU ${this.table.cpu(event)} ran over`],
        ['effect', 'every entry is in doubt until an event confirms it'],
      ],
    });
  }

  private add(finding: Finding): void {
    if (this.byEvent.has(finding.event)) return;
    this.byEvent.set(finding.event, finding);
    this.all.push(finding);
  }
}

function describe(gfn: number, role: Role, layout: RoleLayout, table: EventTable): string {
  const size = roleField(role, 'has4ByteGpte') ? 4 : 8;
  const direct = roleField(role, 'direct') ? ' direct' : '';
  const word = table.info.roles === 'exact' ? `   role 0x${encodeRole(layout, role).toString(16)}` : '';
  const access = accessLetters(roleField(role, 'access'), table.info.accessLetters);
  return `gfn ${gfn.toString(16)} L${roleField(role, 'level')} q${roleField(role, 'quadrant')} ${size}-byte${direct} ${access}${word}`;
}

function reasonOf(mmu: Mmu, from: QuadrantSource, derived: number): [because: string, rule: string] {
  if (from.slot !== undefined) {
    return [`it is the page of slot ${from.slot} of the root`, 'mmu_alloc_shadow_roots: 4-byte gPTEs, level 2: quadrant = slot'];
  }
  if (from.page !== undefined) {
    const born = mmu.pages.born(from.page);
    return [`the live page of this gfn and role has quadrant ${derived}, since event ${born}`, 'a page keeps its role from birth to zap'];
  }
  const rule = 'kvm_mmu_child_role: 4-byte gPTEs, level 1: quadrant = SPTE index & 1';
  const index = from.index!;
  const indexText = index.toString(16).padStart(3, '0');
  const parity = index & 1 ? 'odd' : 'even';
  const bit = `bit 21 of ${from.address!.toString(16).padStart(8, '0')} is ${derived}`;
  if (from.parent === undefined || from.parent === NO_PAGE) return [`SPTE index ${indexText} is ${parity}; ${bit}`, rule];
  const parent = mmu.pages.birth(from.parent);
  const name = `${parent.gfn.toString(16)} L${roleField(parent.role, 'level')} q${roleField(parent.role, 'quadrant')}`;
  return [`parent ${name}, SPTE index ${indexText} is ${parity}; ${bit}`, rule];
}

function effectOf(level: number, [recorded, derived]: readonly [number, number]): string {
  const per = level === 1 ? 512 : 256;
  const unit = level === 1 ? 'gPTEs' : 'gPDEs';
  const range = (q: number): string => `${(q * per).toString(16).padStart(3, '0')}-${((q + 1) * per - 1).toString(16).padStart(3, '0')}`;
  return `the page would shadow ${unit} ${range(recorded)} where the guest walks ${range(derived)}`;
}

function kindOf(announced: Announcement, differences: readonly Difference[]): string {
  if (differences.some(({ field }) => field === 'role.quadrant')) return 'quadrant-mismatch';
  if (differences.some(({ field }) => field.startsWith('role.'))) return 'role-mismatch';
  return announced.output === Output.setSpte ? 'spte-mismatch' : 'mismatch';
}

function show(value: number | bigint): string {
  return value.toString(16);
}

function plain(value: number | bigint): number | string {
  return typeof value === 'bigint' ? `0x${value.toString(16)}` : value;
}
