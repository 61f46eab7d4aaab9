import { FRAME_MASK, NX, PAGE_SIZE_BIT, pagesPerEntry, type SpteFormat } from '../spte.js';
import { roleField } from '../role.js';
import { levelOf, type Facts } from './facts.js';
import { describe, describeEntry, hex, type Invariant } from './invariant.js';
import type { EntrySnapshot, PageSnapshot } from './snapshot.js';

/** Above the frame and the two bits of the A/D type, PT64 SPTEs have nothing but NX (spec/spte.md §1.1). */
const PT64_HIGH = ((1n << 63n) - 1n) & ~((1n << 54n) - 1n);
const AD_TYPE = 3n << 52n;
const EPT_READ = 1n;

/** Reserved bits and MMIO: I-18 to I-20. */
export const MMIO: readonly Invariant[] = [
  {
    number: 18,
    title: 'no present SPTE has a reserved bit; no MMIO SPTE is MMU-present',
    entry: {
      kinds: ['leaf', 'link', 'mmio'],
      check(entry, page, facts, verdict) {
        const { spte } = entry;
        if (spte === undefined) return verdict.unknown();
        const place = { page: page.id, index: entry.index, gfn: entry.gfn };
        if (entry.kind === 'mmio') {
          verdict.check((spte & facts.format.mmuPresent) === 0n, () => ({
            place,
            message: `${describeEntry(page, entry)} is an MMIO SPTE and has the MMU-present bit: KVM would take it for a mapping`,
            expected: 'MMU-present clear',
            found: `0x${hex(spte)}`,
          }));
          return;
        }
        const reserved = spte & reservedBits(entry, page, facts);
        const misconfigured = facts.format.name === 'ept' && (spte & facts.format.writable) !== 0n && (spte & EPT_READ) === 0n;
        verdict.check(reserved === 0n && !misconfigured, () => ({
          place,
          message: `${describeEntry(page, entry)} ${misconfigured ? 'is writable but not readable' : 'has reserved bits'}: the CPU faults on it again and again`,
          expected: 'no reserved bit',
          found: misconfigured ? `0x${hex(spte)}` : `bits 0x${hex(reserved)}`,
        }));
      },
    },
  },
  {
    number: 19,
    title: 'an MMIO SPTE is of no visible slot when it is made, and of no later generation than the present',
    entry: {
      kinds: ['mmio'],
      check(entry, page, { slots, features }, verdict) {
        if (!features.has('mmio-sptes')) return;
        const { mmioGeneration: made, gfn } = entry;
        const now = slots?.generation;
        if (made === undefined || now === undefined || gfn === undefined) return verdict.unknown();
        const place = { page: page.id, index: entry.index, gfn };
        verdict.check(made <= now, () => ({
          place,
          message: `${describeEntry(page, entry)} is of memslot generation ${made}, which has not come yet`,
          expected: `generation up to ${now}`,
          found: `generation ${made}`,
        }));
        // Of an older generation nobody knows the slots any more, and it is never acted on.
        if (made !== now) return;
        const visible = slots!.isVisible(gfn);
        verdict.check(visible === undefined ? undefined : !visible, () => ({
          place,
          message: `${describeEntry(page, entry)} makes MMIO of guest frame ${hex(gfn)}, which a memslot backs`,
          expected: 'a frame without memslot',
          found: `gfn ${hex(gfn)} in a visible slot`,
        }));
      },
    },
  },
  {
    number: 20,
    title: 'once MMIO leaves nothing behind, no marked SPTE exists and no page made for MMIO',
    page(page, { features }, verdict) {
      if (!leavesNothing(features) || page.freed) return;
      verdict.check(page.madeFor === undefined ? undefined : page.madeFor !== 'mmio', () => ({
        place: { page: page.id, gfn: page.gfn },
        message: `${describe(page)} was made for an MMIO access, which is emulated before any page is made`,
        expected: 'no page',
        found: 'a page made for MMIO',
      }));
    },
    entry: {
      kinds: ['mmio', 'leaf', 'link'],
      check(entry, page, { features }, verdict) {
        if (!leavesNothing(features)) return;
        verdict.check(entry.kind !== 'mmio', () => ({
          place: { page: page.id, index: entry.index, gfn: entry.gfn },
          message: `${describeEntry(page, entry)} is marked as MMIO, which this kernel does not remember in SPTEs`,
          expected: 'empty',
          found: entry.spte === undefined ? 'MMIO' : `0x${hex(entry.spte)}`,
        }));
      },
    },
  },
];

/** From the decoupling of MMIO (S003) until MMIO SPTEs came: a fault on MMIO is emulated and leaves nothing. */
function leavesNothing(features: Facts['features']): boolean {
  return features.has('mmio-decoupling') && !features.has('mmio-sptes');
}

/** Bits that must be 0 in a present SPTE at its place. */
function reservedBits(entry: EntrySnapshot, page: PageSnapshot, { format, host }: Facts): bigint {
  let bits = host?.physicalBits === undefined ? 0n : FRAME_MASK & ~((1n << BigInt(host.physicalBits)) - 1n);
  const level = levelOf(page);
  // The lowest frame bits of a large page are not part of its address; the PAT bit is never set.
  if (entry.kind === 'leaf' && level > 1) bits |= (BigInt(pagesPerEntry(level)) - 1n) << 12n;
  if (level > 3) bits |= PAGE_SIZE_BIT;
  return bits | (format.name === 'pt64' ? pt64Bits(page, format) : 0n);
}

function pt64Bits(page: PageSnapshot, format: SpteFormat): bigint {
  const typed = roleField(page.role, 'ad_disabled') || roleField(page.role, 'guest_mode');
  // Without MMU-present bit (before 5.13) the bits above the frame are software's.
  if (format.mmuPresent === 0n) return 0n;
  return (PT64_HIGH | (typed ? 0n : AD_TYPE)) & ~NX;
}
