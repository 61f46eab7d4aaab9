/**
 * Why an output could not be announced, or why the announcement left a field open: values that only the guest or the host held
 * (interfaces.md, closed list).
 */
export const REASONS = [
  'root',
  'spt-frame',
  'host-page',
  'gpte',
  'invlpg',
  'slot-gen',
  'pointer',
  'hidden-role',
  'hw-ad',
  'insn',
  'trigger',
  'no-kvm-events',
  'lost',
  'mid-life',
  'vm-unknown',
] as const;
export type Reason = (typeof REASONS)[number];
