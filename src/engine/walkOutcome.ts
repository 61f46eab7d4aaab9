import {
  accessedMask,
  dirtyMask,
  gpteBytes,
  isEpt,
  isLastGpte,
  isPdpte,
  isPresentHalf,
  lowHalf,
  topLevel,
  translatedByHalves,
} from './gpte.js';
import type { Gfn } from './ids.js';
import { PferrBit, permissionFault, type GuestControl } from './permission.js';
import { KnownReservedBits, LENIENT, type GuestCpu } from './reserved.js';
import { ACC_WRITE } from './role.js';
import type { GuestWalk } from './walk.js';

/** What a walk's end depends on besides the entries read. Everything that is left out is not known. */
export interface WalkSetting {
  readonly control: GuestControl;
  readonly cpu?: Partial<GuestCpu>;
  /** EFLAGS.AC is set and the access explicit: SMAP does not apply */
  readonly ac?: boolean | undefined;
  /** the EPTP turns accessed and dirty bits on */
  readonly eptAd?: boolean | undefined;
}

/** A bit that the walk still has to set in an entry of a level, in the order of the events. */
export interface BitToSet {
  readonly level: number;
  readonly bit: 'accessed' | 'dirty';
}

/** What walker_error carries; bits in `unsure` may be set besides. */
export interface FaultCode {
  readonly error: number;
  readonly unsure: number;
}

/** What a walk that succeeds ends with. */
export interface Translation {
  readonly gfn: Gfn;
  /** level of the last entry, as the guest counts: 2 for a 4 MiB page */
  readonly level: number;
  /** rights that the SPTE may get: ACC_*, without W after a read of a page that is not dirty */
  readonly access: number;
  readonly toSet: readonly BitToSet[];
}

export type WalkOutcome =
  /** the entry of `level` must be read next (0: the topmost, whatever the mode is); the code is that of a table without memory */
  | ({ readonly kind: 'incomplete'; readonly level: number } & FaultCode)
  /** the walk fails */
  | ({ readonly kind: 'fault' } & FaultCode)
  | ({ readonly kind: 'ok' } & Translation)
  /** a control bit that is not known decides over the rights: one of the two */
  | { readonly kind: 'unknown'; readonly why: 'permission'; readonly fault: FaultCode; readonly ok: Translation }
  /** it is not known whether bits of the last entry read are reserved: a fault, or else what follows */
  | { readonly kind: 'unknown'; readonly why: 'reserved'; readonly fault: FaultCode; readonly otherwise: WalkOutcome }
  /** CR4.PSE is not known, and decides whether the last entry read is a large page or leads to a table */
  | { readonly kind: 'unknown'; readonly why: 'pse' };

/**
 * How a walk goes on after the entries read so far [6.1 paging_tmpl.h:walk_addr_generic]; spec/fault.md §2. Every entry is judged
 * anew: when a walk was read again after a lost race, entries below the last one read are of no account.
 */
export function walkOutcome(walk: GuestWalk, setting: WalkSetting): WalkOutcome {
  return judge(walk, provesNx(walk) ? withNx(setting) : setting);
}

/** An entry above the last one read has NX, and the walk went on: NX is not reserved, so EFER.NX is set. */
export function provesNx(walk: GuestWalk): boolean {
  for (let level = topLevel(walk.mode); level > walk.leafLevel; level--) if (hasNx(walk, level)) return true;
  return false;
}

function judge(walk: GuestWalk, setting: WalkSetting): WalkOutcome {
  const { mode } = walk;
  const { control } = setting;
  const reservedBits = reservedBitsFor(setting);
  const top = walk.empty ? 0 : topLevel(mode);
  for (let level = top; level >= Math.max(walk.leafLevel, 1); level--) {
    if (!walk.has(level)) return { kind: 'incomplete', level, ...faultCode(walk, control, 0) };
    const low = walk.low(level);
    if (!isPresentHalf(mode, low)) return { kind: 'fault', ...faultCode(walk, control, 0) };
    if (isPdpte(mode, level)) continue;
    const reserved = reservedBits.areIn(mode, level, low, walk.high(level));
    if (reserved) return { kind: 'fault', ...faultCode(walk, control, PferrBit.present | PferrBit.reserved) };
    if (reserved === undefined && level === walk.leafLevel) {
      const { control: allowed, ac, eptAd } = hasNx(walk, level) ? withNx(setting) : setting;
      const fault = faultCode(walk, control, PferrBit.present | PferrBit.reserved);
      return { kind: 'unknown', why: 'reserved', fault, otherwise: judge(walk, { control: allowed, cpu: LENIENT, ac, eptAd }) };
    }
    const last = isLastGpte(mode, level, low, control.pse);
    if (last === undefined && level === walk.leafLevel) return { kind: 'unknown', why: 'pse' };
    if (last) return translated(walk, setting, level);
  }
  return { kind: 'incomplete', level: walk.empty ? 0 : walk.leafLevel - 1, ...faultCode(walk, control, 0) };
}

