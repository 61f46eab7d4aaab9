import { Output, type Announcement, type PageFields } from '../../../src/engine/announcement.js';
import type { Role } from '../../../src/engine/ids.js';
import { PRINTED_FIELDS, roleField } from '../../../src/engine/role.js';
import { scenarioOf } from '../../../src/replay/extract/scenario.js';
import { parse } from '../../../src/scenario/language/parser.js';
import { Machine } from '../../../src/scenario/machine.js';
import { Runner } from '../../../src/scenario/run/runner.js';
import { eraOfProgram } from '../../../src/scenario/run.js';
import type { EventTable } from '../../../src/trace/table.js';
import { Kind, SpSlot, kindOf } from '../../../src/trace/vocabulary.js';

/**
 * Output events of a recording and of a scenario's run as lines that can be compared: without pointers, page frames of shadow pages,
 * times, and memslot generations, which count what user space did before the recording.
 */

const NAMES = new Map(
  ['kvm_mmu_get_page', 'kvm_mmu_sync_page', 'kvm_mmu_unsync_page', 'kvm_mmu_prepare_zap_page'].map((name) => [kindOf(name), name]),
);
const hex = (value: number | bigint | undefined): string => (value === undefined ? '?' : value.toString(16));

function pageLine(kind: number, { gfn, role, generation, rootCount, unsync, created }: PageFields): string {
  const fields = PRINTED_FIELDS.map((field) => `${field} ${field === 'access' ? roleField(role!, field) & 7 : roleField(role!, field)}`);
  const born = kind === Kind.getPage ? (created ? ' new' : ' existing') : '';
  return `${NAMES.get(kind as Kind)} gen ${generation} gfn ${hex(gfn)} ${fields.join(' ')} root ${rootCount} ${unsync ? 'unsync' : 'sync'}${born}`;
}

/** The output events of a range of a recording; empty for what the MMU does not decide. */
export function recordedOutputs(table: EventTable, from: number, to: number): string[] {
  const lines: string[] = [];
  for (let event = from; event <= to; event++) {
    const line = recordedLine(table, event);
    if (line) lines.push(line);
  }
  return lines;
}

function recordedLine(table: EventTable, event: number): string | undefined {
  const num = (slot: number): number => table.num(event, slot);
  const word = (slot: number): bigint => table.word(event, slot);
  const kind = table.kind(event);
  switch (kind) {
    case Kind.getPage:
    case Kind.syncPage:
    case Kind.unsyncPage:
    case Kind.prepareZap:
      return pageLine(kind, {
        generation: num(SpSlot.gen),
        gfn: num(SpSlot.gfn) as PageFields['gfn'],
        role: num(SpSlot.role) as Role,
        rootCount: num(SpSlot.rootCount),
        unsync: num(SpSlot.unsync) === 1,
        created: num(SpSlot.created) === 1,
      });
    case Kind.setSpte:
      return `kvm_mmu_set_spte gfn ${hex(num(0))} spte ${hex(word(1))} index ${Number(word(2) & 0xfffn) / 8} level ${num(3)}`;
    case Kind.spteRequested:
      return `kvm_mmu_spte_requested gfn ${hex(num(0))} pfn ${hex(word(1))} level ${num(2)}`;
    case Kind.markMmio:
      return `mark_mmio_spte gfn ${hex(num(1))} access ${num(2)}`;
    case Kind.checkMmio:
      return `check_mmio_spte ${num(0) === num(1) ? 'valid' : 'not valid'}`;
    case Kind.handleMmio:
      return `handle_mmio_page_fault addr ${hex(word(0))} gfn ${hex(num(1))} access ${num(2)}`;
    case Kind.fastPageFault:
      return `fast_page_fault ${hex(word(1))} error ${num(2)} old ${hex(word(4))} new ${hex(word(5))} ${num(6)} ${num(7)}`;
    case Kind.zapAllFast:
      return `kvm_mmu_zap_all_fast gen ${num(0)} used ${num(1)}`;
    default:
      return undefined;
  }
}

