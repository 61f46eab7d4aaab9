import type { EventIndex } from '../../engine/ids.js';
import type { EventTable } from '../../trace/table.js';
import { Replayer } from '../replayer.js';
import { doingText, type Doing, type Entry, type ScenarioMode } from './doings.js';
import { Extractor, type Group } from './extractor.js';
import { memorySlots } from './memorySlots.js';
import { placeSlotChanges } from './slotChanges.js';
import { Survey } from './survey.js';

export { ScenarioRefusal } from './survey.js';

export interface Range {
  /** first and last event, both included */
  readonly from: number;
  readonly to: number;
  readonly vm: number;
  readonly kernel?: string;
}

const PAGE = 4096;

/** What the guest and the host of one VM did in a range of a recording, as lines of a `.mmu` scenario. */
export function* scenarioOf(table: EventTable, range: Range): Generator<string> {
  const replay = new Replayer(table, { kernel: range.kernel });
  const extractor = new Extractor(replay, range.vm, range.from);
  const survey = new Survey(replay, range);
  survey.begin();
  for (let event = 0; event <= range.to; event++) {
    if (event === range.from && event > 0) extractor.begin();
    replay.step();
    survey.take(event as EventIndex);
    extractor.following.take(event as EventIndex);
  }
  survey.done();
  extractor.finish(range.to as EventIndex);
  yield* new Printer(table, range, replay, extractor).lines();
}

class Printer {
  private mode: ScenarioMode | undefined;
  private vcpu: number | undefined;

  constructor(
    private readonly table: EventTable,
    private readonly range: Range,
    private readonly replay: Replayer,
    private readonly extractor: Extractor,
  ) {}

  *lines(): Generator<string> {
    yield* this.header();
    yield* this.memory();
    yield* this.prelude();
    for (const group of this.extractor.groups) yield* this.group(group);
  }

  private *header(): Generator<string> {
    const { table, range, replay } = this;
    const { info } = table;
    yield `# The guest's and the host's doings in events ${range.from} to ${range.to} of ${info.file.replace(/^.*\//, '')}`;
    yield `# (kernel ${info.kernel.text || 'not named'}, VM ${range.vm}), as a scenario.`;
    yield '#';
    yield '# Assumed: memory slots are as large as what was touched; an entry that was seen for the first time had been so before;';
    yield '# a change that KVM did not see came just before it showed, or before the flush of the TLB that made it count.';
    yield '';
    yield `kernel ${replay.era.name}`;
  }

  private *memory(): Generator<string> {
    const { host, registers, initial } = this.extractor;
    yield '';
    yield '# Memory slots, and the page frames that the host gave';
    const { groups, zaps } = this.extractor;
    for (const slot of placeSlotChanges(memorySlots(host), host, groups, zaps)) yield this.text({ kind: 'slot', ...slot });
    const { pdpts } = registers;
    if (pdpts.length) {
      const first = pdpts[0]!.cr3 / PAGE;
      yield '# no event shows where the page-directory-pointer tables lie: they are put here';
      yield this.text({ kind: 'slot', name: 'pdpt', first, last: first + pdpts.length - 1, large: false });
    }
    yield* this.frames(host.first);
    yield '';
    yield "# The guest's page tables, as far as they showed, and its vCPU";
    for (const { cr3, gfns } of pdpts) {
      for (const [slot, gfn] of gfns.entries()) {
        if (gfn !== undefined) yield this.text({ kind: 'set', gpa: cr3 + slot * 8, bytes: 8, value: BigInt(gfn * PAGE) | 1n });
      }
    }
    const [first] = this.extractor.prelude ? [] : this.extractor.groups;
    const vcpu = first?.before.length === 0 && first.doings.length === 1 ? first.doings[0] : undefined;
    if (vcpu?.kind === 'vcpu') yield* this.group(this.extractor.groups.shift()!);
    if (initial.length) yield '';
    yield* this.tables(initial);
  }

  /** What there was before the range, and where it begins. */
  private *prelude(): Generator<string> {
    const { prelude } = this.extractor;
    if (!prelude) return;
    yield '';
    yield `# Before event ${this.range.from}: the shadow pages that there were then come about by touching what they mapped.`;
    if (prelude.left)
      yield `# ${prelude.left} SPTEs are left out: the guest's tables, as far as they are known, do not lead there any more.`;
    for (const doing of prelude.doings) {
      this.select(doing);
      yield this.text(doing);
    }
    yield '';
    yield '# The range begins here.';
  }

  /** The statement says which vCPU is meant from here on, and how it pages. */
  private select(doing: Doing): void {
    if (doing.kind !== 'vcpu') return;
    this.vcpu = doing.id;
    this.mode = doing.mode ?? this.mode;
  }

  /** Frames in runs: neighbours of neighbours. */
  private *frames(first: ReadonlyMap<number, number>): Generator<string> {
    let run: { gfn: number; last: number; pfn: number } | undefined;
    for (const gfn of [...first.keys()].sort((a, b) => a - b)) {
      const pfn = first.get(gfn)!;
      if (run && gfn === run.last + 1 && pfn === run.pfn + gfn - run.gfn) {
        run.last = gfn;
        continue;
      }
      if (run) yield this.text({ kind: 'map', ...run });
      run = { gfn, last: gfn, pfn };
    }
    if (run) yield this.text({ kind: 'map', ...run });
  }

  private *tables(entries: readonly Doing[]): Generator<string> {
    const last = new Map<string, Entry>();
    for (const entry of entries) if (entry.kind === 'set') last.set(`${entry.gpa} ${entry.bytes}`, entry);
    for (const entry of [...last.values()].sort((a, b) => a.gpa - b.gpa)) yield this.text(entry);
  }

  private *group({ event, vcpu, title, before, doings }: Group): Generator<string> {
    if (before.length === 0 && doings.length === 0) return;
    yield '';
    yield `# event ${event}, ${this.table.timeText(event)}: ${title}`;
    for (const doing of before) yield this.text(doing);
    for (const doing of doings) {
      this.select(doing);
      if (doing.kind !== 'vcpu' && vcpu !== undefined && vcpu !== this.vcpu && doing.kind !== 'note') {
        this.vcpu = vcpu;
        yield `vcpu ${vcpu}`;
      }
      yield this.text(doing);
    }
  }

  private text(doing: Doing): string {
    return doingText(doing, this.mode);
  }
}
