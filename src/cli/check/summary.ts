import type { Checked } from './checkFile.js';

/** What came of many files. */
export class Summary {
  /** that were checked */
  files = 0;
  /** that are no traces */
  skipped = 0;
  /** the worst exit status */
  status = 0;
  private failed = 0;
  private events = 0;
  private lost = 0;
  private findings = 0;
  private withFindings = 0;
  private readonly outputs = new Map<string, number>();

  add({ status, report }: Checked): void {
    this.files++;
    this.status = Math.max(this.status, status);
    this.events += report.events;
    this.lost += report.lost;
    this.findings += report.findingsTotal;
    if (report.findingsTotal > 0) this.withFindings++;
    for (const tally of Object.values(report.outputs)) {
      for (const [what, count] of Object.entries(tally)) this.outputs.set(what, (this.outputs.get(what) ?? 0) + count);
    }
  }

  /** Something could not be read. */
  fail(): void {
    this.failed++;
    this.status = 2;
  }

  text(): string {
    const { recorded = 0, ...classes } = Object.fromEntries(this.outputs);
    return [
      `${counted(this.files, 'file')}: ${counted(this.events, 'event')}, ${this.lost} lost`,
      `  ${counted(recorded, 'output')}${Object.entries(classes)
        .map(([what, count]) => `  ${count} ${what}`)
        .join('')}`,
      `  ${counted(this.findings, 'finding')} in ${counted(this.withFindings, 'file')}, ${this.failed} could not be read, ${this.skipped} are no traces`,
    ].join('\n');
  }
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
