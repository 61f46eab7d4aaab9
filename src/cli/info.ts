import { Tasks, vcpusOf } from '../replay/tasks.js';
import { summarize, type InfoReport } from '../trace/info.js';
import type { EventTable } from '../trace/table.js';
import { print, warn, type Command, type Options } from './command.js';
import type { MemoryLimit } from '../replay/memoryLimit.js';
import type { TaskPlaces } from '../replay/history.js';
import { isScenario, openFile } from './opened.js';
import { forEach, memoryLimit, readShort, readTrace, statusOf, warnWithoutKvm } from './trace.js';

export const info: Command = {
  usage: ['info FILE... [--memory-limit MB] [--json]', 'what the trace holds'],
  takes: ['json', 'memory-limit'],
  run: (files, options) => forEach('info', files, (file) => run(file, options)),
};

async function run(file: string, options: Options): Promise<number> {
  const limit = memoryLimit(options);
  const { table, tasks } = isScenario(file) ? await ranScenario(file, options) : await readOnly(file, limit);
  warnWithoutKvm(table);
  const short = readShort(table, limit);
  if (short !== undefined) warn(short);
  const vms = Array.from({ length: tasks.vmCount }, (_, vm) => vcpusOf(tasks.all, vm));
  const vcpus = vms.flat().map(({ pid, vcpu, vm }) => ({ pid, vcpu, vm }));
  const { notes, ...facts } = summarize(table);
  const report = { ...facts, vcpus, notes };
  print(options.json ? JSON.stringify(report) : infoText(report));
  return short === undefined ? statusOf(table) : 1;
}

/** Which tasks are vCPUs the events themselves tell, without the engine. */
async function readOnly(file: string, limit: MemoryLimit): Promise<{ table: EventTable; tasks: Tasks }> {
  const table = await readTrace(file, limit);
  const tasks = new Tasks(table);
  tasks.seeAll();
  return { table, tasks };
}

async function ranScenario(file: string, options: Options): Promise<{ table: EventTable; tasks: TaskPlaces }> {
  const { table, history } = await openFile(file, options);
  return { table, tasks: history.tasks };
}

function infoText(report: InfoReport & { vcpus: { pid: number; vcpu: number; vm: number }[] }): string {
  return [
    `${report.file}: ${report.format}, kernel ${report.kernel || 'unknown'}, roles ${report.roles}`,
    `  ${report.events} events${report.first === null ? '' : `, ${report.first} to ${report.last}`}; ${report.lost} lost`,
    ...report.tasks.map(({ pid, comm, events }) => {
      const vcpu = report.vcpus.find((each) => each.pid === pid);
      return `  ${comm}-${pid}: ${events} events${vcpu ? `, VM ${vcpu.vm} vCPU ${vcpu.vcpu}` : ''}`;
    }),
    ...Object.entries(report.byName).map(([name, count]) => `  ${String(count).padStart(9)} ${name}`),
    ...report.notes.map((note) => `  note: ${note}`),
  ].join('\n');
}
