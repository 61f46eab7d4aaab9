/**
 * The messages for traces that cannot be read: what is wrong, where, what to do. One catalogue, so that the command line, the adapter
 * and the editor say the same.
 */
export type TraceErrorCode =
  | 'missing'
  | 'denied'
  | 'directory'
  | 'special'
  | 'unreadable'
  | 'shrunk'
  | 'empty'
  | 'not-a-trace'
  | 'other-format'
  | 'perf-data'
  | 'report-form'
  | 'dat-version'
  | 'dat-damaged'
  | 'compression';

/** Nothing of a file can be read as a trace. */
export class TraceError extends Error {
  override readonly name = 'TraceError';

  constructor(
    readonly code: TraceErrorCode,
    readonly file: string,
    what: string,
    advice: string,
    readonly offset?: number,
  ) {
    super(`${file}${offset === undefined ? '' : `, byte ${offset}`}: ${what}; ${advice}`);
  }

  /** An error again after it crossed a thread, where only plain data goes. */
  static revive(plain: PlainTraceError): TraceError {
    const error = new TraceError(plain.code, plain.file, '', '', plain.offset);
    error.message = plain.message;
    return error;
  }

  get plain(): PlainTraceError {
    return { code: this.code, file: this.file, message: this.message, offset: this.offset };
  }
}

export interface PlainTraceError {
  readonly code: TraceErrorCode;
  readonly file: string;
  readonly message: string;
  readonly offset: number | undefined;
}

const RECORD = 'record one with `trace-cmd record -e kvmmmu -e kvm`, or save /sys/kernel/tracing/trace';

export const traceErrors = {
  missing: (file: string) => new TraceError('missing', file, 'there is no such file', 'check the path'),
  denied: (file: string) =>
    new TraceError('denied', file, 'this user may not read it', 'traces are often written by root: change its owner or mode'),
  directory: (file: string) => new TraceError('directory', file, 'is a directory', 'name the trace file in it'),
  special: (file: string) => new TraceError('special', file, 'is not a regular file', 'copy it to a file first, for example with `cat`'),
  unreadable: (file: string, why: string) => new TraceError('unreadable', file, `cannot be read (${why})`, 'check the disk and the path'),
  shrunk: (file: string, line: number) =>
    new TraceError('shrunk', file, `has no line ${line} any more`, 'it was changed after it was opened: debug it again'),
  empty: (file: string) => new TraceError('empty', file, 'is empty', `${RECORD}`),
  notATrace: (file: string) => new TraceError('not-a-trace', file, 'is neither a trace.dat file nor the text of a kernel trace', RECORD, 0),
  otherFormat: (file: string, format: string) => new TraceError('other-format', file, `is ${format}, not a trace`, RECORD, 0),
  perfData: (file: string) =>
    new TraceError('perf-data', file, 'is a perf.data file, which is not read', 'print it with `perf script` and open that text', 0),
  rawReport: (file: string, line: number) =>
    new TraceError(
      'report-form',
      file,
      `line ${line} gives fields by name, as \`trace-cmd report -R\` does, which cannot be read back`,
      'print it without -R (-N gives whole roles), or open the trace.dat it was made from',
    ),
  mixedReport: (file: string) =>
    new TraceError('report-form', file, 'is a report of several files at once', 'print or open each of them by itself'),
  perfWithoutTask: (file: string) =>
    new TraceError(
      'report-form',
      file,
      'is text of perf script that does not say which thread an event is of',
      'print it with `perf script -F comm,tid,cpu,time,event,trace`',
    ),
  datVersion: (file: string, version: string) =>
    new TraceError(
      'dat-version',
      file,
      `is a trace.dat file of version ${version}`,
      'versions 6 and 7 are read: `trace-cmd convert` makes them',
      10,
    ),
  datDamaged: (file: string, what: string, offset: number) =>
    new TraceError('dat-damaged', file, what, 'copy or record the file again', offset),
  packedLatency: (file: string, offset: number) =>
    new TraceError(
      'dat-damaged',
      file,
      'holds the compressed text of a latency tracer instead of events',
      'unpack it with `trace-cmd convert --compression none`',
      offset,
    ),
  compression: (file: string, what: string, offset?: number) =>
    new TraceError('compression', file, what, 'the compressed file is cut or damaged: copy it again', offset),
} as const;
