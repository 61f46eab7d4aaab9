import type { EventIndex, PageId } from '../../engine/ids.js';
import { ArgumentReader, Kind } from '../../replay/query/arguments.js';
import { mmioFields } from '../../replay/query/spteBits.js';
import { burstOf, type Burst } from './bursts.js';
import { formatOf, type FormContext } from './context.js';
import { guestEntryText } from './guestEntries.js';
import { guestTablePart } from './guestTables.js';
import { address, count, hex, plural } from './numbers.js';
import { pageName } from './pages.js';
import { accessWords, errorFlags, isProtection } from './pferr.js';
import { setSpteSentence } from './setSpteSentence.js';

/**
 * The first line of a hover over a trace line: one sentence on what the event did (ui.md §12). The cursor stands at the event;
 * `before` is a state one event earlier, for what the event removes.
 */
export function eventSentence(ctx: FormContext, before: FormContext, event: EventIndex): string {
  const { table } = ctx.replay;
  const args = new ArgumentReader(table, event);
  const page = ctx.replay.pageOf(event);
  const at = (name: string): string => hexOr(args.word(name));
  switch (table.kind(event)) {
    case Kind.getPage:
      return page ? getPage(ctx, page, args) : 'Asks for a shadow page.';
    case Kind.unsyncPage:
      return `From here the guest may write table ${at('gfn')} freely; KVM re-reads it at the next sync.`;
    case Kind.syncPage:
      return sync(ctx, page, at('gfn'));
    case Kind.prepareZap:
      return zap(ctx, before, page, args);
    case Kind.setSpte:
      return setSpteSentence(ctx, before, event, args);
    case Kind.spteRequested:
      return `Wants gfn ${at('gfn')} mapped to pfn ${at('pfn')} at level ${args.num('level')}.`;
    case Kind.markMmio:
      return `Marks gfn ${at('gfn')} as MMIO, memslot generation ${at('gen')}.`;
    case Kind.checkMmio:
      return checkMmio(ctx, args);
    case Kind.handleMmio:
      return `The access to ${at('addr')} hits MMIO at gfn ${at('gfn')}: KVM emulates it.`;
    case Kind.fastPageFault:
      return fastFault(args);
    case Kind.zapAllFast:
      return `Makes all ${plural(args.num('mmu_used_pages') ?? 0, 'page')} of generation ${args.num('mmu_valid_gen')} obsolete; they are zapped one by one.`;
    case Kind.walk:
      return walk(ctx, event, args);
    case Kind.element:
      return `Guest entry ${guestEntryText(table, event)}.`;
    case Kind.walkerError:
      return walkerError(args);
    case Kind.setAccessed:
      return `KVM sets the accessed bit of the guest entry at ${at('gpa')}.`;
    case Kind.setDirty:
      return `KVM sets the dirty bit of the guest entry at ${at('gpa')}.`;
    case Kind.splitHugePage:
      return `Splits the level-${args.num('level')} mapping of gfn ${at('gfn')}${args.num('errno') ? `: error ${args.num('errno')}` : ''}.`;
    case Kind.tdpSpteChanged:
      return `TDP MMU: SPTE of gfn ${at('gfn')} at level ${args.num('level')} goes from ${at('old_spte')} to ${at('new_spte')}.`;
    default:
      return aroundTheMmu(ctx, event, args);
  }
}

function getPage(ctx: FormContext, id: PageId, args: ArgumentReader): string {
  const verb = args.num('created') ? 'Allocates (new)' : 'Finds (existing)';
  return `${verb} the shadow page for ${guestTablePart(ctx, ctx.cursor.page(id))}.`;
}

function sync(ctx: FormContext, page: PageId, gfn: string): string {
  if (page && !ctx.cursor.page(page).live) return `The zapped ${pageName(ctx.cursor.page(page))} is no longer unsync.`;
  return `KVM re-reads table ${gfn} and protects it again: from here every guest write to it is seen.`;
}

function zap(ctx: FormContext, before: FormContext, id: PageId, args: ArgumentReader): string {
  if (!id) return `Removes a shadow page of gfn ${hexOr(args.word('gfn'))}.`;
  const page = before.cursor.page(id);
  const name = `${pageName(page)}${page.unsync ? ' (unsync)' : ''}`;
  if (page.invalid) return `Removes the zapped root ${name}: nothing uses it any more.`;
  const lost = `its ${plural(before.cursor.entries(id).length, 'SPTE')} and ${plural(page.parents.length, 'parent link')} go with it`;
  const kept = ctx.cursor.page(id);
  return kept.live && kept.rootCount
    ? `Empties ${name}: ${lost}; it stays as an invalid root while a vCPU uses it.`
    : `Removes ${name}; ${lost}.`;
}

