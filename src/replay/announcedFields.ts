import {
  Output,
  type Announcement,
  type Bits,
  type CheckMmioAnnouncement,
  type PageAnnouncement,
  type SetSpteAnnouncement,
} from '../engine/announcement.js';
import { roleField } from '../engine/role.js';
import { accessTo, encodeRole } from '../engine/roleLayout.js';
import type { TraceInfo } from '../trace/info.js';
import { EVENTS } from '../trace/vocabulary.js';
import { accessLetters } from './names.js';

type Field = string | number | null;
export type AnnouncedFields = Record<string, Field>;
type Place = Readonly<Record<string, Field>>;

const ALL = (1n << 64n) - 1n;

/** The JSON form of an announcement: the event's fields by name, null where they are open; `maybe` and `open` say why. */
export function announcedFields(announced: Announcement, place: Place, info: TraceInfo): AnnouncedFields {
  if (announced.output === Output.anything) return { name: '', ...place, maybe: announced.maybe };
  return {
    name: EVENTS[announced.output].name,
    ...place,
    ...fieldsOf(announced, info),
    ...(announced.maybe ? { maybe: announced.maybe } : {}),
    ...(announced.open?.length ? { open: announced.open.join(',') } : {}),
  };
}

function fieldsOf(announced: Exclude<Announcement, { output: -1 }>, info: TraceInfo): Record<string, Field> {
  switch (announced.output) {
    case Output.setSpte:
      return {
        gfn: hex(announced.gfn),
        ...bits('spte', announced.spte),
        ...spteAddress(announced),
        level: announced.level,
      };
    case Output.spteRequested:
      return {
        gfn: hex(announced.gfn),
        pfn: hex(announced.pfn),
        level: announced.level ?? null,
        access: announced.access === undefined ? null : hex(accessTo(info.layout, announced.access)),
      };
    case Output.markMmio:
      return {
        sptep: null,
        gfn: hex(announced.gfn),
        access: hex(announced.access),
        gen: hex(announced.generation),
        index: announced.index,
      };
    case Output.checkMmio:
      return {
        kvm_gen: hex(announced.generation),
        spte_gen: hex(announced.spteGeneration),
        spte: hex(announced.spte),
        valid: validity(announced),
      };
    case Output.handleMmio:
      return { addr: hex(announced.address), gfn: hex(announced.gfn), access: hex(announced.access) };
    case Output.fastPageFault:
      return {
        vcpu_id: announced.vcpu,
        cr2_or_gpa: hex(announced.address),
        error_code: hex(announced.error),
        ...bits('old_spte', announced.before),
        ...bits('new_spte', announced.after),
        spurious: flag(announced.spurious),
        fixed: flag(announced.fixed),
      };
    case Output.zapAllFast:
      return { mmu_valid_gen: announced.generation, mmu_used_pages: hex(announced.usedPages) };
    default:
      return pageFields(announced, info);
  }
}

function pageFields({ output, fields }: PageAnnouncement, info: TraceInfo): Record<string, Field> {
  const { gfn, role, generation, rootCount, unsync, created } = fields;
  const { layout, roles, accessLetters: letters } = info;
  return {
    mmu_valid_gen: generation,
    gfn: hex(gfn),
    // Text does not print every bit of the role, so the whole word is not known.
    role: role === undefined || roles !== 'exact' ? null : hex(encodeRole(layout, role)),
    'role.level': role === undefined ? null : roleField(role, 'level'),
    'role.quadrant': role === undefined ? null : roleField(role, 'quadrant'),
    'role.direct': role === undefined ? null : roleField(role, 'direct'),
    'role.access': role === undefined ? null : accessLetters(roleField(role, 'access'), letters),
    'role.invalid': role === undefined ? null : roleField(role, 'invalid'),
    root_count: rootCount ?? null,
    unsync: flag(unsync),
    ...(output === Output.getPage ? { created: flag(created) } : {}),
  };
}

/** Bits that are open are told by a mask beside the value. */
function bits(name: string, { value, mask }: Bits): Record<string, Field> {
  return mask === ALL ? { [name]: hex(value) } : { [name]: null, [`${name}.known`]: hex(value & mask), [`${name}.mask`]: hex(mask) };
}

/** Where the SPTE lies: without its page's frame, the offset in it. */
function spteAddress({ frame, index }: SetSpteAnnouncement): Record<string, Field> {
  if (frame !== undefined && index !== undefined) return { sptep: hex(frame * 4096 + index * 8) };
  return { sptep: null, ...(index === undefined ? {} : { 'sptep.known': hex(index * 8), 'sptep.mask': '0xfff' }) };
}

function hex(value: number | bigint | undefined): string | null {
  return value === undefined ? null : `0x${value.toString(16)}`;
}

function validity({ generation, spteGeneration }: CheckMmioAnnouncement): number | null {
  return generation === undefined || spteGeneration === undefined ? null : Number(generation === spteGeneration);
}

function flag(value: boolean | undefined): number | null {
  return value === undefined ? null : Number(value);
}
