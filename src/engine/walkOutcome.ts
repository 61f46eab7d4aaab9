import {
  accessedMask,
  dirtyMask,
  gpteBytes,
  isEpt,
  isLastGpte,
  isPdpte,
  isPresentGpte,
  topLevel,
  translatedGfn,
  type PagingMode,
} from './gpte.js';
import type { Gfn } from './ids.js';
import { PferrBit, permissionFault, type GuestControl } from './permission.js';
import { LENIENT, hasReservedBits, type GuestCpu } from './reserved.js';
import { ACC_WRITE } from './role.js';
import { NX } from './spte.js';
import type { GuestWalk } from './walk.js';

/** What a walk's end depends on besides the entries read. Everything that is left out is not known. */
export interface WalkSetting {
  readonly control: GuestControl;
  readonly cpu?: Partial<GuestCpu>;
  /** EFLAGS.AC is set and the access explicit: SMAP does not apply */
  readonly ac?: boolean;
  /** the EPTP turns accessed and dirty bits on */
  readonly eptAd?: boolean;
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
  for (let level = topLevel(walk.mode); level > walk.leafLevel; level--) if (hasNx(walk.mode, walk.entry(level))) return true;
  return false;
}

function judge(walk: GuestWalk, setting: WalkSetting): WalkOutcome {
  const { mode } = walk;
  const { control } = setting;
  const cpu = cpuOf(setting);
  const top = walk.empty ? 0 : topLevel(mode);
  for (let level = top; level >= Math.max(walk.leafLevel, 1); level--) {
    const gpte = walk.entry(level);
    if (gpte === undefined) return { kind: 'incomplete', level, ...faultCode(walk, control, 0) };
    if (!isPresentGpte(mode, gpte)) return { kind: 'fault', ...faultCode(walk, control, 0) };
    if (isPdpte(mode, level)) continue;
    const reserved = hasReservedBits(mode, level, gpte, cpu);
    const code = faultCode(walk, control, PferrBit.present | PferrBit.reserved);
    if (reserved) return { kind: 'fault', ...code };
    if (reserved === undefined && level === walk.leafLevel) {
      const allowed: WalkSetting = { ...(hasNx(mode, gpte) ? withNx(setting) : setting), cpu: LENIENT };
      return { kind: 'unknown', why: 'reserved', fault: code, otherwise: judge(walk, allowed) };
    }
    const last = isLastGpte(mode, level, gpte, control.pse);
    if (last === undefined && level === walk.leafLevel) return { kind: 'unknown', why: 'pse' };
    if (last) return translated(walk, setting, level, gpte);
  }
  return { kind: 'incomplete', level: walk.empty ? 0 : walk.leafLevel - 1, ...faultCode(walk, control, 0) };
}

function hasNx(mode: PagingMode, gpte: bigint | undefined): boolean {
  return gpteBytes(mode) === 8 && !isEpt(mode) && gpte !== undefined && (gpte & NX) !== 0n;
}

function withNx(setting: WalkSetting): WalkSetting {
  return { ...setting, control: { ...setting.control, nx: true } };
}

/** The walk reached its last entry: rights decide. */
function translated(walk: GuestWalk, setting: WalkSetting, level: number, gpte: bigint): WalkOutcome {
  const { mode } = walk;
  const rights = walk.tableAccess(level - 1);
  const refused = permissionFault(rights, walk.error, setting.control, { ac: setting.ac, ept: isEpt(mode) });
  const code = faultCode(walk, setting.control, PferrBit.present);
  if (refused) return { kind: 'fault', ...code };
  const dirty = dirtyMask(mode, setting.eptAd);
  const clean = dirty !== 0n && (gpte & dirty) === 0n;
  const ok: Translation = {
    gfn: translatedGfn(mode, level, gpte, walk.address),
    level,
    access: clean && !walk.isWrite ? rights & ~ACC_WRITE : rights,
    toSet: bitsToSet(walk, level, setting.eptAd),
  };
  return refused === undefined ? { kind: 'unknown', why: 'permission', fault: code, ok } : { kind: 'ok', ...ok };
}

/** Accessed bits from the top down, and the dirty bit of the last entry after a write [6.1 paging_tmpl.h:update_accessed_dirty_bits]. */
function bitsToSet(walk: GuestWalk, leaf: number, eptAd: boolean | undefined): BitToSet[] {
  const bits: BitToSet[] = [];
  const accessed = accessedMask(walk.mode, eptAd);
  const dirty = dirtyMask(walk.mode, eptAd);
  for (let level = topLevel(walk.mode); level >= leaf; level--) {
    const gpte = walk.entry(level);
    if (gpte === undefined || isPdpte(walk.mode, level)) continue;
    if (accessed && !(gpte & accessed)) bits.push({ level, bit: 'accessed' });
    if (level === leaf && walk.isWrite && dirty && !(gpte & dirty)) bits.push({ level, bit: 'dirty' });
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

/** EFER.NX and CR4.PSE decide over reserved bits as well. */
function cpuOf({ cpu, control }: WalkSetting): Partial<GuestCpu> {
  return {
    ...cpu,
    ...(control.nx === undefined ? {} : { nx: control.nx }),
    ...(control.pse === undefined ? {} : { pse: control.pse }),
  };
}
