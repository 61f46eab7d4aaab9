import { secondsToHalves } from '../clock.js';
import { textOf } from '../bytes.js';
import { skipBlanks } from '../ftrace/prefix.js';
import { PluginTextReader } from '../report/pluginReader.js';
import type { BatchBuilder } from '../batch.js';

/**
 * `CPU 0/KVM  4361/4370  [001] .....  1234.567890:          1 kvmmmu:kvm_mmu_get_page: `, from the task's name, which may hold anything, to
 * where the message begins. All but the name, the thread and the event's name can be left out with `-F`.
 */
const LINE =
  /^\s*(?<comm>\S.*?)\s+(?:(?<pid>\d+)\/)?(?<tid>-?\d+)\s+(?:\[(?<cpu>\d+)\]\s+)?(?:(?<flags>[.a-zA-Z][.a-zA-Z0-9]{3,7})\s+)?(?:(?<seconds>\d+)\.(?<fraction>\d{6}|\d{9}):\s+)?(?:\d+\s+)?(?<name>[a-zA-Z_][\w-]*:[a-zA-Z_]\w*):(?: |$)/;
/** `ffffffffc0a1b2c3 kvm_mmu_load+0x1f3 ([kernel.kallsyms])` */
const FRAME = /^\s+[0-9a-f]+ (.+?)(?:\+0x[0-9a-f]+)?(?: \([^()]*\))?\s*$/;
/** Other records, with `--show-task-events` and the like: no tracepoints */
const RECORD = /\bPERF_RECORD_[A-Z0-9_]+/;
const LOST = /PERF_RECORD_LOST\S* lost (\d+)|\bLOST (\d+)\b/;
/** Longer than the columns of any line. */
const LONGEST_HEAD = 400;

/** Reads what `perf script` prints for tracepoints. Call chains below an event become its stack; an empty line ends them. */
export class PerfReader extends PluginTextReader {
  readonly #contexts = new Map<string, number>();
  readonly #cpus: number[] = [];

  constructor(builder: BatchBuilder, emit: () => void, file: string, compressed: boolean) {
    super(builder, emit, file, compressed, 'perf-script', 'perf');
  }

  protected line(bytes: Uint8Array, from: number, to: number, ended: boolean): boolean {
    const head = textOf(bytes, from, Math.min(to, from + LONGEST_HEAD));
    if (head.startsWith('#')) return true;
    const match = LINE.exec(head);
    if (match) return this.#event(match, head, bytes, from, to, ended);
    const frame = this.stack && FRAME.exec(head);
    if (frame) {
      this.stack!.functions.push(frame[1]!);
      return true;
    }
    this.endStack();
    const lost = LOST.exec(head);
    if (lost) this.loss(Number(lost[1] ?? lost[2]));
    return lost !== null || RECORD.test(head);
  }

  #event(match: RegExpExecArray, head: string, bytes: Uint8Array, from: number, to: number, ended: boolean): boolean {
    const { seconds, fraction = '', name } = match.groups as { seconds?: string; fraction?: string; name: string };
    this.endStack();
    this.clock.low = 0;
    this.clock.high = 0;
    // No clock counts so many seconds; a damaged one has no time.
    if (seconds !== undefined && Number(seconds) < 0x1_0000_0000) {
      secondsToHalves(Number(seconds), Number(fraction.padEnd(9, '0')), this.clock);
    }
    // Names of tasks may be of more bytes than characters.
    const encoded = (end: number): number => from + Buffer.byteLength(head.slice(0, end));
    const colon = encoded(match[0].lastIndexOf(':'));
    const context = this.#context(match.groups!, seconds !== undefined, fraction.length === 9);
    this.stack = { cpu: this.#cpus[context]!, functions: [] };
    let message = Math.min(to, colon + 1 + (bytes[colon + 1] === 0x20 ? 1 : 0));
    // An empty column for what kind of branch it was, with `-F +flags`; a message has one blank before it at most.
    const text = skipBlanks(bytes, message, to);
    if (text - message > 1) message = text;
    this.events.take({ bytes, nameFrom: colon - name.length, nameTo: colon, message, to, context, ended });
    return true;
  }

  #context(groups: Record<string, string | undefined>, timed: boolean, nanos: boolean): number {
    const { comm = '', pid, tid, cpu = '0', flags = '' } = groups;
    const key = `${pid ?? ''}/${tid ?? ''} ${cpu} ${flags} ${timed ? 1 : 0}${nanos ? 1 : 0} ${comm}`;
    let id = this.#contexts.get(key);
    if (id === undefined) {
      id = this.builder.context({
        pid: Number(tid),
        comm,
        tgid: pid === undefined ? undefined : Number(pid),
        cpu: Number(cpu),
        flags,
        style: timed ? 'seconds' : 'bare',
        pidWidth: 7,
        by: 'perf',
        ...(nanos ? { nanos } : {}),
      });
      this.#contexts.set(key, id);
      this.#cpus[id] = Number(cpu);
    }
    return id;
  }
}
