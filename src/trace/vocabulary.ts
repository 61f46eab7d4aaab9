/**
 * The event vocabulary: one list for every reader, the replay and the condition language. Names and argument names are those of the
 * kernel's format files; an argument's place in `args` is its slot in the {@link EventTable}. A reader fills the slots from
 * whatever its format gives, and leaves {@link EventTable.has} false for an argument the format does not give.
 */

/** How an argument is stored and shown. All are 64-bit words in the table. */
export type ArgType =
  | 'hex' // unsigned, printed in hexadecimal
  | 'dec' // unsigned, printed in decimal
  | 's32' // signed, printed in decimal
  | 'bool'
  | 'role' // the engine's Role (engine/role.ts), converted by the reader; see EventTable.roles
  | 'pointer' // a kernel pointer; hashed in text traces unless the kernel was told otherwise
  | 'string' // index into the table's strings
  | 'bytes'; // two consecutive words: 16 bytes, first byte lowest

export interface ArgSpec {
  readonly name: string;
  readonly type: ArgType;
}

export interface EventSpec {
  readonly name: string;
  readonly system: 'kvmmmu' | 'kvm';
  readonly args: readonly ArgSpec[];
}

const hex = (name: string): ArgSpec => ({ name, type: 'hex' });
const dec = (name: string): ArgSpec => ({ name, type: 'dec' });
const s32 = (name: string): ArgSpec => ({ name, type: 's32' });
const bool = (name: string): ArgSpec => ({ name, type: 'bool' });
const ptr = (name: string): ArgSpec => ({ name, type: 'pointer' });
const str = (name: string): ArgSpec => ({ name, type: 'string' });

const SP: readonly ArgSpec[] = [dec('mmu_valid_gen'), hex('gfn'), { name: 'role', type: 'role' }, dec('root_count'), bool('unsync')];

const mmu = (name: string, ...args: ArgSpec[]): EventSpec => ({ name, system: 'kvmmmu', args });
const kvm = (name: string, ...args: ArgSpec[]): EventSpec => ({ name, system: 'kvm', args });

