import { checkReport, type CheckReport } from '../replay/reports.js';
import { natural, print, type Command, type Options } from './command.js';
import { openForReplay } from './opened.js';
import { forEach, requireVm, statusOf, warnWithoutKvm } from './trace.js';

export const check: Command = {
  usage: [
    'check FILE... [--json] [--kernel ERA] [--without F]… [--vm N] [--invariants] [--max-findings N]',
    'hold the trace against the model',
  ],
  takes: ['json', 'kernel', 'without', 'vm', 'max-findings', 'invariants'],
  run: (files, options) => forEach('check', files, (file) => run(file, options)),
};

async function run(file: string, options: Options): Promise<number> {
  const max = options['max-findings'] === undefined ? 1000 : natural('max-findings', options['max-findings']);
  const vm = options.vm === undefined ? undefined : natural('vm', options.vm);
  const started = process.hrtime.bigint();
  const { table, replay } = await openForReplay(file, options);
  replay.advance(table.length);
  requireVm(replay, vm);
  const invariants = options.invariants ? replay.checkInvariants(vm) : undefined;
  warnWithoutKvm(table);
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  const report = checkReport(replay, seconds, max, vm, invariants);
  print(options.json ? JSON.stringify(report) : checkText(report));
  return report.findingsTotal > 0 ? 1 : statusOf(table);
}

function checkText(report: CheckReport): string {
  const lines = [
    `${report.file}: ${report.format}, kernel ${report.kernel || 'unknown'}, roles ${report.roles}; ${report.events} events, ${report.lost} lost, ${report.vms} VM, ${report.vcpus} vCPU`,
    ...Object.entries(report.outputs).map(
      ([name, tally]) =>
        `  ${name.padEnd(26)}${Object.entries(tally)
          .map(([what, count]) => `${count} ${what}`)
          .join('  ')}`,
    ),
    ...Object.entries(report.invariants ?? {}).map(
      ([number, { checked, unknown, violated }]) =>
        `  I-${number.padEnd(24)}${checked} checked  ${unknown} not checkable  ${violated} violated`,
    ),
    ...report.notes.map((note) => `  note: ${note}`),
    ...report.findings.map(
      (finding) =>
        `  event ${finding.event}${finding.line === undefined ? '' : ` (line ${finding.line})`} ${finding.time} ${finding.kind}: ${finding.message}`,
    ),
    `  ${report.findingsTotal} finding${report.findingsTotal === 1 ? '' : 's'}, ${report.seconds} s`,
  ];
  return lines.join('\n');
}
