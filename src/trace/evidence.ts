import { eraFor, type Era } from '../engine/eras.js';
import { LAYOUT_5_1, LAYOUT_5_17, LAYOUT_7, type RoleLayout } from '../engine/roleLayout.js';
import { roleField } from '../engine/role.js';
import { Kind, SpSlot } from './vocabulary.js';
import type { Role } from '../engine/ids.js';
import type { Template } from './template.js';
import type { TraceInfo } from './info.js';

/**
 * Text does not name its kernel, but its spelling narrows it down. The steps are the kernels whose text is known; each spelling is a
 * lower or an upper end (spec/tracepoints.md §3.1, spec/roles.md §2 and recordings of 5.10, 6.1, 6.12, 7.2).
 */
const STEPS = ['5.4', '5.10', '5.15', '6.1', '6.12', '7.2'] as const;
type Step = (typeof STEPS)[number];

const SPELLINGS = {
  /** irq-info has no migrate-disable column */
  flags4: { to: '5.10' },
  flags5: { from: '5.15' },
  /** `kvm_page_fault: address 10000 error_code 10` */
  faultWithoutVcpu: { to: '5.15' },
  faultWithVcpu: { from: '6.1' },
  /** guest's EFER.NX in the role of a 32-bit guest; later kernels set it always */
  nonPaeWithoutNx: { to: '5.15' },
  nonPaeWithNx: { from: '6.1' },
  /** `kvm_apicv_inhibit_changed: set reason=0, inhibits=0x1 DISABLED` */
  inhibitsPlain: { to: '6.1' },
  inhibitsExplained: { from: '6.12' },
  /** bit 4 of the role word was turned round in 5.17 */
  bit4Is8Byte: { to: '5.15' },
  bit4Is4Byte: { from: '6.1' },
  letters3: { to: '6.12' },
  letters4: { from: '7.2' },
} as const satisfies Record<string, { from?: Step; to?: Step }>;
export type Spelling = keyof typeof SPELLINGS;

/** So many events are waited for, at the most, until one shows how the kernel writes roles. */
const PATIENCE = 1 << 16;

/**
 * What a text has shown of its kernel. It is settled before the first events are handed over, and stays: whoever replays them goes by it,
 * and must not come to another result because more of the file had been read.
 */
export class KernelEvidence {
  #settled = false;
  readonly #seen = new Set<Spelling>();
  #exact: string | undefined;
  #era: Era | undefined;

  see(spelling: Spelling): void {
    if (!this.#settled) this.#seen.add(spelling);
  }

  /** Whether events may be handed over, so many of which have been read. From then on the kernel is settled. */
  settles(events: number): boolean {
    this.#settled ||= this.#exact !== undefined || this.#seen.has('letters3') || this.#seen.has('letters4') || events >= PATIENCE;
    return this.#settled;
  }

  /** What the message of an event that a template read shows. */
  message(template: Template, units: Uint32Array, base: number): void {
    if (template.kind === Kind.pageFault) this.see(template.shape.slots[0] ? 'faultWithVcpu' : 'faultWithoutVcpu');
    else if (template.kind === Kind.getPage && template.letters) {
      this.see(template.letters === 3 ? 'letters3' : 'letters4');
      const role = units[base + template.shape.slots[SpSlot.role]!.at]! as Role;
      if (roleField(role, 'has4ByteGpte')) this.see(roleField(role, 'efer_nx') ? 'nonPaeWithNx' : 'nonPaeWithoutNx');
    }
  }

  /** The last character of a kvm_apicv_inhibit_changed, which newer kernels end with a word. */
  inhibits(last: number): void {
    this.see(last >= 0x41 && last <= 0x5a ? 'inhibitsExplained' : 'inhibitsPlain');
  }

  /** The header of the latency format names the release. */
  release(text: string): void {
    if (!this.#settled) this.#exact = /^\d+\.\d+/.exec(text)?.[0];
  }

  /** The header of a scenario's transcript names the rules that it was run by. */
  era(kernel: string): void {
    if (this.#settled) return;
    this.#era = eraFor(kernel);
    this.#exact = kernel;
  }

  get letters(): 3 | 4 {
    if (this.#seen.has('letters4')) return 4;
    return this.#exact !== undefined && Number.parseInt(this.#exact, 10) >= 7 ? 4 : 3;
  }

  kernel(): TraceInfo['kernel'] {
    if (this.#exact !== undefined) return { text: this.#exact, from: this.#exact, to: this.#exact };
    let from = 0;
    let to: number = STEPS.length - 1;
    for (const spelling of this.#seen) {
      const limits: { from?: Step; to?: Step } = SPELLINGS[spelling];
      if (limits.from) from = Math.max(from, STEPS.indexOf(limits.from));
      if (limits.to) to = Math.min(to, STEPS.indexOf(limits.to));
    }
    // Spellings that exclude each other: a text put together from several kernels. The newest evidence wins.
    if (from > to) to = from;
    const [first, last] = [STEPS[from]!, STEPS[to]!];
    return { text: first === last ? first : `${first}-${last}`, from: first, to: last };
  }

  /** The layout of the role words that the kernel had, though text never shows one. */
  layout(): RoleLayout {
    if (this.#era && 'bit4Is8Byte' in this.#era.roles) return this.#era.roles;
    if (this.letters === 4) return LAYOUT_7;
    const [major, minor] = this.kernel().to.split('.').map(Number) as [number, number];
    return major < 5 || (major === 5 && minor < 17) ? LAYOUT_5_1 : LAYOUT_5_17;
  }
}
