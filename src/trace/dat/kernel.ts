import { KernelEvidence } from '../evidence.js';
import type { TraceInfo } from '../info.js';
import type { RoleLayout } from '../../engine/roleLayout.js';

/** `Linux (none) 6.1.0-55-amd64 x86_64` → 6.1 */
export function kernelOf(uname: string | undefined, layout: RoleLayout | undefined): TraceInfo['kernel'] {
  const release = uname?.split(' ').find((word) => /^\d+\.\d+/.test(word));
  const evidence = new KernelEvidence();
  if (release !== undefined) evidence.release(release);
  // Without a name, what the formats show; they are not more exact than that.
  if (layout?.name === '5.1') evidence.see('faultWithoutVcpu');
  else if (layout?.name === '5.17') evidence.see('letters3');
  else if (layout?.name === '7.x') evidence.see('letters4');
  return evidence.kernel();
}

export function isAtLeast(kernel: TraceInfo['kernel'], major: number, minor: number): boolean {
  const [have = 0, haveMinor = 0] = kernel.from.split('.').map(Number);
  return have > major || (have === major && haveMinor >= minor);
}

/** `enum kvm_apicv_inhibit`, in order */
const APICV_INHIBIT = [
  'DISABLED',
  'HYPERV',
  'ABSENT',
  'BLOCKIRQ',
  'PHYSICAL_ID_ALIASED',
  'APIC_ID_MODIFIED',
  'APIC_BASE_MODIFIED',
  'NESTED',
  'IRQWIN',
  'PIT_REINJ',
  'SEV',
  'LOGICAL_ID_ALIASED',
  'PHYSICAL_ID_TOO_BIG',
];
/** `enum vdso_clock_mode`, in order */
const CLOCKS = ['NONE', 'TSC', 'PVCLOCK', 'HVCLOCK'];
/** VM-instruction error numbers of the processor manual */
const VMX_ERRORS = {
  VMLAUNCH_NONCLEAR_VMCS: 4,
  VMRESUME_NONLAUNCHED_VMCS: 5,
  VMRESUME_AFTER_VMXOFF: 6,
  ENTRY_INVALID_CONTROL_FIELD: 7,
  ENTRY_INVALID_HOST_STATE_FIELD: 8,
  ENTRY_EVENTS_BLOCKED_BY_MOV_SS: 26,
};

/**
 * Numbers of names that print fmts of kvm and kvmmmu use although they mean nothing outside of the kernel. `RET_PF_*` (spec/fault.md
 * §1) is left so by kernels before 5.19; later ones put the numbers in its place.
 */
export function enumsOf(kernel: TraceInfo['kernel']): Record<string, bigint> {
  const faults = ['RETRY', 'EMULATE', 'INVALID', 'FIXED', 'SPURIOUS'];
  if (isAtLeast(kernel, 6, 12)) faults.splice(2, 0, 'WRITE_PROTECTED');
  if (isAtLeast(kernel, 5, 19)) faults.unshift('CONTINUE');
  const inOrder = (prefix: string, names: readonly string[]): [string, bigint][] => names.map((name, i) => [prefix + name, BigInt(i)]);
  return Object.fromEntries([
    ...inOrder('RET_PF_', faults),
    ...inOrder('VDSO_CLOCKMODE_', CLOCKS),
    ...inOrder('APICV_INHIBIT_REASON_', APICV_INHIBIT),
    ...Object.entries(VMX_ERRORS).map(([name, value]): [string, bigint] => [`VMXERR_${name}`, BigInt(value)]),
  ]);
}

const IRQS_OFF = 0x01;
/** since 6.13: need-resched-lazy; before: the machine cannot tell whether interrupts are off */
const LAZY_OR_NOSUPPORT = 0x02;
const NEED_RESCHED = 0x04;
const HARDIRQ = 0x08;
const SOFTIRQ = 0x10;
const PREEMPT_RESCHED = 0x20;
const NMI = 0x40;
const BH_OFF = 0x80;

/** The irq-info column: 4 characters up to 5.14, 5 since. */
export function irqInfo(kernel: TraceInfo['kernel'], flags: number, preempt: number): string {
  const lazyKnown = isAtLeast(kernel, 6, 13);
  const nmi = flags & NMI;
  const [hard, soft] = [flags & HARDIRQ, flags & SOFTIRQ];
  let irqs = flags & IRQS_OFF ? (flags & BH_OFF ? 'D' : 'd') : flags & BH_OFF ? 'b' : '.';
  if (!lazyKnown && irqs === '.' && flags & LAZY_OR_NOSUPPORT) irqs = 'X';
  const context = nmi && hard ? 'Z' : nmi ? 'z' : hard && soft ? 'H' : hard ? 'h' : soft ? 's' : '.';
  const resched =
    RESCHED[(flags & NEED_RESCHED ? 1 : 0) | (flags & PREEMPT_RESCHED ? 2 : 0) | (lazyKnown && flags & LAZY_OR_NOSUPPORT ? 4 : 0)]!;
  const digit = (n: number): string => (n ? n.toString(16) : '.');
  const depth = isAtLeast(kernel, 5, 15) ? digit(preempt & 15) + digit(preempt >> 4) : digit(preempt);
  return irqs + resched + context + depth;
}

/** by need-resched 1, preempt-resched 2, lazy 4 */
const RESCHED = ['.', 'n', 'p', 'N', 'l', 'b', 'L', 'B'];
