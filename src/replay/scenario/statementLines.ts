import type { StatementRun } from '../../scenario/run.js';
import type { LineMap } from '../../trace/table.js';

/** The statements of a run, by event and by line of the scenario. */
export class StatementLines implements LineMap {
  private readonly byLine: readonly StatementRun[];

  constructor(private readonly all: readonly StatementRun[]) {
    this.byLine = [...all].sort((a, b) => a.line - b.line || a.first - b.first);
  }

  of(event: number): StatementRun | undefined {
    return this.all.findLast(({ first }) => first <= event);
  }

  after(statement: StatementRun): StatementRun | undefined {
    return this.all[this.all.indexOf(statement) + 1];
  }

  before(statement: StatementRun): StatementRun | undefined {
    return this.all[this.all.indexOf(statement) - 1];
  }

  lineOf(event: number): number | undefined {
    return this.of(event)?.line;
  }

  /** Where a line is stopped at: its statement, or the next one, has just run. */
  eventAt(line: number): number {
    return this.byLine.find((statement) => statement.line >= line)?.last ?? -1;
  }
}
