import { Output, type Announcement, type PageAnnouncement } from '../../engine/announcement.js';
import type { Era } from '../../engine/eras.js';
import { roleField } from '../../engine/role.js';
import type { EventName } from '../language/events.js';
import { numberOf } from '../language/token.js';
import type { Located } from '../language/statement.js';
import type { Happening, Input } from '../happening.js';
import { accessText } from './describe.js';
import { wordOfRole } from './pages.js';

export type Field = number | bigint | string | boolean | undefined;

/** One event as `expect` sees it. */
export interface EventFields {
  readonly name: EventName;
  readonly fields: Readonly<Record<string, Field>>;
}

/** An event with its fields; undefined for what is none of the kernel's. */
export function fieldsOf(happening: Happening, era: Era, levels: 0 | 2 | 3 | 4): EventFields | undefined {
  if (happening.kind === 'input') return inputFields(happening);
  if (happening.kind === 'marker' || happening.announced.output === Output.anything) return undefined;
  return outputFields(happening.announced, era, levels);
}

/** What the guest or the host did. */
function inputFields(input: Input): EventFields {
  switch (input.name) {
    case 'kvm_exit': {
      const { reason, rip, info1, info2 } = input;
      return { name: input.name, fields: { exit_reason: reason, guest_rip: rip, info1, info2 } };
    }
    case 'kvm_entry':
    case 'kvm_emulate_insn':
      return { name: input.name, fields: { rip: input.rip } };
    case 'kvm_page_fault':
      return { name: input.name, fields: { guest_rip: input.rip, fault_address: input.address, error_code: input.error } };
    case 'kvm_mmu_pagetable_walk':
      return { name: input.name, fields: { addr: input.address, pferr: input.error } };
    case 'kvm_mmu_paging_element':
      return { name: input.name, fields: { pte: input.gpte, level: input.level } };
    case 'kvm_mmu_set_accessed_bit':
    case 'kvm_mmu_set_dirty_bit':
      return { name: input.name, fields: { gpa: input.gpa } };
    case 'kvm_mmu_walker_error':
      return { name: input.name, fields: { pferr: input.error } };
    case 'kvm_inj_exception':
      return { name: input.name, fields: { exception: input.vector, error_code: input.error } };
    case 'kvm_page_track_write':
      return { name: input.name, fields: { gpa: input.gpa, bytes: input.bytes, val: input.value } };
    case 'vcpu_match_mmio': {
      const { gva, gpa, write, gpaMatch } = input;
      return { name: input.name, fields: { gva, gpa, write, gpa_match: gpaMatch } };
    }
    case 'kvm_mmio': {
      const { type, bytes, gpa, value } = input;
      return { name: input.name, fields: { type, len: bytes, gpa, val: value } };
    }
    case 'kvm_userspace_exit':
      return { name: input.name, fields: { reason: input.reason } };
    case 'kvm_cr':
      return { name: input.name, fields: { cr: input.cr, val: input.value } };
    case 'kvm_unmap_hva_range':
      return { name: input.name, fields: { start: input.start, end: input.end } };
    case 'kvm_set_spte_hva':
      return { name: input.name, fields: { hva: input.hva } };
  }
}

/** What the MMU did, with the fields that the engine announced. */
function outputFields(announced: Exclude<Announcement, { output: -1 }>, era: Era, levels: 0 | 2 | 3 | 4): EventFields {
  switch (announced.output) {
    case Output.getPage:
      return { name: 'kvm_mmu_get_page', fields: { ...pageFields(announced, era, levels), created: announced.fields.created } };
    case Output.syncPage:
      return { name: 'kvm_mmu_sync_page', fields: pageFields(announced, era, levels) };
    case Output.unsyncPage:
      return { name: 'kvm_mmu_unsync_page', fields: pageFields(announced, era, levels) };
    case Output.prepareZap:
      return { name: 'kvm_mmu_prepare_zap_page', fields: pageFields(announced, era, levels) };
    case Output.setSpte: {
      const { gfn, spte, level, index } = announced;
      return { name: 'kvm_mmu_set_spte', fields: { gfn, spte: spte.value, level, index } };
    }
    case Output.spteRequested: {
      const { gfn, pfn, level } = announced;
      return { name: 'kvm_mmu_spte_requested', fields: { gfn, pfn, level } };
    }
    case Output.markMmio: {
      const { gfn, access, generation, index } = announced;
      return { name: 'mark_mmio_spte', fields: { gfn, access, gen: generation, index } };
    }
    case Output.checkMmio: {
      const { generation, spteGeneration, spte } = announced;
      return {
        name: 'check_mmio_spte',
        fields: { kvm_gen: generation, spte_gen: spteGeneration, spte, valid: generation === spteGeneration },
      };
    }
    case Output.handleMmio: {
      const { address, gfn, access } = announced;
      return { name: 'handle_mmio_page_fault', fields: { addr: address, gfn, access } };
    }
    case Output.fastPageFault: {
      const { address, error, before, after, fixed } = announced;
      const fields = { cr2_or_gpa: address, error_code: error, old_spte: before.value, new_spte: after.value, fixed };
      return { name: 'fast_page_fault', fields };
    }
    case Output.zapAllFast:
      return { name: 'kvm_mmu_zap_all_fast', fields: { mmu_valid_gen: announced.generation, mmu_used_pages: announced.usedPages } };
  }
}

function pageFields({ fields }: PageAnnouncement, era: Era, levels: 0 | 2 | 3 | 4): Record<string, Field> {
  const { gfn, role, generation, rootCount, unsync } = fields;
  if (role === undefined) return { gfn };
  return {
    gfn,
    level: roleField(role, 'level'),
    quadrant: roleField(role, 'quadrant'),
    role: wordOfRole(era, role, levels),
    direct: roleField(role, 'direct') === 1,
    access: accessText(roleField(role, 'access')),
    invalid: roleField(role, 'invalid') === 1,
    root_count: rootCount,
    unsync,
    mmu_valid_gen: generation,
  };
}

/** Whether an event is one that is expected; numbers may be written in any way, and flags as words or as 0 and 1. */
export function isEvent(
  { name, fields }: EventFields,
  wanted: string | undefined,
  values: readonly { readonly key: Located<string>; readonly value: Located<string> }[],
): boolean {
  return (wanted === undefined || name === wanted) && values.every(({ key, value }) => isField(fields[key.value], value.value));
}

function isField(field: Field, wanted: string): boolean {
  const number = numberOf(wanted);
  if (typeof field === 'boolean') return field === (wanted === 'true' || number === 1n);
  if (field === undefined) return false;
  // A value is one word of the language: "PF excp" is written PF_excp.
  if (typeof field === 'string') return field.replaceAll(' ', '_').toLowerCase() === wanted.toLowerCase();
  return number !== undefined && BigInt(field) === number;
}

/** `kvm_mmu_set_spte gfn=0x10 …` */
export function eventText({ name, fields }: EventFields): string {
  const texts = Object.entries(fields).flatMap(([key, field]) => (field === undefined ? [] : [`${key}=${fieldText(field)}`]));
  return [name, ...texts].join(' ');
}

function fieldText(field: NonNullable<Field>): string {
  return typeof field === 'number' || typeof field === 'bigint' ? (field < 10 ? String(field) : `0x${field.toString(16)}`) : String(field);
}