function hasNx(walk: GuestWalk, level: number): boolean {
  const { mode } = walk;
  return walk.high(level) >>> 31 === 1 && gpteBytes(mode) === 8 && !isEpt(mode);
}

function withNx(setting: WalkSetting): WalkSetting {
  return { ...setting, control: { ...setting.control, nx: true } };
}

/** The walk reached its last entry: rights decide. */
function translated(walk: GuestWalk, setting: WalkSetting, level: number): WalkOutcome {
  const { mode } = walk;
  const rights = walk.tableAccess(level - 1);
  const refused = permissionFault(rights, walk.error, setting.control, { ac: setting.ac, ept: isEpt(mode) });
  const code = faultCode(walk, setting.control, PferrBit.present);
  if (refused) return { kind: 'fault', ...code };
  const low = walk.low(level);
  const dirty = lowHalf(dirtyMask(mode, setting.eptAd));
  const clean = dirty !== 0 && (low & dirty) === 0;
  const gfn = translatedByHalves(mode, level, low, walk.high(level), walk.page);
  const access = clean && !walk.isWrite ? rights & ~ACC_WRITE : rights;
  const toSet = bitsToSet(walk, level, setting.eptAd);
  if (refused === undefined) return { kind: 'unknown', why: 'permission', fault: code, ok: { gfn, level, access, toSet } };
  return { kind: 'ok', gfn, level, access, toSet };
}

/** Accessed bits from the top down, and the dirty bit of the last entry after a write [6.1 paging_tmpl.h:update_accessed_dirty_bits]. */
function bitsToSet(walk: GuestWalk, leaf: number, eptAd: boolean | undefined): BitToSet[] {
  const bits: BitToSet[] = [];
  const accessed = lowHalf(accessedMask(walk.mode, eptAd));
  const dirty = lowHalf(dirtyMask(walk.mode, eptAd));
  for (let level = topLevel(walk.mode); level >= leaf; level--) {
    if (!walk.has(level) || isPdpte(walk.mode, level)) continue;
    const low = walk.low(level);
    if (accessed && !(low & accessed)) bits.push({ level, bit: 'accessed' });
    if (level === leaf && walk.isWrite && dirty && !(low & dirty)) bits.push({ level, bit: 'dirty' });
  }
  return bits;
}

/** The access's W and U go into the error code as they are, F only where NX or SMEP makes fetching special. */
function faultCode(walk: GuestWalk, control: GuestControl, cause: number): FaultCode {
  const error = cause | (walk.error & (PferrBit.write | PferrBit.user));
  if (!(walk.error & PferrBit.fetch)) return { error, unsure: 0 };
  if (control.nx || control.smep) return { error: error | PferrBit.fetch, unsure: 0 };
  return { error, unsure: control.nx === false && control.smep === false ? 0 : PferrBit.fetch };
}

/** By what is known of a CPU, and by EFER.NX and CR4.PSE, which decide over reserved bits as well: each not known, clear or set. */
const RESERVED_BITS = new WeakMap<Partial<GuestCpu>, (KnownReservedBits | undefined)[]>();
const NOTHING_KNOWN: Partial<GuestCpu> = {};

function reservedBitsFor({ cpu = NOTHING_KNOWN, control: { nx, pse } }: WalkSetting): KnownReservedBits {
  let ofCpu = RESERVED_BITS.get(cpu);
  if (!ofCpu) RESERVED_BITS.set(cpu, (ofCpu = []));
  const at = (nx === undefined ? 0 : nx ? 2 : 1) * 3 + (pse === undefined ? 0 : pse ? 2 : 1);
  return (ofCpu[at] ??= new KnownReservedBits({ ...cpu, ...(nx === undefined ? {} : { nx }), ...(pse === undefined ? {} : { pse }) }));
}
