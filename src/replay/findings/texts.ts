import { Output, type Announcement, type Bits, type PageFields } from '../../engine/announcement.js';
import type { Role } from '../../engine/ids.js';
import { roleField } from '../../engine/role.js';
import { encodeRole } from '../../engine/roleLayout.js';
import type { TraceInfo } from '../../trace/info.js';
import { accessLetters } from '../names.js';

const ALL = (1n << 64n) - 1n;

/** A page as cards name it: `gfn 2ced L1 q1 4-byte wux   role 0x3731`. */
export function pageText(gfn: number, role: Role, info: TraceInfo): string {
  const size = roleField(role, 'has4ByteGpte') ? 4 : 8;
  const direct = roleField(role, 'direct') ? ' direct' : '';
  const word = info.roles === 'exact' ? `   role 0x${encodeRole(info.layout, role).toString(16)}` : '';
  const access = accessLetters(roleField(role, 'access'), info.accessLetters);
  return `gfn ${gfn.toString(16)} L${roleField(role, 'level')} q${roleField(role, 'quadrant')} ${size}-byte${direct} ${access}${word}`;
}

/** An announcement in the words of the kernel's own trace line; what is left open is `?`. */
export function announcedText(announced: Announcement, info: TraceInfo): string {
  switch (announced.output) {
    case Output.setSpte: {
      const offset = announced.index === undefined ? '?' : (announced.index * 8).toString(16).padStart(3, '0');
      const at = `${hex(announced.frame)}${offset}`;
      return `gfn ${hex(announced.gfn)} spte ${bitsText(announced.spte)} level ${announced.level} at ${at}`;
    }
    case Output.spteRequested:
      return `gfn ${hex(announced.gfn)} pfn ${hex(announced.pfn)} level ${announced.level ?? '?'}`;
    case Output.markMmio:
      return `gfn ${hex(announced.gfn)} access ${hex(announced.access)} gen ${hex(announced.generation)}`;
    case Output.checkMmio:
      return `spte ${hex(announced.spte)} kvm_gen ${hex(announced.generation)} spte-gen ${hex(announced.spteGeneration)}`;
    case Output.handleMmio:
      return `addr:${hex(announced.address)} gfn ${hex(announced.gfn)} access ${hex(announced.access)}`;
    case Output.fastPageFault:
      return `vcpu ${announced.vcpu} gva ${hex(announced.address)} old ${bitsText(announced.before)} new ${bitsText(announced.after)}`;
    case Output.zapAllFast:
      return `kvm-mmu-valid-gen ${announced.generation} used_pages ${hex(announced.usedPages)}`;
    case Output.anything:
      return '';
    default:
      return pageFieldsText(announced.fields, info);
  }
}

function pageFieldsText({ gfn, role, generation, rootCount, unsync, created }: PageFields, info: TraceInfo): string {
  const of = role === undefined ? `gfn ${hex(gfn)} role ?` : pageText(gfn ?? 0, role, info);
  const invalid = role !== undefined && roleField(role, 'invalid') ? ' invalid' : '';
  const made = created === undefined ? '' : created ? ' new' : ' existing';
  const sync = unsync === undefined ? '?' : unsync ? 'unsync' : 'sync';
  return `gen ${generation} ${of}${invalid} root ${rootCount ?? '?'} ${sync}${made}`;
}

/** A word of which some bits are open: those are not shown. */
function bitsText({ value, mask }: Bits): string {
  return mask === ALL ? hex(value) : `${hex(value & mask)} (of the bits ${hex(mask)})`;
}

function hex(value: number | bigint | undefined): string {
  return value === undefined ? '?' : value.toString(16);
}
