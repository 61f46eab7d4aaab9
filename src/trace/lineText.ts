import type { Context } from './shape.js';

/** The part of a trace line before the event's name, as `kernel/trace/trace_output.c` of the kernel writes it. */

/** Marks the kernel puts behind the time in latency format. */
export const LATENCY_MARKS = '$@*#!+ ';

const NANOS = 1_000_000_000n;
/** Columns of an event's name with its colon. */
const REPORT_NAME = 21;

export function timeText(context: Context, time: bigint): string {
  switch (context.style) {
    case 'seconds': {
      if (context.nanos) return `${time / NANOS}.${(time % NANOS).toString().padStart(9, '0')}`;
      const micros = toMicros(time);
      return `${micros / 1_000_000n}.${(micros % 1_000_000n).toString().padStart(6, '0')}`;
    }
    case 'ticks':
      return time.toString();
    case 'latency':
      if (context.by) return timeText({ ...context, style: 'seconds' }, time);
      return `${toMicros(time)}us`;
    case 'bare':
      return '';
  }
}

/** What the times of a context count: nanoseconds, or ticks of the clock; undefined where there are none. */
export function timeUnit({ style }: Context): 'ns' | 'ticks' | undefined {
  if (style === 'bare') return undefined;
  return style === 'ticks' ? 'ticks' : 'ns';
}

/** Nanoseconds to microseconds, rounded half up as the kernel does. */
function toMicros(ns: bigint): bigint {
  return (ns + 500n) / 1000n;
}

/** An event's name as it stands before its message. */
export function nameText({ by }: Context, name: string, system?: string): string {
  if (by === 'perf') return `${system === undefined ? '' : `${system}:`}${name}: `;
  return by === 'trace-cmd' ? `${`${name}:`.padEnd(REPORT_NAME)} ` : `${name}: `;
}

/** What `trace-cmd report` puts before an event's name [tracecmd/trace-read.c]. */
function reportPrefix(context: Context, time: bigint): string {
  const { comm, pid, cpu, flags, pidWidth, style } = context;
  const when = timeText(context, time);
  // Seconds are right-aligned in five columns, whatever comes after the point.
  const padded = when.padStart(style === 'ticks' ? 12 : 5 + when.length - when.indexOf('.'));
  const task = String(pid).padEnd(pidWidth);
  if (style === 'latency') return `${comm.slice(0, 8).padStart(8)}-${task} ${String(cpu).padStart(3)}${flags} ${padded}: `;
  const flagged = flags === '' && style === 'ticks' ? '' : ` ${flags === '' ? '' : `${flags} `}`;
  return `${comm.padStart(16)}-${task} [${String(cpu).padStart(3, '0')}]${flagged}${padded}: `;
}

/** What `perf script` puts before an event's name [tools/perf/builtin-script.c]. */
function perfPrefix(context: Context, time: bigint): string {
  const { comm, pid, tgid, cpu, flags } = context;
  const task = tgid === undefined ? String(pid).padStart(7) : `${String(tgid).padStart(7)}/${String(pid).padEnd(7)}`;
  return `${comm.padStart(16)} ${task} [${String(cpu).padStart(3, '0')}] ${flags === '' ? '' : `${flags} `}${timeText(context, time).padStart(12)}: `;
}

export function prefixText(context: Context, time: bigint): string {
  if (context.style === 'bare') return '';
  if (context.by === 'trace-cmd') return reportPrefix(context, time);
  if (context.by === 'perf') return perfPrefix(context, time);
  const pid = String(context.pid).padEnd(context.pidWidth);
  const when = timeText(context, time);
  if (context.style === 'latency') {
    const flags = context.flags.slice(0, -1);
    const mark = context.flags.slice(-1);
    return `${context.comm.slice(0, 8).padStart(8)}-${pid} ${String(context.cpu).padStart(3)}${flags} ${when.padStart(6)}${mark}: `;
  }
  const comm = context.comm.padStart(16);
  const tgid =
    context.tgid === undefined ? '' : `(${(context.tgid < 0 ? '' : String(context.tgid)).padStart(7, context.tgid < 0 ? '-' : ' ')}) `;
  const cpu = `[${String(context.cpu).padStart(3, '0')}] `;
  return `${comm}-${pid} ${tgid}${cpu}${context.flags} ${when.padStart(12)}: `;
}
