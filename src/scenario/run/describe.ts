import { EntryState, entryState } from '../../engine/entry.js';
import type { PageId, SpteIndex } from '../../engine/ids.js';
import { Life } from '../../engine/pages.js';
import { ACC_EXEC, ACC_READ, ACC_USER, ACC_WRITE, roleField } from '../../engine/role.js';
import { NX, PAGE_SIZE_BIT, readMmioSpte, spteFrame } from '../../engine/spte.js';
import { hex } from '../language/reader.js';
import type { Machine } from '../machine.js';

/** Pages and SPTEs of a machine in words, as failed expectations tell them. */

/** `sp #5 gfn 5 l1 q0 4-byte wux`, and what sets it apart */
export function pageText({ pages, state, mmu }: Machine, id: PageId): string {
  const role = pages.role(state, id);
  const rootCount = pages.rootCount(state, id);
  const words = [
    `sp #${id} gfn ${hex(pages.gfn(state, id))} l${roleField(role, 'level')} q${roleField(role, 'quadrant')}`,
    roleField(role, 'has4ByteGpte') ? '4-byte' : '8-byte',
    roleField(role, 'direct') && 'direct',
    accessText(roleField(role, 'access')),
    pages.isLocal(id) && 'local',
    roleField(role, 'invalid') && 'invalid',
    pages.life(state, id) === Life.active && mmu.isObsolete(id) && 'obsolete',
    pages.isUnsync(state, id) && 'unsync',
    rootCount > 0 && `root ${rootCount}`,
  ];
  return words.filter(Boolean).join(' ');
}

/** `wux`, with `-` for a right that is missing */
export function accessText(access: number): string {
  const letter = (bit: number, text: string): string => (access & bit ? text : '-');
  return letter(ACC_WRITE, 'w') + letter(ACC_USER, 'u') + letter(ACC_EXEC, 'x');
}

/** As 7.x prints it, with the right to read. */
export function accessTextWithRead(access: number): string {
  return (access & ACC_READ ? 'r' : '-') + accessText(access);
}

/** `leaf gfn 10 pfn 1010 writable user …`, `link to sp …`, `empty` */
export function spteText(machine: Machine, page: PageId, index: SpteIndex): string {
  const { pages, state, mmu } = machine;
  const cell = pages.entryCell(page, index);
  const word = state.word(cell);
  switch (entryState(state.tag(cell))) {
    case EntryState.empty:
      return 'empty';
    case EntryState.link:
      return `link to ${pageText(machine, state.number(cell) as PageId)}`;
    case EntryState.mmio: {
      if (!mmu.has('mmio-sptes')) return `marked 0x${word.toString(16)}`;
      const { gfn, generation } = readMmioSpte(mmu.format, word);
      return `mmio gfn ${hex(gfn)} gen ${generation} (0x${word.toString(16)})`;
    }
    case EntryState.leaf: {
      const { writable, user, accessed, dirty } = mmu.format;
      const words = [
        `leaf gfn ${hex(state.number(pages.gfnCell(page, index)))} pfn ${hex(spteFrame(word))}`,
        pages.level(page) > 1 && word & PAGE_SIZE_BIT && 'large',
        word & writable ? 'writable' : 'read-only',
        word & user ? 'user' : 'supervisor',
        word & NX && 'no-execute',
        word & accessed ? 'accessed' : 'not-accessed',
        word & dirty ? 'dirty' : 'clean',
        `(0x${word.toString(16)})`,
      ];
      return words.filter(Boolean).join(' ');
    }
    case EntryState.unknown:
      return 'unknown';
  }
}
