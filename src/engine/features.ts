/**
 * What kernels do differently, by name. Every difference is asked for by its name at the one place where it matters, so that it can be
 * switched off to see what a patch was for. Sources: spec/eras.md (E1 to E16) and the files that say where each matters.
 */
export interface FeatureText {
  /** number of the toggle in spec/eras.md */
  readonly toggle?: `E${string}`;
  /** what the kernel does when the feature is on */
  readonly on: string;
  /** what it does without */
  readonly off: string;
}

const FEATURE_TABLE = {
  'quadrant-filter': {
    toggle: 'E1',
    on: 'a guest write touches only the page in whose quadrant the written 4-byte entry lies (2.6.22)',
    off: 'it touches the same index in all pages that shadow the table',
  },
  'mmio-decoupling': {
    toggle: 'E2',
    on: 'an MMIO fault ends before the lock is taken and leaves no page and no SPTE (2.6.26 to 3.0)',
    off: 'the walk makes the shadow pages, and the leaf gets a mark in bit 9',
  },
  'mmio-sptes': {
    toggle: 'E2b',
    on: 'MMIO SPTEs hold gfn, access and generation; they stand before mmio-decoupling where both are on (3.1, generations 3.11)',
    off: 'MMIO is found by walking the guest tables each time',
  },
  'quadrant-in-role': {
    on: 'the role says which part of a table of 4-byte entries a page shadows, and so keeps the parts apart (always)',
    off: 'all parts of a table have one page: it maps what the part that came first says, and a sync reads the first part',
  },
  'role-from-parent': {
    toggle: 'E3',
    on: "a child's role comes from its parent's and from the index of the SPTE that will lead to it (6.0)",
    off: "it comes from the vCPU's role and the faulting address",
  },
  'direct-has-8-byte-gptes': {
    toggle: 'E3',
    on: 'a direct page says 8-byte gPTEs, whatever the guest has (5.1 to 5.16)',
    off: "it says what its MMU's role says",
  },
  'direct-mmu-quadrants': {
    toggle: 'E14',
    on: 'pages of a guest without paging have quadrants, which tell its four roots with gfn 0 apart (2.6.x)',
    off: 'they have none; each root has the gfn its quarter begins at',
  },
  'nonpaging-has-4-byte-gptes': {
    toggle: 'E3',
    on: 'the role of a guest without paging says 4-byte gPTEs, since the bit is PG && PAE (5.1 to 5.16)',
    off: 'it does not',
  },
  'clear-child-invalid': {
    toggle: 'E3',
    on: 'a child of an invalid parent is warned about and born valid (6.1.y of 2026)',
    off: 'it inherits invalid, and can never be found',
  },
  'local-pages': {
    toggle: 'E5',
    on: "tables above a 32-bit guest's page directories are pages of one vCPU, linked on demand (RFC of 2022)",
    off: 'they are bare tables without a page header, filled when the root is loaded',
  },
  'local-quadrant-mod-4': {
    toggle: 'E5',
    on: 'the page directories below a local page have the index of their PDPTE as quadrant, as they must',
    off: 'they have its parity: four page directories collapse into two, and 2 GiB alias the other 2',
  },
  'invalid-roots': {
    toggle: 'E6',
    on: 'a root that is zapped while it is in use becomes invalid, and cannot be found again (2.6.25)',
    off: 'it is emptied and stays where it is',
  },
  unsync: {
    toggle: 'E7',
    on: 'a guest page table may be written without exits, and is compared when the TLB would be flushed (2.6.28)',
    off: 'every write to it is emulated',
  },
  'unsync-many': {
    toggle: 'E7',
    on: 'all pages that shadow a table go unsync at once',
    off: 'a table that is shadowed under more than one role never does (2.6.28)',
  },
  'transient-sync': {
    toggle: 'E7',
    on: 'an unsync page that is found is brought up to date and stays unsync',
    off: 'it is write-protected and becomes sync (2.6.28)',
  },
  'update-on-write': {
    toggle: 'E8',
    on: 'an emulated write puts the new guest entry into the SPTE (2.6.23 to 5.x)',
    off: 'it only removes the old one',
  },
  'child-gfn-check': {
    toggle: 'E9',
    on: 'a child that is linked already is kept only if it has the wanted gfn (2026)',
    off: 'any child is',
  },
  'child-role-check': {
    toggle: 'E10',
    on: 'a child that is linked already is kept only if it has the wanted role (2026)',
    off: 'its role is not looked at',
  },
  'drop-before-mmio': {
    toggle: 'E11',
    on: 'a present SPTE is dropped before an MMIO SPTE takes its place (2026)',
    off: 'it is overwritten, and its reverse map entry stays',
  },
  'flood-per-page': {
    toggle: 'E12',
    on: 'each page counts the writes to its table since it was last walked through; level 1 does not',
    off: 'each vCPU counts writes to one gfn in a row',
  },
  'page-track': {
    on: 'a write to something present that is a page directory is emulated before the lock is taken (4.6)',
    off: 'the fault goes all its way, and finds that its SPTE may not be writable',
  },
  'user-write-unshadows': {
    on: 'what a user-mode write hits is taken for no page table any more: its shadows go (to 2.6.24)',
    off: 'the write is emulated, or lets the page table go out of sync',
  },
  prefetch: {
    on: 'a fault fills the absent neighbours of its SPTE, too (2.6.36)',
    off: 'it fills its own only',
  },
  'fast-page-fault': {
    on: 'a direct MMU gives an SPTE its W back without the lock (3.5)',
    off: 'the fault takes the lock, and makes the SPTE anew',
  },
  'large-pages': {
    on: 'a large page of guest and host is mapped by one SPTE (2.6.26)',
    off: 'every SPTE maps 4 KiB',
  },
  'direct-gfn-of-part': {
    on: 'each half of a split 4 MiB page is known by the gfn it begins at',
    off: 'both are known by the gfn of the large page; the quadrant tells them apart (2.6.x)',
  },
  'byte-writes': {
    on: 'writing one byte at the start of an entry is no sign of something else than a page table',
    off: 'any write of less than four bytes is',
  },
  generations: {
    toggle: 'E13',
    on: 'zapping everything flips a generation and leaves the old pages to be freed later (5.4)',
    off: 'pages survive the deletion of a slot; only what maps its frames is removed',
  },
  'rmap-of-all-leaves': {
    toggle: 'E15',
    on: 'the reverse map holds every leaf (2.6.25)',
    off: 'it holds writable leaves only, and write protection takes them out of it',
  },
  'access-in-role': {
    toggle: 'E16',
    on: 'the role of every page has the rights above it (2.6.25)',
    off: 'only pages that split a large guest page have rights, with NX instead of X',
  },
  'read-access': {
    toggle: 'E16',
    on: 'rights have a fourth bit, for reading (7.x)',
    off: 'rights are execute, write and user',
  },
  'smep-in-role': {
    on: 'the role has CR4.SMEP itself (7.x)',
    off: 'it has SMEP && !WP',
  },
  'nx-forced': {
    on: "the role of a shadow root says NX, whatever the guest's EFER (5.18)",
    off: "it has the guest's EFER.NX, 0 without paging",
  },
  passthrough: {
    on: "a nested 5-level root over a guest's 4-level one is marked, and has no gPTEs of its own (5.18)",
    off: 'there is no such mark',
  },
  'previous-roots': {
    on: 'a vCPU keeps three roots besides the current one',
    off: 'every write to CR3 frees the root',
  },
  'nonpaging-write-protection': {
    on: 'a guest without paging maps shadowed page tables read-only',
    off: 'its mappings are always writable (2.6.24)',
  },
  'sync-clears-accessed': {
    on: 'syncing a page clears A and D of the entries it keeps (recorded on 5.10 and 6.1)',
    off: 'it leaves them (recorded on 6.12)',
  },
  'resetting-keeps-dirty': {
    on: 'a writable SPTE that is made anew gets D (6.13; recorded on 7.2)',
    off: 'it is made without D (recorded on 5.10, 6.1 and 6.12)',
  },
  'requests-print-address': {
    on: "kvm_mmu_spte_requested prints address >> 12 and the guest's page size (to 5.15)",
    off: 'it prints the gfn and the level mapped at',
  },
  'mmio-set-spte': {
    on: 'a kvm_mmu_set_spte follows mark_mmio_spte (to 5.12)',
    off: 'an MMIO SPTE has no such event',
  },
  'sync-zaps-empty': {
    on: 'a page that a sync leaves without any SPTE is zapped, and unsync pages are synced to make way for a higher level (to 5.14)',
    off: 'it stays, and they are zapped',
  },
  'prefetch-unsyncs': {
    on: 'prefetching lets page tables go out of sync, as a fault does (to 5.14)',
    off: 'it maps them read-only',
  },
  'writable-stays': {
    on: 'a writable SPTE that is made anew stays so without a look for shadows of its frame (6.0)',
    off: 'they are looked for again, as for a new one',
  },
  'mmio-counts-as-writable': {
    on: 'what takes the place of an MMIO SPTE with the right to write stays writable, without that look: a page table may become writable unseen (a defect, 6.0)',
    off: 'what takes the place of an MMIO SPTE is made like any other',
  },
  'unprotect-after-fault': {
    on: 'while an event waits to be delivered, the shadows of a frame go after a write to it was found to be one to a guest table (6.12)',
    off: 'they go before the fault is handled, whatever the access',
  },
  'injected-until-entry': {
    on: 'an event that was injected counts as waiting during the exit after, though it was delivered (recorded on 7.2)',
    off: 'it does so only if its delivery was interrupted',
  },
  'notifier-events': {
    on: 'MMU notifiers have events (5.13)',
    off: 'the host takes pages away unseen',
  },
  'invalidate-syncs': {
    on: 'the SPTE of an address that is invalidated in an unsync page is synced (6.4)',
    off: 'it is dropped, and made anew from the guest entry',
  },
} as const satisfies Record<string, FeatureText>;

export type Feature = keyof typeof FEATURE_TABLE;
export const FEATURES: Readonly<Record<Feature, FeatureText>> = FEATURE_TABLE;
export const FEATURE_NAMES = Object.keys(FEATURE_TABLE) as Feature[];

export function isFeature(name: string): name is Feature {
  return Object.hasOwn(FEATURE_TABLE, name);
}
