import { NO_PAGE, type EventIndex, type PageId, type Role, type SpteIndex } from '../../engine/ids.js';
import type { Mmu } from '../../engine/mmu.js';
import type { Announcement } from '../../engine/announcement.js';
import { roleField, withRole } from '../../engine/role.js';
import type { EventTable } from '../../trace/table.js';
import { SpSlot } from '../../trace/vocabulary.js';
import type { Difference } from '../compare.js';
import type { Finding } from '../view.js';
import { pageText } from './texts.js';

/** Where the derived quadrant of a page comes from. */
interface QuadrantSource {
  readonly parent?: PageId;
  readonly index?: SpteIndex;
  /** slot of the root's PDPT */
  readonly slot?: number;
  /** guest address of the fault */
  readonly address?: bigint;
  /** the page was born with the derived quadrant */
  readonly page?: PageId;
}

export interface Mismatch {
  readonly gfn: number;
  readonly recorded: Role;
  readonly derived: Role;
  readonly from: QuadrantSource;
  readonly page: PageId;
}

/** A difference in nothing but the quadrant, and where the right one comes from. */
export function quadrantMismatch(
  table: EventTable,
  event: EventIndex,
  announced: Announcement,
  differences: readonly Difference[],
  page: PageId,
  address: bigint | undefined,
): Mismatch | undefined {
  if (!('fields' in announced) || differences.length !== 1 || differences[0]!.field !== 'role.quadrant') return undefined;
  const recorded = table.num(event, SpSlot.role) as Role;
  const { slot, parent, index } = announced;
  const fault = parent !== undefined && index !== undefined && address !== undefined ? { parent, index, address } : undefined;
  const source = slot === undefined ? fault : { slot };
  if (!source && announced.page === NO_PAGE) return undefined;
  return {
    gfn: table.num(event, SpSlot.gfn),
    recorded,
    derived: withRole(recorded, { quadrant: Number(differences[0]!.expected) }),
    from: source ?? { page: announced.page },
    page,
  };
}

/** A page's quadrant is not the one of its place (ui.md §12). */
export function quadrantCard(table: EventTable, event: EventIndex, mmu: Mmu, { gfn, recorded, derived, from, page }: Mismatch): Finding {
  const name = table.name(event);
  const quadrants = [roleField(recorded, 'quadrant'), roleField(derived, 'quadrant')] as const;
  const [because, rule] = reasonOf(mmu, from, quadrants[1]);
  const level = roleField(derived, 'level');
  return {
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
      ['recorded', pageText(gfn, recorded, table.info)],
      ['derived', pageText(gfn, derived, table.info)],
      ['because', because],
      ['rule', rule],
      ['effect', effectOf(level, quadrants)],
      ['state', 'recorded role kept, page marked !='],
    ],
  };
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
