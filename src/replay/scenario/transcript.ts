import { Output, type Announcement, type PageFields } from '../../engine/announcement.js';
import { FEATURE_NAMES, type Feature } from '../../engine/features.js';
import type { Pfn } from '../../engine/ids.js';
import { NX } from '../../engine/spte.js';
import { HOST, type Happening, type InputHappening, type OutputHappening } from '../../scenario/happening.js';
import type { ScenarioRun } from '../../scenario/run.js';
import { KernelWriter, textKernelOf, type EventFields } from '../../trace/kernelWriter.js';
import type { EventTable } from '../../trace/table.js';
import { columnHeader, scenarioHeader } from '../../trace/ftrace/heading.js';
import { tableOf } from '../../trace/textTable.js';
import type { Context } from '../../trace/shape.js';

const VMM = 1000;
const PID_WIDTH = 7;
const NANOSECONDS = 1000n;
/** where KVM sees all of the host's memory */
const DIRECT_MAP = 0xffff_8880_0000_0000n;
const USER = 1n << 2n;
const VALID_FAULT = 0x8000_0b0en;

type Event = readonly [name: string, fields: EventFields];

/** What is needed of a run: one of a scenario, or of anything else that a machine did. */
export type Transcribed = Pick<ScenarioRun, 'era' | 'without' | 'with' | 'happenings'>;

/** All that took place in a run, as the kernel's `trace` file would print it. */
export function transcript(run: Transcribed): string {
  const { era, happenings } = run;
  const writer = new KernelWriter(textKernelOf(era));
  const cpus = Math.max(0, ...happenings.map(({ task }) => task)) + 1;
  const lines = happenings.map((happening, i) => {
    const [name, fields] = eventOf(happening, writer);
    return writer.line(contextOf(happening.task, writer), BigInt(i + 1) * NANOSECONDS, name, fields);
  });
  const byOrder = (features: readonly Feature[]): Feature[] => FEATURE_NAMES.filter((name) => features.includes(name));
  const header = [
    '# tracer: nop',
    scenarioHeader({ kernel: era.name, without: byOrder(run.without), with: byOrder(run.with) }),
    ...columnHeader(lines.length, cpus, writer.flags.length),
  ];
  return `${[...header, ...lines].join('\n')}\n`;
}

/** The events of a run as a table, like that of a trace which is the run's transcript. */
export function scenarioTable(run: Transcribed, file = 'scenario'): EventTable {
  return tableOf(transcript(run), file);
}

/** Number of a task's thread. */
export function pidOf(task: number): number {
  return task === HOST ? VMM : VMM + 1 + task;
}

/** Thread of a task: QEMU's names for them. */
function contextOf(task: number, { flags }: KernelWriter): Context {
  const host = task === HOST;
  return {
    pid: pidOf(task),
    comm: host ? 'qemu' : `CPU ${task}/KVM`,
    tgid: undefined,
    cpu: host ? 0 : task,
    flags,
    style: 'seconds',
    pidWidth: PID_WIDTH,
  };
}

function eventOf(happening: Happening, writer: KernelWriter): Event {
  switch (happening.kind) {
    case 'marker':
      return ['tracing_mark_write', { message: `${happening.line}: ${happening.text}` }];
    case 'input':
      return inputOf(happening, writer);
    case 'output':
      return outputOf(happening, writer);
  }
}

