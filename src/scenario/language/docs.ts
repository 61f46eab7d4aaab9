import type { ActionWord } from './actions.js';

/** What the words of the language mean, for completion and hovers. */
export interface WordText {
  /** how the statement goes on; `[…]` may be left out */
  readonly form: string;
  readonly text: string;
}

export const STATEMENTS: Readonly<Record<ActionWord, WordText>> = {
  kernel: {
    form: 'kernel ERA|VERSION',
    text: "The kernel whose rules the run has: an era's name or a version such as 6.1. Before all other statements; 6.1 without it.",
  },
  without: { form: 'without FEATURE[, FEATURE]…', text: 'Switches features of the kernel off. Before all other statements.' },
  with: { form: 'with FEATURE[, FEATURE]…', text: 'Switches features on that the kernel does not have. Before all other statements.' },
  limit: {
    form: 'limit N pages',
    text: 'n_max_mmu_pages: how many shadow pages there may be. Pages that are too many are zapped, the oldest first. No limit without it.',
  },
  slot: {
    form: 'slot NAME gfn FIRST..LAST [pfn P] [large]',
    text: 'A memory slot. Its frames are those from pfn P on, or come on demand; large: the host backs it with 2 MiB pages.',
  },
  delete: {
    form: 'delete slot NAME',
    text: 'Deletes a memory slot. KVM zaps what it must: everything, or in kernels without generations what maps the slot.',
  },
  vcpu: {
    form: 'vcpu N [paging MODE] [root-levels 4|5] [cr3 ADDR] [wp|nowp] [nx|nonx] [pse|nopse] [smep|nosmep] [smap|nosmap]',
    text: 'Creates a vCPU or writes its control registers, and makes it the current one; alone it only does the latter. Modes: off, 32, pae, 4-level, 5-level, npt-32. A new one has WP, NX and PSE on, SMEP and SMAP off.',
  },
  set: {
    form: 'set LOC = VALUE [step N] [as N bytes]',
    text: 'Guest memory changes unseen by KVM, as by user space or a device. LOC: GPA, TABLE[INDEX] or TABLE[FIRST..LAST]; step is added from entry to entry.',
  },
  emulate: {
    form: 'emulate LOC = VALUE [as N bytes]',
    text: "KVM's emulator makes the write for the current vCPU: page tracking sees it.",
  },
  write: {
    form: 'write VA [= VALUE] [as N bytes] [user] [unusual]',
    text: 'The guest writes, with faults and all. Without VALUE memory keeps what it holds. unusual: by an instruction that nobody writes page tables with, so KVM gives up the shadows of the target and lets it run.',
  },
  read: { form: 'read VA [user]', text: 'The guest reads, with faults and all.' },
  fetch: { form: 'fetch VA [user]', text: 'The guest fetches an instruction, with faults and all.' },
  cr3: { form: 'cr3 ADDR', text: 'The guest loads CR3: another root, and a flush of the TLB.' },
  invlpg: { form: 'invlpg VA', text: 'The guest invalidates an address.' },
  host: {
    form: 'host map gfn G[..H] pfn P  |  host take gfn G[..H]  |  host share gfn G[..H]  |  host log gfn G[..H]  |  host unlog gfn G[..H]',
    text: 'The host maps frames of its choice, takes pages back (MMU notifier), maps them read-only until somebody writes, or logs writes to them (dirty logging: each must fault once).',
  },
  zap: { form: 'zap all', text: 'kvm_mmu_zap_all_fast, without a change of slots.' },
  reclaim: { form: 'reclaim N [pages]', text: 'The host is short of memory: the N oldest shadow pages that are no root go.' },
  unprotect: {
    form: 'unprotect gfn G',
    text: 'The shadows of a guest table are given up, as for an instruction that cannot be emulated (kvm_mmu_unprotect_page).',
  },
  teardown: { form: 'teardown', text: 'The VM ends: kvm_mmu_zap_all. Only expect may follow.' },
  expect: {
    form: 'expect …',
    text: 'Says what must be so now: pages, an SPTE, what an address reaches, events of the last statement, memory, invariants. It fails with the difference; the run goes on.',
  },
};

const PAGES: WordText = {
  form: 'expect [N|no] page[s] [gfn G] [level L] [quadrant Q] [role R] [access wux] [direct|indirect] [4-byte|8-byte] [unsync|sync] [invalid|valid] [obsolete] [root [N]] [local] [parents N] [entries N] [flood N] [generation N]',
  text: 'How many shadow pages there are with all of that; exactly one without a number. Pages of one vCPU (local) are found only by that word.',
};
const EVENTS: WordText = {
  form: 'expect [N|no] event[s] [NAME [FIELD=VALUE]…]',
  text: 'How many such events the last statement had that was no expect; exactly one without a number.',
};

