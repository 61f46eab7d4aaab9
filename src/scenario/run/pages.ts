import type { Era } from '../../engine/eras.js';
import type { PageId, Role, SpteIndex } from '../../engine/ids.js';
import { encodeOldRole, type GuestLevels } from '../../engine/oldRoleLayout.js';
import { Life } from '../../engine/pages.js';
import { encodeRole } from '../../engine/roleLayout.js';
import { roleField } from '../../engine/role.js';
import { hex } from '../language/reader.js';
import type { PageFilter } from '../language/statement.js';
import type { Cpu } from '../cpu.js';
import type { Machine } from '../machine.js';
import { accessText, accessTextWithRead, pageText } from './describe.js';

/** The role word of a page as its kernel has it. */
export function roleWord(machine: Machine, era: Era, id: PageId): number {
  return wordOfRole(era, machine.pages.role(machine.state, id), guestLevels(machine.cpus[0]));
}

/** @param levels of the guest's own tables, which the first kernels have in the word */
export function wordOfRole({ roles }: Era, role: Role, levels: GuestLevels): number {
  if ('bit4Is8Byte' in roles) return encodeRole(roles, role);
  return encodeOldRole(roles, role, roleField(role, 'has4ByteGpte') ? 2 : levels);
}

/** How many levels the tables of a vCPU's guest have. */
export function guestLevels(cpu: Cpu | undefined): GuestLevels {
  switch (cpu?.paging.mode) {
    case '32':
      return 2;
    case 'pae':
      return 3;
    case 'off':
    case undefined:
      return 0;
    default:
      return 4;
  }
}

/** Live pages that are as a filter wants, the oldest first. Pages of one vCPU are found only where they are asked for. */
export function pagesLike(machine: Machine, era: Era, filter: PageFilter): PageId[] {
  const found: PageId[] = [];
  for (let id = 1; id <= machine.pages.last; id++) if (isLike(machine, era, id as PageId, filter)) found.push(id as PageId);
  return found;
}

function isLike(machine: Machine, era: Era, id: PageId, filter: PageFilter): boolean {
  const { pages, state, mmu } = machine;
  if (!pages.isLive(state, id) || pages.isLocal(id) !== (filter.local ?? false)) return false;
  const role = pages.role(state, id);
  const is = <T>(wanted: { readonly value: T } | undefined, found: T): boolean => wanted === undefined || wanted.value === found;
  const flag = (wanted: boolean | undefined, found: boolean): boolean => wanted === undefined || wanted === found;
  const bit = (name: 'direct' | 'invalid'): boolean => roleField(role, name) === 1;
  const access = roleField(role, 'access');
  const rootCount = pages.rootCount(state, id);
  return (
    is(filter.gfn, pages.gfn(state, id)) &&
    is(filter.level, roleField(role, 'level')) &&
    is(filter.quadrant, roleField(role, 'quadrant')) &&
    (filter.role === undefined || filter.role.value === roleWord(machine, era, id)) &&
    is(filter.access, filter.access?.value.length === 4 ? accessTextWithRead(access) : accessText(access)) &&
    flag(filter.direct, bit('direct')) &&
    (filter.gpteBytes === undefined || (filter.gpteBytes === 4) === (roleField(role, 'has4ByteGpte') === 1)) &&
    flag(filter.unsync, pages.isUnsync(state, id)) &&
    flag(filter.invalid, bit('invalid')) &&
    flag(filter.obsolete, pages.life(state, id) === Life.active && mmu.isObsolete(id)) &&
    (filter.root === undefined || (filter.root === true ? rootCount > 0 : filter.root.value === rootCount)) &&
    (filter.parents === undefined || filter.parents.value === [...mmu.parents(id)].length) &&
    (filter.entries === undefined || filter.entries.value === entriesOf(machine, id)) &&
    is(filter.flood, pages.writeFlooding(state, id)) &&
    is(filter.generation, pages.birth(id).generation)
  );
}

/** SPTEs of a page that are not empty. */
function entriesOf({ pages, state }: Machine, id: PageId): number {
  let count = 0;
  const first = pages.entryCell(id, 0 as SpteIndex);
  for (let index = 0; index < 512; index++) if (state.tag(first + index) !== 0) count++;
  return count;
}

/** A filter in the words of the language. */
export function filterText(filter: PageFilter): string {
  const words: string[] = [];
  const number = (name: string, value: { readonly value: number } | undefined): void => {
    if (value) words.push(`${name} ${hex(value.value)}`);
  };
  const flag = (yes: string, no: string, value: boolean | undefined): void => {
    if (value !== undefined) words.push(value ? yes : no);
  };
  number('gfn', filter.gfn);
  number('level', filter.level);
  number('quadrant', filter.quadrant);
  number('role', filter.role);
  if (filter.access) words.push(`access ${filter.access.value}`);
  flag('direct', 'indirect', filter.direct);
  if (filter.gpteBytes) words.push(`${filter.gpteBytes}-byte`);
  flag('unsync', 'sync', filter.unsync);
  flag('invalid', 'valid', filter.invalid);
  flag('obsolete', 'not obsolete', filter.obsolete);
  if (filter.root === true) words.push('root');
  else number('root', filter.root);
  flag('local', '', filter.local);
  number('parents', filter.parents);
  number('entries', filter.entries);
  number('flood', filter.flood);
  number('generation', filter.generation);
  return words.join(' ');
}

const MOST_NAMED = 4;

/** `2: sp #5 …; sp #6 …`, or `none` */
export function foundPages(machine: Machine, found: readonly PageId[]): string {
  if (found.length === 0) return 'none';
  const named = found.slice(0, MOST_NAMED).map((id) => pageText(machine, id));
  const more = found.length - named.length;
  return `${found.length}: ${named.join('; ')}${more ? ` and ${more} more` : ''}`;
}
