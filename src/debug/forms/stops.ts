import type { EventIndex } from '../../engine/ids.js';
import { ArgumentReader } from '../../replay/query/arguments.js';
import type { EventSource } from '../../replay/query/scope.js';
import { findingWords } from './cards.js';
import { errorFlags } from './pferr.js';
import { count, hex } from './numbers.js';
import { pageName, spteName } from './pages.js';
import type { PageView } from '../../replay/view.js';

/** Stop descriptions and frame names (ui.md §12). */
export type StopReason =
  | { readonly type: 'exception'; readonly kind: string }
  | { readonly type: 'spte'; readonly page: PageView; readonly index: number }
  | { readonly type: 'page'; readonly page: PageView }
  | { readonly type: 'zap'; readonly page: PageView }
  | { readonly type: 'changed'; readonly what: string }
  | { readonly type: 'event'; readonly event: EventIndex };

/** `exception: quadrant mismatch`, `SPTE 2c00 L1 q0 [0ed] changed`, `zap of 2d52 L1 q1`, `event 300,045`; `(reverse)` behind. */
export function stopDescription(reason: StopReason, reverse = false): string {
  return `${words(reason)}${reverse ? ' (reverse)' : ''}`;
}

function words(reason: StopReason): string {
  switch (reason.type) {
    case 'exception':
      return `exception: ${findingWords(reason.kind)}`;
    case 'spte':
      return `SPTE ${spteName(reason.page, reason.index)} changed`;
    case 'page':
      return `page ${pageName(reason.page)} changed`;
    case 'zap':
      return `zap of ${pageName(reason.page)}`;
    case 'changed':
      return `${reason.what} changed`;
    case 'event':
      return reason.event < 0 ? 'before the first event' : `event ${count(reason.event)}`;
  }
}

/** The trace line without its prefix: `kvm_mmu_set_spte: gfn 2ced spte …`. */
export function stopText(table: EventSource, event: EventIndex): string {
  return event < 0 ? '' : `${table.name(event)}: ${table.message(event)}`.trimEnd();
}

/** `kvm_mmu_set_spte gfn 1f1a`, `kvm_mmu_pagetable_walk addr 81313ae`, `kvm_exit PF excp` */
export function eventFrame(table: EventSource, event: EventIndex): string {
  const key = keyField(new ArgumentReader(table, event));
  return key ? `${table.name(event)} ${key}` : table.name(event);
}

/** What an argument is called where its format name is clumsy. */
const PLAIN_NAME: Readonly<Record<string, string>> = { fault_address: 'address', cr2_or_gpa: 'address' };

/** The field that tells one event of a kind from another. */
function keyField(args: ArgumentReader): string {
  const hexed = (name: string): string => {
    const value = args.word(name);
    return value === undefined ? '' : `${PLAIN_NAME[name] ?? name} ${hex(value)}`;
  };
  for (const name of ['gfn', 'fault_address', 'cr2_or_gpa', 'addr', 'gpa', 'pte']) {
    const text = hexed(name);
    if (text) return text;
  }
  const reason = args.text('exit_reason') ?? args.text('reason');
  if (reason) return reason;
  const cr = args.num('cr');
  if (cr !== undefined) return `cr${cr}`;
  return hexed('start') || hexed('hva') || hexed('port') || hexed('pferr') || hexed('rip');
}

/** `fault 81313ae U|F` */
export function faultFrame(fault: { readonly address: bigint; readonly error: number }): string {
  return `fault ${hex(fault.address)} ${errorFlags(fault.error)}`.trimEnd();
}

/** The frame of a VM exit: `exit`. What the reason was, the frame's line shows, and {@link exitReason}. */
export function exitFrame(_table: EventSource, _exit: EventIndex): string {
  return 'exit';
}

/** `PF excp`, the reason of an exit; '' where the trace has none */
export function exitReason(table: EventSource, exit: EventIndex): string {
  return new ArgumentReader(table, exit).text('exit_reason') ?? '';
}
