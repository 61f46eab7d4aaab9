import { summarize, type InfoReport } from '../trace/info.js';
import { print, type Command, type Options } from './command.js';
import { openFile } from './opened.js';
import { forEach, statusOf, warnWithoutKvm } from './trace.js';

export const info: Command = {
  usage: ['info FILE... [--json]', 'what the trace holds'],
  takes: ['json'],
  run: (files, options) => forEach('info', files, (file) => run(file, options)),
};

async function run(file: string, options: Options): Promise<number> {
  const { table, replay } = await openFile(file, options);
  replay.advance(table.length);
  warnWithoutKvm(table);
  const vcpus = replay.vms.flatMap((each) => each.vcpus.map(({ pid, vcpu, vm }) => ({ pid, vcpu, vm })));
  const { notes, ...facts } = summarize(table);
  const report = { ...facts, vcpus, notes };
  print(options.json ? JSON.stringify(report) : infoText(report));
  return statusOf(table);
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
