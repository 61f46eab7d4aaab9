import { Output, type Announcement, type PageAnnouncement, type SetSpteAnnouncement } from '../../engine/announcement.js';
import { NO_PAGE, type PageId } from '../../engine/ids.js';
import type { Mmu } from '../../engine/mmu.js';
import { Life } from '../../engine/pages.js';
import { roleField } from '../../engine/role.js';
import type { TraceInfo } from '../../trace/info.js';
import type { Difference } from '../compare.js';

/** The rule of the kernel that a prediction follows from: the function, and what it does, in one line. */
export function ruleOf(announced: Announcement, differences: readonly Difference[]): string {
  const differs = (field: string): boolean => differences.some((difference) => difference.field === field);
  switch (announced.output) {
    case Output.getPage:
      if (differs('created')) return 'kvm_mmu_find_shadow_page: gfn and role identify a page';
      if (differs('root_count')) return 'mmu_alloc_root: root_count is the number of root slots that hold the page';
      if (differs('mmu_valid_gen')) return 'kvm_mmu_zap_all_fast: only pages of the current generation are found';
      return announced.slot === undefined
        ? 'kvm_mmu_child_role: the role of the parent, one level down, with the rights above the guest table'
        : 'mmu_alloc_root: the root role, with the quadrant of the slot';
    case Output.syncPage:
      return 'mmu_sync_children: every unsync page below a root in use is synced, by index, depth first';
    case Output.unsyncPage:
      return 'mmu_try_to_unsync_pages: all shadows of the frame go unsync at once, newest first';
    case Output.prepareZap:
      return zapRule(announced);
    case Output.setSpte:
      return spteRule(announced);
    case Output.spteRequested:
      return 'kvm_mmu_hugepage_adjust: the largest level that guest, host and shadowed tables around the frame allow';
    case Output.markMmio:
      return 'make_mmio_spte: gfn, rights W and U, and the memslot generation';
    case Output.checkMmio:
      return 'check_mmio_spte: the SPTE that was marked, with its generation';
    case Output.handleMmio:
      return 'handle_mmio_page_fault: an MMIO SPTE of the current generation is emulated';
    case Output.fastPageFault:
      return 'fast_page_fault: an SPTE that is MMU-writable gets W without the lock';
    case Output.zapAllFast:
      return 'kvm_mmu_zap_all_fast: the generation flips; used_pages counts the active list and zapped roots in use';
    default:
      return '';
  }
}

function zapRule({ fields }: PageAnnouncement): string {
  return fields.role !== undefined && roleField(fields.role, 'invalid')
    ? 'mmu_free_root_page: a zapped root goes with its last root_count'
    : '__kvm_mmu_prepare_zap_page';
}

function spteRule({ spte }: SetSpteAnnouncement): string {
  return spte.value & 2n
    ? 'make_spte: writable by guest and host, and no shadow of the frame stands in the way'
    : 'make_spte: W and MMU-writable only where guest, host and shadowed tables allow';
}

/** The facts of the moment that lead to a prediction. */
export function becauseOf(announced: Announcement, mmu: Mmu, info: TraceInfo): string {
  switch (announced.output) {
    case Output.getPage:
      return takenBecause(announced, mmu);
    case Output.syncPage:
      return `${name(mmu, announced.page)} is unsync below the root in use, and the guest flushes its TLB`;
    case Output.unsyncPage:
      return `a fault makes gfn ${gfnText(announced)} writable, and ${name(mmu, announced.page)} shadows it in sync`;
    case Output.prepareZap:
      return zapBecause(announced, mmu);
    case Output.setSpte:
      return leafBecause(announced, mmu);
    case Output.spteRequested:
      return `the walk of the fault ends at gfn ${announced.gfn?.toString(16) ?? '?'}${announced.level === 1 ? ', and nothing larger than 4 KiB may be mapped there' : ''}`;
    case Output.markMmio:
      return announced.gfn === undefined
        ? 'an entry of a page being synced is MMIO'
        : `no memory slot holds gfn ${announced.gfn.toString(16)}`;
    case Output.checkMmio:
    case Output.handleMmio:
      return 'the fault has a reserved bit, and the SPTE of its address is MMIO';
    case Output.fastPageFault:
      return 'a write hit a present SPTE of a direct MMU';
    case Output.zapAllFast:
      return `${announced.usedPages} pages are in use`;
    default:
      return info.file;
  }
}

function takenBecause({ parent, index, slot, fields }: PageAnnouncement, mmu: Mmu): string {
  if (slot !== undefined) return `it is the page of slot ${slot} of the root`;
  if (parent === undefined || index === undefined) return `the walk needs gfn ${fields.gfn?.toString(16) ?? '?'}`;
  const found = fields.created ? 'no page has this gfn and role' : 'a page of this gfn and role lives';
  return `SPTE [${index.toString(16).padStart(3, '0')}] of ${name(mmu, parent)} must lead to gfn ${fields.gfn?.toString(16) ?? '?'}, and ${found}`;
}

function zapBecause({ page, fields }: PageAnnouncement, mmu: Mmu): string {
  if (page === NO_PAGE) return 'the page must go';
  const { pages, state } = mmu;
  if (fields.role !== undefined && roleField(fields.role, 'invalid')) return `${name(mmu, page)} was zapped while it was a root`;
  if (pages.life(state, page) === Life.active && pages.birth(page).generation !== mmu.generation())
    return `${name(mmu, page)} has the obsolete generation ${pages.birth(page).generation}`;
  return `${name(mmu, page)} is next to go`;
}

function leafBecause({ page, index, gfn }: SetSpteAnnouncement, mmu: Mmu): string {
  const place = index === undefined ? 'an SPTE' : `SPTE [${index.toString(16).padStart(3, '0')}]`;
  if (gfn === undefined) return `${place} of ${name(mmu, page)} may be filled from its guest entry`;
  const shadows = mmu.shadowsOf(gfn);
  const shadowed = shadows.find((id) => !mmu.pages.isUnsync(mmu.state, id));
  const why = shadowed === undefined ? '' : `; gfn ${gfn.toString(16)} is shadowed by ${name(mmu, shadowed)} (sync)`;
  return `${place} of ${name(mmu, page)} maps gfn ${gfn.toString(16)}${why}`;
}

function gfnText({ fields }: PageAnnouncement): string {
  return fields.gfn?.toString(16) ?? '?';
}

/** `2cd2 L2 q0` */
function name(mmu: Mmu, page: PageId): string {
  if (page === NO_PAGE) return 'a page';
  const { gfn } = mmu.pages.birth(page);
  const role = mmu.pages.role(mmu.state, page);
  return `${gfn.toString(16)} L${roleField(role, 'level')} q${roleField(role, 'quadrant')}`;
}
