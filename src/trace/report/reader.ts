import { startsWith, textOf } from '../bytes.js';
import { parseLatencyPrefix, parsePrefix, skipBlanks, type Prefix } from '../ftrace/prefix.js';
import { PluginTextReader } from './pluginReader.js';
import type { BatchBuilder } from '../batch.js';

const COLON = 0x3a;
const BLANK = 0x20;
const LEFT = 0x28;
/** Names are padded to so many characters, their colon included. */
const NAME_WIDTH = 21;

/** Reads what `trace-cmd report` prints. */
export class ReportReader extends PluginTextReader {
  constructor(builder: BatchBuilder, emit: () => void, file: string, compressed: boolean) {
    super(builder, emit, file, compressed, 'trace-cmd-report', 'trace-cmd');
  }

  protected line(bytes: Uint8Array, from: number, to: number, ended: boolean): boolean {
    if (this.stack && this.#stackLine(this.stack.functions, bytes, from, to)) return true;
    const prefix = this.#prefix(bytes, from, to);
    if (prefix < 0) return this.#otherLine(bytes, from, to);
    this.#event(bytes, this.#after, to, prefix, ended);
    return true;
  }

  /** `cpus=2`, `CPU 1 is empty`, `CPU:1 [646 EVENTS DROPPED]`: what is no event. */
  #otherLine(bytes: Uint8Array, from: number, to: number): boolean {
    const text = textOf(bytes, from, Math.min(to, from + 100)).trimEnd();
    const lost = /^CPU:\d+ \[(?:LOST )?(?:(\d+) )?EVENTS(?: DROPPED)?\]$/.exec(text);
    if (lost) this.loss(lost[1] === undefined ? -1 : Number(lost[1]));
    return lost !== null || /^(?:cpus=\d+|version = .*|CPU \d+ is empty|\s*|.*[uU]nknown event.*|trace-cmd: .*)$/.test(text);
  }

  /** `=> do_syscall_64 (ffffffff81…)`, below a stack event. */
  #stackLine(stack: string[], bytes: Uint8Array, from: number, to: number): boolean {
    const at = skipBlanks(bytes, from, to);
    if (startsWith(bytes, '=> ', at)) {
      stack.push(
        textOf(bytes, at + 3, to)
          .trimEnd()
          .replace(/ \([0-9a-f]+\)$/, ''),
      );
      return true;
    }
    this.endStack();
    return false;
  }

  /** Set by {@link #prefix}: where the event's name begins. */
  #after = 0;

  #prefix(bytes: Uint8Array, from: number, to: number): number {
    const known = this.contexts.recent(bytes, from, to);
    if (known >= 0) {
      this.#after = this.clock.read(bytes, this.contexts.recentEnd, to);
      if (this.#after >= 0 && this.contexts.recentFits(this.clock)) return known;
    }
    const prefix = this.#columns(bytes, from, to) ?? this.#latency(bytes, from, to);
    return prefix ? this.contexts.remember(bytes, from, prefix, this.clock.nanos) : -1;
  }

  #columns(bytes: Uint8Array, from: number, to: number): Prefix | undefined {
    for (let prefix = parsePrefix(bytes, from, to); prefix; prefix = parsePrefix(bytes, from, to, prefix.bracket + 1)) {
      this.#after = this.clock.read(bytes, prefix.flagsTo, to);
      if (this.#after < 0) continue;
      prefix.style = this.clock.ticks ? 'ticks' : 'seconds';
      return prefix;
    }
    return undefined;
  }

  /** `kvmguest-470     0d..1.     7.492017: `, with the option -l. */
  #latency(bytes: Uint8Array, from: number, to: number): Prefix | undefined {
    const prefix = parseLatencyPrefix(bytes, from, to);
    if (!prefix) return undefined;
    this.#after = this.clock.read(bytes, prefix.flagsTo, to);
    return this.#after < 0 || this.clock.ticks ? undefined : prefix;
  }

  /** An event whose name begins at `from`, or behind the time since the last one, with the option --ts-diff. */
  #event(bytes: Uint8Array, start: number, to: number, context: number, ended: boolean): void {
    const from = bytes[start] === BLANK || bytes[start] === LEFT ? behindDifference(bytes, start, to) : start;
    let colon = from;
    while (colon < to && bytes[colon] !== COLON && bytes[colon] !== BLANK) colon++;
    if (colon >= to || bytes[colon] !== COLON || colon === from) {
      if (ended) this.events.nameless(bytes, from, to, context);
      else this.events.half('line whose event has no name yet: it is skipped');
      return;
    }
    let message = Math.min(to, colon + 1);
    while (message < to && bytes[message] === BLANK && message < Math.max(colon + 2, from + NAME_WIDTH + 1)) message++;
    if (/^(?:kernel|user)_stack$/.test(textOf(bytes, from, Math.min(colon, from + 20))) && bytes[message] === 0x3c) {
      this.stack = { cpu: this.contexts.cpuOf(context), functions: [] };
      return;
    }
    this.events.take({ bytes, nameFrom: from, nameTo: colon, message, to, context, ended });
  }
}

/** `(+28)    kvm_entry: `, the column empty at the first event of a CPU: where the name begins. */
function behindDifference(bytes: Uint8Array, from: number, to: number): number {
  let at = skipBlanks(bytes, from, to);
  if (bytes[at] !== LEFT) return at;
  while (at < to && bytes[at] !== BLANK) at++;
  return skipBlanks(bytes, at, to);
}