function inputOf(input: InputHappening, { kernel }: KernelWriter): Event {
  const { name, task: vcpu_id } = input;
  switch (name) {
    case 'kvm_exit': {
      const { reason: exit_reason, rip: guest_rip, info1, info2 } = input;
      return [name, { vcpu_id, exit_reason, guest_rip, info1, info2, intr_info: 0, error_code: 0 }];
    }
    case 'kvm_entry': {
      const { rip, injects } = input;
      if (injects === undefined || kernel !== '7.2') return [name, { vcpu_id, rip }];
      return [name, { vcpu_id, rip, ...injected(injects) }];
    }
    case 'kvm_page_fault': {
      const fault = { fault_address: input.address, error_code: input.error };
      return [name, kernel === '5.10' ? fault : { vcpu_id, guest_rip: input.rip, ...fault }];
    }
    case 'kvm_mmu_pagetable_walk':
      return [name, { addr: input.address, pferr: input.error }];
    case 'kvm_mmu_paging_element':
      return [name, { pte: input.gpte, level: input.level }];
    case 'kvm_mmu_set_accessed_bit':
    case 'kvm_mmu_set_dirty_bit':
      return [name, { gpa: input.gpa }];
    case 'kvm_mmu_walker_error':
      return [name, { pferr: input.error }];
    case 'kvm_inj_exception':
      return [name, { exception: input.vector, has_error: true, error_code: input.error, reinjected: false }];
    case 'kvm_emulate_insn':
      return [name, { csbase: 0, rip: input.rip, ...instruction(input.bytes), mode: input.mode, failed: false }];
    case 'kvm_page_track_write':
      return [name, { gpa: input.gpa, bytes: input.bytes, new: input.value }];
    case 'vcpu_match_mmio':
      return [name, { gva: input.gva, gpa: input.gpa, write: input.write, gpa_match: input.gpaMatch }];
    case 'kvm_mmio':
      return [name, { type: input.type, len: input.bytes, gpa: input.gpa, val: input.value }];
    case 'kvm_userspace_exit':
      return [name, { reason: input.reason }];
    case 'kvm_cr':
      return [name, { rw: true, cr: input.cr, val: input.value }];
    case 'kvm_unmap_hva_range':
      return [name, { start: input.start, end: input.end }];
    case 'kvm_set_spte_hva':
      return [name, { hva: input.hva }];
  }
}

function injected(error: number): EventFields {
  return { intr_info: VALID_FAULT, error_code: error };
}

/** The first 8 bytes, and the rest. */
function instruction(bytes: readonly number[]): EventFields {
  const word = (from: number): bigint =>
    bytes.slice(from, from + 8).reduce((value, byte, i) => value | (BigInt(byte) << BigInt(8 * i)), 0n);
  return { len: bytes.length, insn: word(0), insn_hi: word(8) };
}

function outputOf({ announced, frame, index }: OutputHappening, { kernel }: KernelWriter): Event {
  const physical = frame === undefined ? 0n : placeOf(frame, index);
  switch (announced.output) {
    case Output.getPage:
      return ['kvm_mmu_get_page', { ...pageFields(announced.fields), created: announced.fields.created }];
    case Output.syncPage:
      return ['kvm_mmu_sync_page', pageFields(announced.fields)];
    case Output.unsyncPage:
      return ['kvm_mmu_unsync_page', pageFields(announced.fields)];
    case Output.prepareZap:
      return ['kvm_mmu_prepare_zap_page', pageFields(announced.fields)];
    case Output.setSpte: {
      const { value: spte } = announced.spte;
      const letters = { r: true, x: !(spte & NX), u: spte & USER ? 1 : 0 };
      return ['kvm_mmu_set_spte', { gfn: announced.gfn, spte, sptep: physical, level: announced.level, ...letters }];
    }
    case Output.spteRequested: {
      const { gfn, pfn, level, access } = announced;
      return ['kvm_mmu_spte_requested', { gfn, pfn, level, ...(kernel === '7.2' ? { access } : {}) }];
    }
    case Output.markMmio:
      return ['mark_mmio_spte', { sptep: DIRECT_MAP + physical, gfn: announced.gfn, access: announced.access, gen: announced.generation }];
    case Output.checkMmio:
      return ['check_mmio_spte', { kvm_gen: announced.generation, spte_gen: announced.spteGeneration, spte: announced.spte }];
    case Output.handleMmio:
      return ['handle_mmio_page_fault', { addr: announced.address, gfn: announced.gfn, access: announced.access }];
    case Output.fastPageFault:
      return [
        'fast_page_fault',
        {
          vcpu_id: announced.vcpu,
          cr2_or_gpa: announced.address,
          error_code: announced.error,
          sptep: DIRECT_MAP + physical,
          old_spte: announced.before.value,
          new_spte: announced.after.value,
          spurious: announced.spurious,
          fixed: announced.fixed,
        },
      ];
    case Output.zapAllFast:
      return ['kvm_mmu_zap_all_fast', { mmu_valid_gen: announced.generation, mmu_used_pages: announced.usedPages }];
    case Output.anything:
      throw new Error(`${describe(announced)} is no event`);
  }
}

function describe(announced: Announcement): string {
  return `an announcement with the reservation '${announced.maybe ?? ''}'`;
}

function pageFields({ gfn, role, generation, rootCount, unsync }: PageFields): EventFields {
  return { mmu_valid_gen: generation, gfn, role, root_count: rootCount, unsync };
}

/** Physical address of an SPTE, bytes. */
function placeOf(frame: Pfn, index: number): bigint {
  return BigInt(frame) * 4096n + BigInt(Math.max(index, 0) * 8);
}
