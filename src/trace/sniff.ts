import { startsWith, textOf } from './bytes.js';
import type { TraceFormat } from './info.js';
import { kindOf, Kind } from './vocabulary.js';
import { traceErrors, type TraceError } from './errors.js';

/** What the first bytes of a file show. */
export type Wrapping = 'gzip' | 'zstd' | 'none';

/** Bytes that are enough to tell the formats apart. */
export const SNIFF_BYTES = 64 * 1024;

export function wrappingOf(head: Uint8Array): Wrapping {
  if (startsWith(head, [0x1f, 0x8b])) return 'gzip';
  if (startsWith(head, [0x28, 0xb5, 0x2f, 0xfd])) return 'zstd';
  return 'none';
}

/** `17 08 44 "tracing"` */
const DAT_MAGIC = [0x17, 0x08, 0x44, 0x74, 0x72, 0x61, 0x63, 0x69, 0x6e, 0x67];

const OTHERS: readonly (readonly [magic: string | readonly number[], what: string])[] = [
  [[0x89, 0x50, 0x4e, 0x47], 'a PNG picture'],
  [[0xff, 0xd8, 0xff], 'a JPEG picture'],
  [[0xff, 0xfe], 'text in UTF-16 (save it as UTF-8)'],
  ['GIF8', 'a GIF picture'],
  [[0x7f, 0x45, 0x4c, 0x46], 'an ELF program or object'],
  ['%PDF', 'a PDF document'],
  [[0x50, 0x4b, 0x03, 0x04], 'a ZIP archive (unpack it first)'],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], 'an xz file (unpack it first; .gz and .zst can stay packed)'],
  ['BZh', 'a bzip2 file (unpack it first; .gz and .zst can stay packed)'],
  [[0x04, 0x22, 0x4d, 0x18], 'an lz4 file (unpack it first; .gz and .zst can stay packed)'],
  [[0xd4, 0xc3, 0xb2, 0xa1], 'a network capture (pcap)'],
  [[0xa1, 0xb2, 0xc3, 0xd4], 'a network capture (pcap)'],
  [[0x0a, 0x0d, 0x0d, 0x0a], 'a network capture (pcapng)'],
  [[0xc1, 0x1f, 0xfc, 0xc1], 'a CTF trace'],
  ['SQLite format 3', 'a SQLite database'],
  ['PAR1', 'a Parquet table'],
];

const COLUMNS = /^\s*\S.*-\d+\s+(?:\([ \d-]+\) )?\[\d+\] /;
const TIME = /\s(?:\d+\.\d+|\d+): /;
const LATENCY = /^.{1,8}-\d+ +\d+\S{4,8} +\d+us.: /;
/** `qemu 1234/1234 [001] 12.345678: kvmmmu:kvm_mmu_get_page: …` */
const PERF = /^\s*\S.*\s\d+(?:\/\d+)?\s+(?:\[\d+\].*\s)?\d+\.\d+:\s+(?:\d+\s+)?[a-z_0-9-]+:[a-z_0-9]+:(?: |$)/;
const PERF_WITHOUT_TASK = /^\s*(?:\[\d+\]\s+)?\d+\.\d+:\s+(?:\d+\s+)?kvm(?:mmu)?:[a-z_0-9]+:(?: |$)/m;
/** trace-cmd report pads the event's name to 20 columns, the kernel never does */
const REPORT = /\s\d+\.\d+: [a-z_0-9]+:\s{2,}\S/;
/** Every file's `cpus=` after its name */
const MIXED_REPORT = /^ *\S.*: +cpus=\d+\s*$/m;
/** Events other than those about pages, whose print fmt the report always makes something of */
const RAW_EVENT = /\bkvm_(?:entry|exit|page_fault|mmu_(?:set_spte|spte_requested|pagetable_walk|paging_element)): +(?<field>\w+=)?/;

/** What the content is, or why it is none of ours. `head` is the beginning of the unpacked file. */
export function formatOf(head: Uint8Array, file: string): TraceFormat | TraceError {
  if (head.length === 0) return traceErrors.empty(file);
  if (startsWith(head, DAT_MAGIC.slice(0, Math.max(3, Math.min(head.length, DAT_MAGIC.length))))) return 'trace-dat';
  if (startsWith(head, 'PERFILE2')) return traceErrors.perfData(file);
  for (const [magic, what] of OTHERS) if (startsWith(head, magic)) return traceErrors.otherFormat(file, what);
  return textFormat(textOf(head), file);
}

function textFormat(text: string, file: string): Exclude<TraceFormat, 'trace-dat'> | TraceError {
  if (/^(?:# *)?cpus=\d+\s*$/m.test(text.slice(0, 4096))) return rawReport(text, file) ?? 'trace-cmd-report';
  if (MIXED_REPORT.test(text.slice(0, 4096))) return traceErrors.mixedReport(file);
  if (/^# tracer: /m.test(text)) return 'ftrace-text';
  let report = 0;
  let ftrace = 0;
  for (const line of text.split(/\r?\n/)) {
    if (PERF.test(line)) return 'perf-script';
    if ((COLUMNS.test(line) && TIME.test(line)) || LATENCY.test(line)) {
      if (REPORT.test(line)) report++;
      else ftrace++;
    } else if (/^CPU:\d+ \[LOST/.test(line)) ftrace++;
    else if (kindOf(/^(\w+): /.exec(line)?.[1] ?? '') !== Kind.other) ftrace++;
  }
  if (report > ftrace / 4) return rawReport(text, file) ?? 'trace-cmd-report';
  if (ftrace === 0 && PERF_WITHOUT_TASK.test(text)) return traceErrors.perfWithoutTask(file);
  return ftrace > 0 ? 'ftrace-text' : traceErrors.notATrace(file);
}

/** A report printed with -R. With `-r EVENTS` only some events are raw: those are kept as text. */
function rawReport(text: string, file: string): TraceError | undefined {
  let first = 0;
  for (const [i, line] of text.split('\n').entries()) {
    const event = RAW_EVENT.exec(line);
    if (event && !event.groups!['field']) return undefined;
    if (event && first === 0) first = i + 1;
  }
  return first > 0 ? traceErrors.rawReport(file, first) : undefined;
}
