import { EntryState, Trust, entryState, entryTrust } from '../../../src/engine/entry.js';
import { NO_PAGE, type EventIndex, type PageId, type SpteIndex } from '../../../src/engine/ids.js';
import { PRINTED_MASK } from '../../../src/engine/role.js';
import { State } from '../../../src/engine/state.js';
import { unseenChange } from '../../../src/engine/unseen.js';
import type { Finding } from '../../../src/replay/view.js';
import { Replayer } from '../../../src/replay/replayer.js';
import { scenarioTable, type Transcribed } from '../../../src/replay/scenario/transcript.js';
import type { Machine } from '../../../src/scenario/machine.js';

const ENTRIES = 512;

/** What came of a transcript that was replayed. */
export interface RoundTrip {
  /** states that differ, and findings; in order */
  readonly differences: readonly string[];
  /** entries that the replay holds to be uncertain, of all that were compared */
  readonly doubted: number;
  readonly compared: number;
}

/** Replays the transcript of a run, and compares its state with the machine's own after each event. */
export function roundTrip(machine: Machine, run: Transcribed, most = 8): RoundTrip {
  const table = scenarioTable(run);
  const replay = new Replayer(table);
  const pair = new Pair(machine, replay);
  const differences: string[] = [];
  const say = (event: number, what: string): void => {
    differences.push(`event ${event}, ${table.lineText(event).trim()}: ${what}`);
  };
  if (table.length !== run.happenings.length) return { differences: [`${table.length} events read`], doubted: 0, compared: 0 };
  let findings = 0;
  for (let event = 0; event < table.length && differences.length < most; event++) {
    replay.step();
    const all: readonly Finding[] = replay.findings.all;
    for (; findings < all.length; findings++) say(all[findings]!.event, `finding ${all[findings]!.kind}: ${all[findings]!.message}`);
    for (const difference of pair.after(event as EventIndex)) say(event, difference);
  }
  if (differences.length === 0) {
    for (const [name, { wrong, unpredicted, missing }] of replay.accounts.outputs) {
      if (wrong || unpredicted || missing) differences.push(`${name}: ${wrong} wrong, ${unpredicted} unpredicted, ${missing} missing`);
    }
  }
  return { differences, doubted: pair.doubted, compared: pair.compared };
}

/** The state of a machine's past, and that of a replay now. */
class Pair {
  doubted = 0;
  compared = 0;
  private readonly past: State;
  /** page of the replay by page of the machine, and of the machine by the event of its birth */
  private readonly counterpart = new Map<PageId, PageId>();
  private lastMachine = 0;
  private lastReplay = 0;

  constructor(
    private readonly machine: Machine,
    private readonly replay: Replayer,
  ) {
    this.past = new State(machine.journal);
  }

  *after(event: EventIndex): Generator<string> {
    this.past.seek(event);
    yield* this.births(event);
    yield* this.roots();
    const mmu = this.replay.mmus[0];
    if (!mmu) return;
    const generation = this.machine.mmu.generation(this.past);
    if (generation !== mmu.generation()) yield `generation ${mmu.generation()}, machine ${generation}`;
    for (const [its, page] of this.counterpart) yield* this.page(its, page);
  }

  /** Pages are born by the same events. */
  private *births(event: EventIndex): Generator<string> {
    const { machine, replay } = this;
    const born: PageId[] = [];
    const known: PageId[] = [];
    for (; this.lastMachine < machine.pages.last && machine.pages.born((this.lastMachine + 1) as PageId) <= event; this.lastMachine++) {
      const id = (this.lastMachine + 1) as PageId;
      born.push(id);
    }
    for (; this.lastReplay < replay.pages.last; this.lastReplay++) {
      const id = (this.lastReplay + 1) as PageId;
      known.push(id);
    }
    if (born.length !== known.length) yield `${known.length} pages born, ${born.length} in the machine`;
    for (const [i, id] of born.entries()) if (known[i] !== undefined) this.counterpart.set(id, known[i]);
  }