/** Every event whose arguments the project understands. The order is that of {@link Kind}. */
export const EVENTS = [
  mmu('kvm_mmu_get_page', ...SP, bool('created')),
  mmu('kvm_mmu_sync_page', ...SP),
  mmu('kvm_mmu_unsync_page', ...SP),
  mmu('kvm_mmu_prepare_zap_page', ...SP),
  mmu('kvm_mmu_set_spte', hex('gfn'), hex('spte'), hex('sptep'), dec('level'), bool('r'), bool('x'), s32('u')),
  mmu('kvm_mmu_spte_requested', hex('gfn'), hex('pfn'), dec('level'), hex('access')),
  mmu('mark_mmio_spte', ptr('sptep'), hex('gfn'), hex('access'), hex('gen')),
  mmu('check_mmio_spte', hex('kvm_gen'), hex('spte_gen'), hex('spte')),
  mmu('handle_mmio_page_fault', hex('addr'), hex('gfn'), hex('access')),
  mmu(
    'fast_page_fault',
    s32('vcpu_id'),
    hex('cr2_or_gpa'),
    hex('error_code'),
    ptr('sptep'),
    hex('old_spte'),
    hex('new_spte'),
    bool('spurious'),
    bool('fixed'),
  ),
  mmu('kvm_mmu_zap_all_fast', dec('mmu_valid_gen'), hex('mmu_used_pages')),
  mmu('kvm_mmu_pagetable_walk', hex('addr'), hex('pferr')),
  mmu('kvm_mmu_paging_element', hex('pte'), dec('level')),
  mmu('kvm_mmu_walker_error', hex('pferr')),
  mmu('kvm_mmu_set_accessed_bit', hex('gpa')),
  mmu('kvm_mmu_set_dirty_bit', hex('gpa')),
  mmu('kvm_mmu_split_huge_page', hex('gfn'), hex('spte'), dec('level'), s32('errno')),
  mmu('kvm_tdp_mmu_spte_changed', hex('gfn'), hex('old_spte'), hex('new_spte'), dec('level'), dec('as_id')),
  kvm('kvm_entry', dec('vcpu_id'), hex('rip')),
  kvm('kvm_exit', str('exit_reason'), hex('guest_rip'), hex('info1'), hex('info2'), hex('intr_info'), hex('error_code'), dec('vcpu_id')),
  kvm('kvm_page_fault', dec('vcpu_id'), hex('guest_rip'), hex('fault_address'), hex('error_code')),
  kvm(
    'kvm_emulate_insn',
    hex('rip'),
    hex('csbase'),
    dec('len'),
    { name: 'insn', type: 'bytes' },
    hex('insn_hi'),
    str('mode'),
    bool('failed'),
  ),
  kvm('kvm_inj_exception', dec('exception'), bool('has_error'), hex('error_code'), bool('reinjected')),
  kvm('kvm_cr', bool('rw'), dec('cr'), hex('val')),
  kvm('kvm_mmio', str('type'), dec('len'), hex('gpa'), hex('val')),
  kvm('vcpu_match_mmio', hex('gva'), hex('gpa'), bool('write'), bool('gpa_match')),
  kvm('kvm_unmap_hva_range', hex('start'), hex('end')),
  kvm('kvm_set_spte_hva', hex('hva')),
  kvm('kvm_age_hva', hex('start'), hex('end')),
  kvm('kvm_test_age_hva', hex('hva')),
  kvm('kvm_userspace_exit', str('reason'), s32('errno')),
  kvm('kvm_pio', bool('rw'), hex('port'), dec('size'), dec('count'), hex('val')),
  kvm('kvm_invlpga', hex('rip'), s32('asid'), hex('address')),
  kvm('kvm_smm_transition', dec('vcpu_id'), hex('smbase'), bool('entering')),
  kvm('kvm_msr', bool('write'), hex('ecx'), hex('data')),
  kvm(
    'kvm_nested_vmenter',
    hex('rip'),
    hex('vmcb'),
    hex('nested_rip'),
    hex('int_ctl'),
    hex('event_inj'),
    bool('tdp_enabled'),
    hex('guest_pgd'),
  ),
  kvm('kvm_nested_vmexit_inject', hex('exit_info1'), hex('exit_info2'), hex('exit_int_info'), hex('exit_int_info_err')),
  // A kprobe at the function of this name: gpa=%si:x64 bytes=%cx:s32 new=+0(%dx):x64
  kvm('kvm_page_track_write', hex('gpa'), dec('bytes'), hex('new')),
] as const satisfies readonly EventSpec[];

/** Event kinds by short name: positions in {@link EVENTS}. */
export const Kind = {
  getPage: 0,
  syncPage: 1,
  unsyncPage: 2,
  prepareZap: 3,
  setSpte: 4,
  spteRequested: 5,
  markMmio: 6,
  checkMmio: 7,
  handleMmio: 8,
  fastPageFault: 9,
  zapAllFast: 10,
  walk: 11,
  element: 12,
  walkerError: 13,
  setAccessed: 14,
  setDirty: 15,
  splitHugePage: 16,
  tdpSpteChanged: 17,
  entry: 18,
  exit: 19,
  pageFault: 20,
  emulateInsn: 21,
  injException: 22,
  cr: 23,
  mmio: 24,
  matchMmio: 25,
  unmapHva: 26,
  setSpteHva: 27,
  ageHva: 28,
  testAgeHva: 29,
  userspaceExit: 30,
  pio: 31,
  invlpga: 32,
  smmTransition: 33,
  msr: 34,
  nestedVmenter: 35,
  nestedVmexitInject: 36,
  trackWrite: 37,
  /** any other event: name and message text only */
  other: 255,
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

/** Slots of the shared prefix of get_page, sync_page, unsync_page and prepare_zap_page. */
export const SpSlot = { gen: 0, gfn: 1, role: 2, rootCount: 3, unsync: 4, created: 5 } as const;

/** The specification of a kind; undefined for {@link Kind.other}. */
export function specOf(kind: Kind): EventSpec | undefined {
  return kind === Kind.other ? undefined : EVENTS[kind];
}

/** The kind of an event name, {@link Kind.other} when its arguments are not understood. */
export function kindOf(name: string): Kind {
  return BY_NAME.get(name) ?? Kind.other;
}

const BY_NAME: ReadonlyMap<string, Kind> = new Map(EVENTS.map((e, i) => [e.name, i as Kind]));
