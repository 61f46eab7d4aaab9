import type { EventIndex, Gfn, Role } from '../../engine/ids.js';
import type { Era } from '../../engine/eras.js';
import type { Journal } from '../../engine/journal.js';
import type { Mmu } from '../../engine/mmu.js';
import type { ShadowPages } from '../../engine/pages.js';
import type { Trail } from '../../engine/trail.js';
import type { Vcpu } from '../../engine/vcpu.js';
import { runScenario, type ScenarioRun, type StatementRun } from '../../scenario/run.js';
import { guestLevels, wordOfRole } from '../../scenario/run/pages.js';
import type { EventTable } from '../../trace/table.js';
import type { Kind } from '../../trace/vocabulary.js';
import { Accounts } from '../accounts.js';
import type { History, Notes, TaskPlaces } from '../history.js';
import { featuresOf } from '../features.js';
import type { TaskPlace } from '../tasks.js';
import { scenarioFindings } from './findings.js';
import { ScenarioNotes } from './notes.js';
import { StatementLines } from './statementLines.js';
import { TrailLedTo } from './trailLedTo.js';
import { pidOf, scenarioTable } from './transcript.js';

export { ScenarioError } from '../../scenario/run.js';

/** The run of a scenario as a history: the machine's own journal, where nothing has to be inferred. */
export class ScenarioHistory implements History {
  readonly table: EventTable;
  readonly era: Era;
  readonly journal: Journal;
  readonly pages: ShadowPages;
  readonly mmus: readonly Mmu[];
  readonly vcpus: readonly Vcpu[];
  readonly tasks: TaskPlaces;
  readonly notes: Notes;
  readonly findings: History['findings'];
  readonly accounts = new Accounts();
  readonly ledTo: TrailLedTo;
  readonly trail: Trail;
  readonly knowsAll: boolean;
  readonly statements: StatementLines;

  constructor(
    readonly run: ScenarioRun,
    file: string,
  ) {
    const { machine, happenings, era, trail } = run;
    this.era = era;
    this.journal = machine.journal;
    this.pages = machine.pages;
    this.mmus = [machine.mmu];
    this.vcpus = machine.cpus.map(({ vcpu }) => vcpu);
    this.trail = trail;
    this.ledTo = new TrailLedTo(trail);
    this.knowsAll = true;
    this.statements = new StatementLines(run.statements);
    this.table = scenarioTable(run, file);
    this.table.showIn(this.statements);
    this.tasks = places(happenings.map(({ task }) => task));
    this.notes = new ScenarioNotes(happenings);
    this.findings = scenarioFindings(run, (event) => this.table.name(event));
    for (const happening of happenings) {
      if (happening.kind === 'output') this.accounts.add(happening.announced.output as Kind, 'exact');
    }
  }

  wordOf(role: Role): number {
    return wordOfRole(this.era, role, guestLevels(this.run.machine.cpus[0]));
  }

  get replayed(): number {
    return this.table.length;
  }

  vcpu(vm: number, id: number): Vcpu | undefined {
    return this.vcpus.find((vcpu) => vcpu.vm === vm && vcpu.id === id);
  }

  leafGfn(event: EventIndex): Gfn | -1 {
    const happening = this.run.happenings[event];
    const announced = happening?.kind === 'output' ? happening.announced : undefined;
    return (announced && 'gfn' in announced ? announced.gfn : undefined) ?? -1;
  }

  /** The statement that an event belongs to. */
  statementOf(event: EventIndex): StatementRun | undefined {
    return this.statements.of(event);
  }
}

/** One VM: its vCPUs, and the process that owns it. */
function places(tasks: readonly number[]): TaskPlaces {
  const byPid = new Map<number, TaskPlace>();
  for (const task of new Set(tasks)) byPid.set(pidOf(task), { pid: pidOf(task), vm: 0, vcpu: task < 0 ? undefined : task });
  return { vmCount: 1, all: [...byPid.values()], place: (pid) => byPid.get(pid) };
}

/** How a scenario is to be run; features by name. */
export interface ScenarioOptions {
  readonly kernel?: string | undefined;
  readonly without?: readonly string[] | undefined;
  readonly with?: readonly string[] | undefined;
  readonly invariants?: boolean | undefined;
}

/**
 * Runs a scenario, for everything that can be asked of a history.
 *
 * @throws ScenarioError where the text is no scenario, RangeError where there is no such kernel or feature
 */
export function openScenario(text: string, file: string, options: ScenarioOptions = {}): ScenarioHistory {
  const { kernel, invariants = false } = options;
  const run = runScenario(text, file, {
    ...(kernel !== undefined && { kernel }),
    without: featuresOf(options.without ?? []),
    with: featuresOf(options.with ?? []),
    invariants,
  });
  return new ScenarioHistory(run, file);
}
