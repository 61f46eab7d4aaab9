import { Output, type Announcement, type PageAnnouncement } from '../../engine/announcement.js';
import type { Era } from '../../engine/eras.js';
import { roleField } from '../../engine/role.js';
import type { EventName } from '../language/events.js';
import { numberOf } from '../language/token.js';
import type { Located } from '../language/statement.js';
import { accessText } from './describe.js';
import { wordOfRole } from './pages.js';

export type Field = number | bigint | string | boolean | undefined;

/** One event as `expect` sees it. */
export interface EventFields {
  readonly name: EventName;
  readonly fields: Readonly<Record<string, Field>>;
}

/** What the MMU did, with the fields that the engine announced. */
export function outputFields(announced: Exclude<Announcement, { output: -1 }>, era: Era, levels: 0 | 2 | 3 | 4): EventFields {
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