  private *roots(): Generator<string> {
    const { machine, replay, past } = this;
    for (const { vcpu } of machine.cpus) {
      const other = replay.vcpu(0, vcpu.id);
      const named = (pages: readonly PageId[]): string => pages.map((page) => this.counterpart.get(page) ?? 0).join(' ');
      // Which of a PAE guest's PDPTEs is not present no event tells.
      const present = (page: PageId): boolean => page !== NO_PAGE;
      const wanted = named(vcpu.roots(past).filter(present));
      const found = other?.roots().filter(present).join(' ') ?? '';
      if (found !== wanted) yield `vCPU ${vcpu.id} has roots [${found}], machine [${wanted}]`;
      const before = named(vcpu.previousRoots(past));
      const previous = other?.previousRoots().join(' ') ?? '';
      if (before !== previous) yield `vCPU ${vcpu.id} has previous roots [${previous}], machine [${before}]`;
    }
  }

  private *page(its: PageId, id: PageId): Generator<string> {
    const { machine, replay, past } = this;
    const theirs = machine.pages;
    const { pages, state } = replay;
    const life = theirs.life(past, its);
    if (life !== pages.life(state, id)) yield `page ${id} has life ${pages.life(state, id)}, machine ${life}`;
    if (life === 0 || pages.life(state, id) === 0) {
      if (life === 0) this.counterpart.delete(its);
      return;
    }
    const name = `page ${id} (gfn ${theirs.birth(its).gfn.toString(16)} L${theirs.level(its)})`;
    if (theirs.birth(its).gfn !== pages.gfn(state, id)) yield `${name} has gfn ${pages.gfn(state, id).toString(16)}`;
    const [role, wanted] = [pages.role(state, id) & PRINTED_MASK, theirs.role(past, its) & PRINTED_MASK];
    if (role !== wanted) yield `${name} has role ${role.toString(16)}, machine ${wanted.toString(16)}`;
    if (theirs.isUnsync(past, its) !== pages.isUnsync(state, id)) yield `${name} is ${pages.isUnsync(state, id) ? 'unsync' : 'sync'}`;
    const [count, counted] = [pages.rootCount(state, id), theirs.rootCount(past, its)];
    if (count !== counted) yield `${name} has root_count ${count}, machine ${counted}`;
    for (let index = 0; index < ENTRIES; index++) yield* this.entry(its, id, index as SpteIndex, name);
  }

  private *entry(its: PageId, id: PageId, index: SpteIndex, name: string): Generator<string> {
    const theirCell = this.machine.pages.entryCell(its, index);
    const cell = this.replay.pages.entryCell(id, index);
    const { past } = this;
    const { state } = this.replay;
    const kinds = [entryState(state.tag(cell)), entryState(past.tag(theirCell))];
    if (kinds[0] === EntryState.empty && kinds[1] === EntryState.empty) return;
    this.compared++;
    const found = this.valueOf(kinds[0]!, state, cell, (page) => page);
    const wanted = this.valueOf(kinds[1]!, past, theirCell, (page) => this.counterpart.get(page) ?? NO_PAGE);
    if (found === wanted) return;
    const doubt = unseenChange(this.replay.mmus[0]!, state, id, index);
    const assumed = kinds[0] !== EntryState.empty && entryTrust(state.tag(cell)) === Trust.assumed;
    if (doubt || assumed || kinds[0] === EntryState.unknown) {
      this.doubted++;
      return;
    }
    yield `${name}[${index}] is ${found}, machine ${wanted}`;
  }

  private valueOf(kind: EntryState, state: State, cell: number, pageOf: (page: PageId) => PageId): string {
    const { accessed, dirty } = this.machine.mmu.format;
    switch (kind) {
      case EntryState.empty:
        return 'empty';
      case EntryState.link:
        return `a link to page ${pageOf(state.number(cell) as PageId)}`;
      case EntryState.leaf:
        // Hardware sets these two when it likes.
        return `leaf ${(state.word(cell) & ~(accessed | dirty)).toString(16)}`;
      default:
        return `${kind} ${state.word(cell).toString(16)}`;
    }
  }
}