export const EXPECTATIONS: Readonly<Record<string, WordText>> = {
  page: PAGES,
  pages: PAGES,
  event: EVENTS,
  events: EVENTS,
  spte: {
    form: 'expect spte (PAGE)[INDEX] is WHAT  |  expect spte va VA [level L] is WHAT',
    text: 'An SPTE of the one page with these properties, or the one that the walk of an address ends with. WHAT: empty, leaf …, link …, mmio …, marked, or its 64 bits.',
  },
  va: {
    form: 'expect va VA is gpa ADDR|mmio|nothing',
    text: 'What the hardware reaches at an address of the current vCPU through the shadow pages now.',
  },
  result: { form: 'expect result done|emulated|mmio|injected', text: 'How the last read, write or fetch ended.' },
  used: { form: 'expect used N [pages]', text: 'n_used_mmu_pages.' },
  generation: { form: 'expect generation N', text: 'mmu_valid_gen.' },
  memory: { form: 'expect memory LOC is VALUE [as N bytes]  |  has FLAGS  |  lacks FLAGS', text: 'What guest memory holds.' },
  gfn: {
    form: 'expect gfn G is [not] protected',
    text: 'Whether KVM would notice a write of the guest: a page shadows the frame, and is in sync with it.',
  },
  invariants: {
    form: 'expect invariants hold  |  expect invariants broken I-9 [I-24]…',
    text: 'Which invariants of the shadow MMU are broken: exactly these.',
  },
};

export const WORDS: Readonly<Record<string, string>> = {
  if: 'if [not] FEATURE [and [not] FEATURE]…: STATEMENT runs the statement only in kernels with, or without, these features.',
  not: 'The opposite.',
  and: 'Both.',
  off: 'No paging: guest addresses are physical ones.',
  '32': '32-bit paging: two levels of 4-byte entries.',
  pae: 'PAE paging: four PDPTEs, read when CR3 is loaded, and two levels of 8-byte entries.',
  '4-level': 'Long mode with 48-bit addresses.',
  '5-level': 'Long mode with 57-bit addresses.',
  'npt-32': 'What is shadowed are the nested page tables of a 32-bit L1; CR3 is its nCR3, addresses are physical ones of L2.',
  'root-levels': 'Levels of the root that the host uses for npt-32.',
  paging: 'The paging mode.',
  wp: 'CR0.WP: the supervisor, too, may not write to read-only pages.',
  nx: 'EFER.NX: entries have a no-execute bit.',
  pse: 'CR4.PSE: 4-byte page directory entries may map 4 MiB pages.',
  smep: 'CR4.SMEP: the supervisor may not execute user pages.',
  smap: 'CR4.SMAP: the supervisor may not read or write user pages.',
  P: 'Present, bit 0.',
  W: 'Writable, bit 1.',
  U: 'For the user, bit 2.',
  PWT: 'Write-through, bit 3.',
  PCD: 'Cache disabled, bit 4.',
  A: 'Accessed, bit 5.',
  D: 'Dirty, bit 6.',
  PS: 'Large page, bit 7 of an entry above the page tables.',
  G: 'Global, bit 8.',
  NX: 'No-execute, bit 63 of an 8-byte entry.',
  gfn: 'A guest page number. gfn(N) is the address where it begins.',
  pfn: 'A page frame number of the host.',
  level: "KVM's level: 1 for page tables, 2 for page directories.",
  quadrant: 'Which part of a 4-byte table a page shadows: half of a page table, quarter of a page directory.',
  role: "The kernel's role word, as its era lays it out.",
  access: 'Rights, as the trace prints them: w write, u user, x execute, - for one that is missing; from 7.x on r first.',
  direct: 'It shadows no guest table: a part of a large page, or a guest without paging.',
  indirect: 'It shadows a guest table.',
  '4-byte': 'For guest tables of 4-byte entries.',
  '8-byte': 'For guest tables of 8-byte entries.',
  unsync: 'Its guest table may have changed without an exit.',
  sync: 'It agrees with its guest table.',
  invalid: 'Zapped, and waiting for its last root_count to go.',
  valid: 'Not zapped.',
  obsolete: 'Of an old generation, not zapped yet.',
  root: 'A root of a vCPU uses it; with a number: its root_count.',
  local: 'A page of one vCPU alone (RFC of 2022).',
  parents: 'How many SPTEs lead to it.',
  entries: 'How many of its 512 SPTEs are not empty.',
  flood: 'write_flooding_count.',
  generation: 'mmu_valid_gen: that of the page, or of the VM.',
  empty: 'Nothing is in it.',
  leaf: 'It maps guest memory.',
  link: 'It leads to a shadow page.',
  mmio: 'It marks MMIO.',
  marked: 'It has the mark of MMIO of kernels before 2.6.26.',
  gen: 'Generation of the memory slots.',
  writable: 'W is set.',
  'read-only': 'W is clear.',
  user: 'The access is one of user mode; the SPTE has U.',
  supervisor: 'U is clear.',
  executable: 'NX is clear.',
  'no-execute': 'NX is set.',
  accessed: 'A is set.',
  'not-accessed': 'A is clear.',
  dirty: 'D is set.',
  clean: 'D is clear.',
  large: 'The host backs the slot with 2 MiB pages.',
  step: 'Added to the value from entry to entry.',
  as: 'Size of what is written or read: 1, 2, 4 or 8 bytes. An entry of the current vCPU without it.',
  unusual: 'An instruction that nobody writes page tables with.',
  protected: 'KVM would notice a write.',
  done: 'The access was made.',
  emulated: 'KVM made the write itself, for the page is a guest table.',
  injected: 'The guest got the fault.',
  nothing: 'The walk ends before a leaf: an access would fault.',
  has: 'All of these bits are set.',
  lacks: 'None of these bits is set.',
  hold: 'None is broken.',
  broken: 'Exactly these are.',
};