function announcedLine(announced: Announcement): string {
  switch (announced.output) {
    case Output.setSpte:
      return `kvm_mmu_set_spte gfn ${hex(announced.gfn)} spte ${hex(announced.spte.value)} index ${announced.index} level ${announced.level}`;
    case Output.spteRequested:
      return `kvm_mmu_spte_requested gfn ${hex(announced.gfn)} pfn ${hex(announced.pfn)} level ${announced.level}`;
    case Output.markMmio:
      return `mark_mmio_spte gfn ${hex(announced.gfn)} access ${announced.access}`;
    case Output.checkMmio:
      return `check_mmio_spte ${announced.generation === announced.spteGeneration ? 'valid' : 'not valid'}`;
    case Output.handleMmio:
      return `handle_mmio_page_fault addr ${hex(announced.address)} gfn ${hex(announced.gfn)} access ${announced.access}`;
    case Output.fastPageFault: {
      const { address, error, before, after, spurious, fixed } = announced;
      return `fast_page_fault ${hex(address)} error ${error} old ${hex(before.value)} new ${hex(after.value)} ${spurious ? 1 : 0} ${fixed ? 1 : 0}`;
    }
    case Output.zapAllFast:
      return `kvm_mmu_zap_all_fast gen ${announced.generation} used ${announced.usedPages}`;
    case Output.anything:
      throw new Error('a machine leaves nothing open');
    default:
      return pageLine(announced.output, announced.fields);
  }
}

/** What stands before the statements of the range, where it does not begin with the recording. */
export const RANGE_BEGINS = '# The range begins here.';

/** Runs a scenario; the output events of the statements from the beginning of its range on. */
export function runOutputs(text: string): string[] {
  const { program, diagnostics } = parse(text);
  if (diagnostics.length) throw new Error(diagnostics.map(({ line, message }) => `${line}: ${message}`).join('\n'));
  const { era } = eraOfProgram(program);
  const machine = new Machine({ era, maxPages: Infinity });
  const begins = text.split('\n').indexOf(RANGE_BEGINS) + 1;
  const last = program.statements.findLast(({ line }) => line < begins)?.line ?? 0;
  const lines: string[] = [];
  let on = last === 0;
  const runner = new Runner(machine, era);
  const { onEvent } = machine;
  machine.onEvent = (announced) => {
    onEvent(announced);
    if (on) lines.push(announcedLine(announced));
  };
  const before = program.statements.filter(({ line }) => line <= last);
  const after = program.statements.filter(({ line }) => line > last);
  runner.run({ ...program, statements: before });
  on = true;
  runner.run({ ...program, statements: after });
  if (runner.failures.length) throw new Error(runner.failures.map(({ line, message }) => `${line}: ${message}`).join('\n'));
  return lines;
}

/** How much of a sequence comes in another, in the same order: the length of their longest common subsequence. */
export function inCommon(a: readonly string[], b: readonly string[]): number {
  let row = new Uint32Array(b.length + 1);
  for (const line of a) {
    const next = new Uint32Array(b.length + 1);
    for (let j = 0; j < b.length; j++) next[j + 1] = line === b[j] ? row[j]! + 1 : Math.max(row[j + 1]!, next[j]!);
    row = next;
  }
  return row[b.length]!;
}

export interface Comparison {
  readonly text: string;
  readonly recorded: readonly string[];
  readonly run: readonly string[];
  readonly equal: number;
}

/** A range of a recording against the run of the scenario that is made of it. */
export function compared(table: EventTable, from = 0, to = table.length - 1): Comparison {
  const text = `${[...scenarioOf(table, { from, to, vm: 0 })].join('\n')}\n`;
  const recorded = recordedOutputs(table, from, to);
  const run = runOutputs(text);
  return { text, recorded, run, equal: inCommon(recorded, run) };
}
