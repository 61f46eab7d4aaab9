import type { PageFields } from './announcement.js';
import { NO_PAGE, type Gfn, type PageId, type Role } from './ids.js';
import type { Kvm } from './kvm.js';
import { Life } from './pages.js';
import { PRINTED_MASK, roleField, withRole } from './role.js';
import { announcePage, findPage } from './steps/getPage.js';
import type { RootChange } from './steps/roots.js';
import type { Vcpu } from './vcpu.js';

/** A page as it is asked for: its role as printed. */
interface Asked {
  readonly gfn: Gfn;
  readonly role: Role;
}

/** What a record says of a page that a root load takes. */
export interface Taken extends Asked {
  readonly created: boolean;
  readonly unsync: boolean;
  readonly rootCount: number;
}

type Settled = Omit<PageFields, 'gfn' | 'role'>;

/** The class of a root, with the others that it may be of as well. */
interface Told {
  readonly hidden: number;
  readonly others: readonly number[];
}

/** As many as the field holds. */
const MOST = 4;

/** The role as one of a class. */
export function inClass(role: Role, hidden: number): Role {
  return withRole(role, { hidden });
}

/** The role in system management mode and in a nested guest, which have events: text does not print those bits either. */
export function inMode(role: Role, { inSmm, inNestedGuest }: Vcpu): Role {
  return withRole(role, { smm: inSmm ? 1 : 0, guest_mode: inNestedGuest ? 1 : 0 });
}

/** The class of the root in use: all that hangs below it is of the same. */
export function classOf({ mmu }: Kvm, vcpu: Vcpu): number {
  const root = vcpu.firstRoot();
  return root === undefined ? 0 : roleField(mmu.pages.birth(root).role, 'hidden');
}

/**
 * Text traces lack the role bits that follow the guest's control registers (`cr0_wp`, `smep_andnot_wp` …): pages that look alike live
 * side by side, and a switch of those bits shows as a root load alone. Each setting of them that showed is a class, which pages carry in
 * a role field of their own; find-or-create and the child role then keep the classes apart.
 */
export class HiddenClasses {
  private count = 1;

  /** pages were taken to be of one class that turned out to be of another: which of them live, and where, is not certain any more */
  mixed = false;

  /** classes of bits that something besides the records tells */
  private readonly byBits = new Map<number, number>();

  /** The class of bits that are known. */
  ofBits(bits: number): number {
    const known = this.byBits.get(bits);
    if (known !== undefined) return known;
    const hidden = this.byBits.size < this.count ? this.byBits.size : this.count < MOST ? this.count++ : MOST - 1;
    this.byBits.set(bits, hidden);
    return hidden;
  }

  /** Pages of more than one class live, or lived. */
  get several(): boolean {
    return this.count > 1;
  }

  /** Classes that a root load may be for, the likeliest first. */
  private candidates(kvm: Kvm, vcpu: Vcpu, change: RootChange, taken: Asked): number[] {
    if (roleField(taken.role, 'direct')) return [0]; // without paging none of the bits is set
    const current = classOf(kvm, vcpu);
    if (!maySwitch(kvm, vcpu, change, taken)) return [current];
    const others = Array.from({ length: this.count }, (_, hidden) => hidden).filter((hidden) => hidden !== current);
    // With 4-byte gPTEs CR3 is not loaded anew when it keeps its value; other kinds of guest do that as well.
    const switched = change === 'reset' || roleField(taken.role, 'has4ByteGpte') === 1;
    return switched ? [...others, current] : [current, ...others];
  }

  /** A load may be for bits that did not show so far. */
  private mayBeNew(kvm: Kvm, vcpu: Vcpu, change: RootChange, taken: Asked): boolean {
    return this.count < MOST && !roleField(taken.role, 'direct') && maySwitch(kvm, vcpu, change, taken);
  }

  /** What the first page of a load must say, as far as its class does not matter. */
  settle(kvm: Kvm, vcpu: Vcpu, change: RootChange, gfn: Gfn, printed: Role, releasing: (role: Role) => readonly PageId[]): Settled {
    const role = inMode(printed, vcpu);
    const candidates = this.candidates(kvm, vcpu, change, { gfn, role });
    const all = candidates.map((hidden): Settled => {
      const asked = inClass(role, hidden);
      return announcePage(kvm, findPage(kvm, gfn, asked), gfn, asked, { releasing: releasing(asked) }).fields;
    });
    const { generation } = all[0]!;
    if (candidates.length > 1 || this.mayBeNew(kvm, vcpu, change, { gfn, role })) {
      all.push({ generation, created: true, rootCount: 0, unsync: false });
    }
    const alike = <T>(value: (fields: Settled) => T): T | undefined =>
      all.every((fields) => value(fields) === value(all[0]!)) ? value(all[0]!) : undefined;
    return {
      generation,
      rootCount: alike(({ rootCount }) => rootCount),
      unsync: alike(({ unsync }) => unsync),
      created: alike(({ created }) => created),
    };
  }

  /** The class that a record shows, with the others that it may show as well. A class that did not show so far where none fits. */
  tell(kvm: Kvm, vcpu: Vcpu, change: RootChange, releasing: (role: Role) => readonly PageId[], taken: Taken): Told {
    const candidates = this.candidates(kvm, vcpu, change, taken);
    const fitting = candidates.filter((hidden) => fits(kvm, inClass(taken.role, hidden), releasing, taken));
    const [hidden, ...others] = fitting;
    if (hidden !== undefined) return { hidden, others: taken.created ? [] : others };
    const existing = candidates.find((its) => (findPage(kvm, taken.gfn, inClass(taken.role, its)) === NO_PAGE) === taken.created);
    if (existing !== undefined) return { hidden: existing, others: [] };
    if (!taken.created || !this.mayBeNew(kvm, vcpu, change, taken)) return { hidden: candidates[0]!, others: [] };
    return { hidden: this.count++, others: [] };
  }
}

/**
 * Whether the bits may be others than those of the root in use. Each write of a control register has a load of its own: one that takes
 * another guest table is CR3's.
 */
function maySwitch(kvm: Kvm, vcpu: Vcpu, change: RootChange, { gfn, role }: Asked): boolean {
  const root = vcpu.firstRoot();
  if (root === undefined || change === 'cr3' || change === 'none') return false;
  const { pages, state } = kvm.mmu;
  if (((pages.birth(root).role ^ role) & PRINTED_MASK) !== 0) return true;
  const inUse = vcpu.isRootCertain() ? [root] : [root, ...vcpu.previousRoots()];
  // A zapped root is loaded again as it was.
  return inUse.some((page) => {
    const birth = pages.birth(page);
    return birth.gfn === gfn && pages.life(state, page) === Life.active && birth.generation === kvm.mmu.generation();
  });
}

function fits(kvm: Kvm, role: Role, releasing: (role: Role) => readonly PageId[], taken: Taken): boolean {
  const { fields } = announcePage(kvm, findPage(kvm, taken.gfn, role), taken.gfn, role, { releasing: releasing(role) });
  return fields.created === taken.created && fields.unsync === taken.unsync && (fields.rootCount ?? taken.rootCount) === taken.rootCount;
}