function checkMmio(ctx: FormContext, args: ArgumentReader): string {
  const spte = args.word('spte') ?? 0n;
  const [kvm, own] = [args.num('kvm_gen'), args.num('spte_gen')];
  const place = `gfn ${hex(mmioFields(spte, formatOf(ctx)).gfn)}`;
  if (kvm === own) return `The MMIO entry of ${place} is of the current memslot generation ${hexOr(args.word('kvm_gen'))}: valid.`;
  return `The MMIO entry of ${place} is stale: generation ${hexOr(args.word('spte_gen'))}, now ${hexOr(args.word('kvm_gen'))}.`;
}

function fastFault(args: ArgumentReader): string {
  const error = args.num('error_code') ?? 0;
  const where = `Lockless ${accessWords(error)} fault at ${hexOr(args.word('cr2_or_gpa'))}`;
  if (args.num('fixed')) return `${where}: fixed, ${hexOr(args.word('old_spte'))} → ${hexOr(args.word('new_spte'))}.`;
  return args.num('spurious') ? `${where}: spurious, another vCPU was first.` : `${where}: left to the slow path.`;
}

function walk(ctx: FormContext, event: EventIndex, args: ArgumentReader): string {
  const burst = burstOf(ctx.replay.table, event);
  return `Guest walk for a ${accessWords(args.num('pferr') ?? 0)} of ${hexOr(args.word('addr'))}; ${endOf(burst)}.`;
}

function endOf({ last, sets, injected }: Burst): string {
  if (injected) return `ends in ${count(last)} (#PF injected)`;
  return `ends in ${count(last)} (${sets ? `${plural(sets, 'SPTE')} set` : 'no SPTE set'})`;
}

function walkerError(args: ArgumentReader): string {
  const error = args.num('pferr') ?? 0;
  const why = isProtection(error) ? 'Forbidden by the guest' : 'Not mapped by the guest';
  return `${why}: #PF injected (${accessWords(error)}).`;
}

function aroundTheMmu(ctx: FormContext, event: EventIndex, args: ArgumentReader): string {
  const { table } = ctx.replay;
  const at = (name: string): string => hexOr(args.word(name));
  const vcpu = ctx.replay.vcpuOf(event);
  const who = vcpu ? `vCPU ${vcpu.vcpu}` : `${table.comm(event)}-${table.pid(event)}`;
  switch (table.kind(event)) {
    case Kind.entry:
      return `${who} enters the guest at ${at('rip')}.`;
    case Kind.exit:
      return `${who} leaves the guest at ${at('guest_rip')}: ${args.text('exit_reason')}.`;
    case Kind.pageFault: {
      const error = args.num('error_code') ?? 0;
      return `Page fault of ${who} at ${addressOr(args.word('fault_address'))}: ${accessWords(error)}${flagsOf(error)}.`;
    }
    case Kind.emulateInsn:
      return `KVM emulates the instruction at ${at('rip')}${args.num('failed') ? ', and fails' : ''}.`;
    case Kind.injException:
      return injection(args);
    case Kind.cr:
      return `The guest ${args.num('rw') ? 'writes' : 'reads'} CR${args.num('cr')}: ${at('val')}.`;
    case Kind.mmio:
      return `MMIO ${args.text('type')} of ${plural(args.num('len') ?? 0, 'byte')} at ${at('gpa')}.`;
    case Kind.matchMmio:
      return `The access to ${at('gva')} is known to be MMIO at ${at('gpa')}.`;
    case Kind.unmapHva:
      return `The host takes back the memory ${at('start')}–${at('end')}: KVM drops its SPTEs.`;
    case Kind.setSpteHva:
      return `The host puts another page behind ${at('hva')}.`;
    case Kind.ageHva:
      return `The host asks for, and clears, the accessed bits of ${at('start')}–${at('end')}.`;
    case Kind.testAgeHva:
      return `The host asks for the accessed bit of ${at('hva')}.`;
    case Kind.userspaceExit:
      return `${who} leaves to user space: ${args.text('reason')}.`;
    case Kind.pio:
      return `${args.num('rw') ? 'Writes' : 'Reads'} port ${at('port')}.`;
    case Kind.invlpga:
      return `INVLPGA of ${at('address')}.`;
    default:
      return `${table.name(event)}: not an event of the shadow MMU.`;
  }
}

const PAGE_FAULT = 14;

function injection(args: ArgumentReader): string {
  const vector = args.num('exception');
  const error = args.num('has_error') ? args.num('error_code') : undefined;
  if (vector === PAGE_FAULT) return `KVM injects the page fault (#PF, ${accessWords(error ?? 0)}${flagsOf(error ?? 0)}).`;
  return `KVM injects exception ${vector}${error === undefined ? '' : `, error ${hex(error)}`}.`;
}

function flagsOf(error: number): string {
  const flags = errorFlags(error);
  return flags ? `, ${flags}` : '';
}

function hexOr(value: bigint | undefined): string {
  return value === undefined ? '?' : hex(value);
}

function addressOr(value: bigint | undefined): string {
  return value === undefined ? '?' : address(value);
}
