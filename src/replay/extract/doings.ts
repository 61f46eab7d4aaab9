/**
 * What the guest and the host do, as statements of a scenario. Addresses are bytes, gfn and pfn page numbers. Fields that a later event
 * tells are filled in then, so they can be written.
 */
export type Doing =
  | { readonly kind: 'vcpu'; readonly id: number; readonly mode?: ScenarioMode; readonly cr3?: number; readonly controls?: Controls }
  | { readonly kind: 'cr3'; value: number | undefined }
  | { readonly kind: 'invlpg'; address: bigint | undefined }
  | Entry
  | Store
  | { readonly kind: 'read' | 'fetch'; readonly address: bigint; readonly user: boolean }
  | { readonly kind: 'map'; readonly gfn: number; readonly last: number; readonly pfn: number }
  | { readonly kind: 'take'; readonly gfn: number; readonly last: number }
  | { readonly kind: 'share' | 'log' | 'unlog'; readonly gfn: number; readonly last: number }
  | { readonly kind: 'slot'; readonly name: string; readonly first: number; readonly last: number; readonly large: boolean }
  | { readonly kind: 'delete'; readonly name: string }
  | { readonly kind: 'unprotect'; readonly gfn: number }
  | { readonly kind: 'zap-all' | 'teardown' }
  | { readonly kind: 'limit'; readonly pages: number }
  /** something that the language has no statement for, or that the recording does not tell */
  | { readonly kind: 'note'; readonly text: string };

export type ScenarioMode = 'off' | '32' | 'pae' | '4-level' | '5-level';

/** Control bits that are not as by default: each is on or off. */
export type Controls = Readonly<Partial<Record<'wp' | 'nx' | 'pse' | 'smep' | 'smap', boolean>>>;

/** A word of guest memory that KVM does not see change. */
export interface Entry {
  readonly kind: 'set';
  readonly gpa: number;
  readonly bytes: 4 | 8;
  readonly value: bigint;
}

/** A store of the guest (`write`), or one that KVM's emulator makes for a reason of its own (`emulate`). */
export interface Store {
  readonly kind: 'write' | 'emulate';
  /** va of a write, gpa of what the emulator stores */
  readonly address: bigint;
  readonly user: boolean;
  readonly bytes: 1 | 2 | 4 | 8;
  /** undefined while nothing has told it */
  value: bigint | undefined;
  /** it shows that something was stored: without a value the statement says nothing of memory */
  needsValue: boolean;
}

/** Size of an entry where a statement does not say it. */
export function entryBytes(mode: ScenarioMode): 4 | 8 {
  return mode === '32' ? 4 : 8;
}

const FLAGS: readonly (readonly [bigint, string])[] = [
  [1n << 0n, 'P'],
  [1n << 1n, 'W'],
  [1n << 2n, 'U'],
  [1n << 3n, 'PWT'],
  [1n << 4n, 'PCD'],
  [1n << 5n, 'A'],
  [1n << 6n, 'D'],
  [1n << 7n, 'PS'],
  [1n << 8n, 'G'],
  [1n << 63n, 'NX'],
];

/** A guest entry with its bits by name: `0x5000|P|W|U|A`. */
export function entryText(value: bigint): string {
  if (!(value & 1n)) return hex(value);
  const names = FLAGS.filter(([bit]) => value & bit).map(([, name]) => name);
  const rest = FLAGS.reduce((left, [bit]) => left & ~bit, value);
  return [hex(rest), ...names].join('|');
}

export function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

/** @param mode of the current vCPU, which says how large an entry is */
export function doingText(doing: Doing, mode: ScenarioMode | undefined): string {
  switch (doing.kind) {
    case 'vcpu':
      return vcpuText(doing);
    case 'cr3':
      return doing.value === undefined ? '# CR3 was written: nothing shows with what' : `cr3 ${hex(doing.value)}`;
    case 'invlpg':
      return doing.address === undefined ? '# an INVLPG: nothing shows its address' : `invlpg ${hex(doing.address)}`;
    case 'set':
      return `set ${place(doing.gpa, doing.bytes)} = ${entryText(doing.value)}${size(doing.bytes, mode)}`;
    case 'write':
    case 'emulate':
      return storeText(doing, mode);
    case 'read':
    case 'fetch':
      return `${doing.kind} ${hex(doing.address)}${doing.user ? ' user' : ''}`;
    case 'map':
      return `host map gfn ${range(doing.gfn, doing.last)} pfn ${hex(doing.pfn)}`;
    case 'take':
      return `host take gfn ${range(doing.gfn, doing.last)}`;
    case 'share':
    case 'log':
    case 'unlog':
      return `host ${doing.kind} gfn ${range(doing.gfn, doing.last)}`;
    case 'slot':
      return `slot ${doing.name} gfn ${hex(doing.first)}..${hex(doing.last)}${doing.large ? ' large' : ''}`;
    case 'delete':
      return `delete slot ${doing.name}`;
    case 'unprotect':
      return `unprotect gfn ${hex(doing.gfn)}`;
    case 'zap-all':
      return 'zap all';
    case 'teardown':
      return 'teardown';
    case 'limit':
      return `limit ${doing.pages} pages`;
    case 'note':
      return `# ${doing.text}`;
  }
}

function vcpuText({ id, mode, cr3, controls }: Extract<Doing, { kind: 'vcpu' }>): string {
  const words = Object.entries(controls ?? {}).map(([name, on]) => (on ? name : `no${name}`));
  return [`vcpu ${id}`, ...(mode === undefined ? [] : ['paging', mode]), ...(cr3 === undefined ? [] : ['cr3', hex(cr3)]), ...words].join(
    ' ',
  );
}

function storeText({ kind, address, user, bytes, value, needsValue }: Store, mode: ScenarioMode | undefined): string {
  const what = kind === 'write' ? `write ${hex(address)}` : `emulate ${place(Number(address), bytes)}`;
  const flags = user ? ' user' : '';
  if (value === undefined && !needsValue) return what + (staysInPage(address, mode) ? '' : size(bytes, undefined)) + flags;
  const stored = value ?? 0n;
  return `${what} = ${bytes >= 4 ? entryText(stored) : hex(stored)}${size(bytes, mode)}${flags}`;
}

/** A store of the size that goes without saying does not cross a page. */
function staysInPage(address: bigint, mode: ScenarioMode | undefined): boolean {
  return mode !== undefined && Number(address % 4096n) + entryBytes(mode) <= 4096;
}

function place(gpa: number, bytes: number): string {
  const offset = gpa % 4096;
  return bytes >= 4 && offset % bytes === 0 ? `${hex(gpa - offset)}[${offset / bytes}]` : hex(gpa);
}

function size(bytes: number, mode: ScenarioMode | undefined): string {
  return mode !== undefined && bytes === entryBytes(mode) ? '' : ` as ${bytes} byte${bytes === 1 ? '' : 's'}`;
}

function range(first: number, last: number): string {
  return last === first ? hex(first) : `${hex(first)}..${hex(last)}`;
}
