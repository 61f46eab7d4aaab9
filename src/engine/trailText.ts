import { NO_PAGE, type PageId, type Role } from './ids.js';
import type { KernelFunction } from './kernelFunctions.js';
import type { Mmu } from './mmu.js';
import { ACC_EXEC, ACC_USER, ACC_WRITE, roleField } from './role.js';
import type { Argument } from './trail.js';

/** How one argument is shown. */
type Form = (mmu: Mmu, value: Argument) => string;

const hex = (value: Argument): string => value.toString(16);
const gfn: Form = (_, value) => `gfn ${hex(value)}`;
const gpa: Form = (_, value) => `gpa ${hex(value)}`;
const address: Form = (_, value) => hex(value);
const error: Form = (_, value) => errorText(Number(value));
const plain: Form = (_, value) => String(value);
const bytes: Form = (_, value) => `${value} bytes`;
const index: Form = (_, value) => `[${Number(value).toString(16).padStart(3, '0')}]`;
const slot: Form = (_, value) => `slot ${value}`;
const vcpu: Form = (_, value) => `vCPU ${value}`;
const access: Form = (_, value) => accessText(Number(value));
const yes: Form = (_, value) => (value ? 'true' : 'false');
const spte: Form = (_, value) => `0x${hex(value)}`;
const direct: Form = (_, value) => (value ? 'direct' : '');
const page: Form = (mmu, value) => pageText(mmu, Number(value) as PageId);
const role: Form = (_, value) => roleText(Number(value) as Role);

/** What each function is shown with: its arguments, and its result where that tells something. */
const FORMS: Readonly<Record<KernelFunction, { readonly takes: readonly Form[]; readonly gives?: Form }>> = {
  pageFault: { takes: [address, error] },
  walkPageFault: { takes: [address, error] },
  walkAddr: { takes: [address, error], gives: (mmu, value) => (Number(value) < 0 ? 'fault for the guest' : gfn(mmu, value)) },
  fetch: { takes: [address, gfn] },
  directFault: { takes: [address, error] },
  directMap: { takes: [gfn] },
  fastPageFault: { takes: [address, error], gives: (_, value) => (value ? 'fixed' : 'not fixed') },
  mmioFault: { takes: [address], gives: (_, value) => (value ? 'emulate' : 'stale SPTE') },
  makeAvailable: { takes: [] },
  zapOldest: { takes: [(_, value) => `${value} of ${value === 1 ? 'a page' : 'pages'} wanted`], gives: plain },
  getChild: { takes: [page, index, gfn], gives: (mmu, value) => (value ? page(mmu, value) : 'already linked') },
  childRole: { takes: [page, index, direct, access], gives: role },
  getPage: { takes: [gfn, role], gives: page },
  findPage: { takes: [gfn, role], gives: page },
  allocPage: { takes: [gfn, role], gives: page },
  setSpte: { takes: [page, index, gfn, access] },
  makeSpte: { takes: [page, index, gfn, access], gives: spte },
  tryToUnsync: { takes: [gfn], gives: (_, value) => (value ? 'may be writable' : 'write-protected') },
  unsyncPage: { takes: [page] },
  prefetch: { takes: [page, index] },
  markMmio: { takes: [page, index, gfn, access] },
  load: { takes: [vcpu] },
  allocRoot: { takes: [slot, gfn, role], gives: page },
  allocLocalPage: { takes: [gfn, role], gives: page },
  freeRoots: { takes: [vcpu] },
  freeLocalRoot: { takes: [page] },
  newPgd: { takes: [address], gives: (_, value) => (value ? 'cached root' : 'new root') },
  syncRoots: { takes: [vcpu] },
  syncChildren: { takes: [page] },
  syncPage: { takes: [page] },
  trackWrite: { takes: [gpa, bytes] },
  flooding: { takes: [page], gives: yes },
  misaligned: { takes: [page, gpa, bytes], gives: yes },
  writtenSptes: { takes: [page, gpa, bytes], gives: (_, value) => writtenText(Number(value)) },
  zapPte: { takes: [page, index] },
  updatePte: { takes: [page, index, gpa] },
  unprotect: { takes: [gfn] },
  prepareZap: { takes: [page] },
  zapUnsyncChildren: { takes: [page], gives: plain },
  zapAllFast: { takes: [] },
  zapObsolete: { takes: [] },
  zapAll: { takes: [] },
  invalidate: { takes: [address] },
  unmapGfn: { takes: [gfn] },
  changePages: { takes: [plain] },
};

export function argumentText(fn: KernelFunction, mmu: Mmu, values: readonly (Argument | undefined)[]): string {
  return FORMS[fn].takes
    .map((form, i) => (values[i] === undefined ? '' : form(mmu, values[i])))
    .filter((text) => text !== '')
    .join(', ')
    .replaceAll(', [', ' [');
}

export function resultText(fn: KernelFunction, mmu: Mmu, result: Argument): string {
  return FORMS[fn].gives?.(mmu, result) ?? '';
}

/** The quadrant rule's answer: a count of SPTEs, 0 where the page is of another quadrant. */
function writtenText(count: number): string {
  return count === 0 ? 'none: another quadrant' : count === 1 ? '1 SPTE' : `${count} SPTEs`;
}

/** `2c00 L1 q0` */
function pageText({ pages, state }: Mmu, id: PageId): string {
  if (id === NO_PAGE) return 'none';
  const its = pages.role(state, id);
  return `${hex(pages.gfn(state, id))} L${roleField(its, 'level')} q${roleField(its, 'quadrant')}`;
}

/** `L1 q1 4-byte wux` */
function roleText(its: Role): string {
  const gptes = roleField(its, 'direct') ? 'direct' : roleField(its, 'has4ByteGpte') ? '4-byte' : '8-byte';
  return `L${roleField(its, 'level')} q${roleField(its, 'quadrant')} ${gptes} ${accessText(roleField(its, 'access'))}`;
}

function accessText(its: number): string {
  return `${its & ACC_WRITE ? 'w' : '-'}${its & ACC_USER ? 'u' : '-'}${its & ACC_EXEC ? 'x' : '-'}`;
}

/** `W|U`, as the kernel prints error codes */
function errorText(its: number): string {
  return ['P', 'W', 'U', 'RSVD', 'F'].filter((_, bit) => its & (1 << bit)).join('|');
}
