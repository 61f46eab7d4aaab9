import type { CheckReport } from '../../replay/reports.js';

/** What `check` prints of a file for people. */
export function checkText(report: CheckReport): string {
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
