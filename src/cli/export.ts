import type { EventIndex } from '../engine/ids.js';
import { COLUMNS } from '../replay/export/columns.js';
import { ExportSource } from '../replay/export/rows.js';
import type { Replay } from '../replay/replay.js';
import { placed } from '../trace/info.js';
import { UsageError, natural, onlyFile, print, type Command, type Options } from './command.js';
import { Target } from './export/target.js';
import { openReplayed } from './opened.js';
import { Progress } from './progress.js';
import type { Progressing } from './replayed.js';
import { requireVm, statusOf, warnWithoutKvm } from './trace.js';

export const exportTable: Command = {
  usage: [
    'export FILE --to OUT.parquet|DIR/ [--kernel ERA] [--without F]… [--vm N] [--text]',
    'events and findings as a table for SQL engines',
  ],
  details,
  takes: ['to', 'kernel', 'without', 'vm', 'text'],
  run: (files, options) => run(onlyFile('export', files), options),
};

async function run(file: string, options: Options): Promise<number> {
  if (options.to === undefined || options.to === '') throw new UsageError(`'export' needs --to OUT.parquet, or a folder`);
  const vm = options.vm === undefined ? undefined : natural('vm', options.vm);
  const target = new Target(options.to, file);
  const progress = new Progress();
  try {
    const onProgress = ({ bytesRead, bytesTotal }: Progressing): void => progress.show('replaying, bytes', bytesRead, bytesTotal);
    const replay = await openReplayed(file, { ...options, verdicts: true, onProgress });
    const { table } = replay;
    requireVm(replay, vm);
    warnWithoutKvm(table);
    const { writeParquet } = await import('./export/parquet.js');
    const rows = writeParquet(
      new ExportSource(replay, options.text),
      rowsOf(replay, vm),
      facts(replay, options),
      (bytes) => target.write(bytes),
      (events) => progress.show('writing', events, table.length),
    );
    const written = target.complete(table.info.kernel.text);
    progress.end();
    const found = replay.findings.filter((finding) => vm === undefined || finding.vm === vm).length;
    print(`${written}: ${rows} events, ${found} finding${found === 1 ? '' : 's'}, ${(target.size / 1e6).toFixed(1)} MB`);
    return found > 0 ? 1 : statusOf(table);
  } finally {
    progress.end();
    target.discard();
  }
}

/** The events that have a row: all, or those of one VM. */
function rowsOf(replay: Replay, vm: number | undefined): (from: number, count: number) => EventIndex[] {
  return (from, count) => {
    const events = Array.from({ length: count }, (_, i) => (from + i) as EventIndex);
    return vm === undefined ? events : events.filter((event) => replay.vmOf(event) === vm);
  };
}

/** What the columns do not say of the trace. */
function facts({ table, era, vms }: Replay, options: Options): Record<string, string> {
  const { file, format, kernel, roles, lost, damaged, notes } = table.info;
  return {
    'shadow-mmu': JSON.stringify({
      file,
      format,
      kernel: kernel.text,
      era: era.name,
      without: options.without ?? [],
      roles,
      events: table.length,
      vms: vms.length,
      lost,
      damaged,
      notes: notes.map(placed),
    }),
  };
}

function details(): string {
  const SQL = { u64: 'UBIGINT', i64: 'BIGINT', u32: 'UINTEGER', i32: 'INTEGER', bool: 'BOOLEAN', text: 'VARCHAR', texts: 'VARCHAR[]' };
  const width = Math.max(...COLUMNS.map(({ name }) => name.length));
  return [
    'One row an event, sorted; every trace has the same columns, null where an event has no such value. A folder as target gets',
    'DIR/kernel=6.1/FILE.parquet, the layout that engines take for partitions. Exit status as of check. The columns:',
    '',
    ...COLUMNS.map(({ name, type, help }) => `  ${name.padEnd(width)}  ${SQL[type].padEnd(9)}  ${help}`),
  ].join('\n');
}
