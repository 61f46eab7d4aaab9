import { eraFor, withFeatures, withoutFeatures, type Era } from '../../engine/eras.js';
import type { EventIndex, Role } from '../../engine/ids.js';
import { Journal } from '../../engine/journal.js';
import { kernelName } from '../../engine/kernelFunctions.js';
import { Mmu } from '../../engine/mmu.js';
import { ShadowPages } from '../../engine/pages.js';
import { WritableState } from '../../engine/state.js';
import { Vcpu } from '../../engine/vcpu.js';
import type { EventTable } from '../../trace/table.js';
import { Accounts } from '../accounts.js';
import { EventNotes } from '../eventNotes.js';
import { findingAt } from '../findings/findings.js';
import type { History, TaskPlaces } from '../history.js';
import { RecordedLedTo } from '../recordedLedTo.js';
import { leafGfnOf, recordedWord } from '../recorded.js';
import { eraOf, type Rules } from '../rules.js';
import { placeAt, type TaskPlace } from '../tasks.js';
import type { Finding } from '../view.js';
import { WayStore } from '../wayStore.js';
import type { Delta, NewVcpu, NewVm, Tasks } from './delta.js';

/**
 * A history that another thread makes. Its columns are read where that thread writes them; of the rest it is told by {@link Delta}s. The
 * objects of the engine that are in here only say which cell is what: their own state is not the newest, and nobody must ask for it.
 */
export class Mirror implements History {
  readonly journal = new Journal();
  readonly pages = new ShadowPages(this.journal);
  readonly mmus: Mmu[] = [];
  readonly vcpus: Vcpu[] = [];
  readonly notes = new EventNotes();
  readonly accounts = new Accounts();
  readonly findings: { readonly all: Finding[]; at(event: EventIndex, kind?: string): Finding | undefined };
  readonly ledTo: RecordedLedTo;
  readonly knowsAll = false;
  tasks: TaskPlaces = placesOf({ vmCount: 1, places: [] });
  replayed = 0;
  invariantsSince: EventIndex | undefined;
  private readonly wayStore = new WayStore();
  private readonly state = new WritableState(this.journal);

  /** @param table must hold the events that a delta is about, before it comes */
  constructor(
    readonly table: EventTable,
    private readonly rules: Rules,
    /** tells the other thread to check the invariants from here on, or no longer */
    readonly watchInvariants: (on: boolean) => void,
  ) {
    const all: Finding[] = [];
    this.findings = { all, at: (event, kind) => findingAt(all, event, kind) };
    this.ledTo = new RecordedLedTo(this.wayStore, (fn) => kernelName(fn, this.era));
  }

  get era(): Era {
    return this.mmus[0]?.era ?? eraOf(this.table.info, this.rules);
  }

  /** Goes on to where the other thread was when it wrote this. Deltas come in order, each once. */
  apply(delta: Delta): void {
    this.journal.adopt(delta.journal);
    for (const vm of delta.vms) this.addVm(vm);
    for (const vcpu of delta.vcpus) this.addVcpu(vcpu);
    this.journal.allocateFrom(delta.journal.cells);
    this.pages.adopt(delta.pages);
    this.notes.adopt(delta.notes);
    this.wayStore.adopt(delta.ways);
    delta.changes.forEach(({ incomplete, quadrantSkips, collisions }, vm) => {
      const mmu = this.mmus[vm]!;
      mmu.incomplete = incomplete;
      mmu.notices.quadrantSkips.adopt(quadrantSkips);
      mmu.notices.collisions.adopt(collisions);
    });
    if (delta.tasks) this.tasks = placesOf(delta.tasks);
    this.findings.all.length = delta.findings.from;
    for (const finding of delta.findings.findings) this.findings.all.push(finding);
    this.accounts.adopt(delta.outputs, delta.reasons);
    this.replayed = delta.replayed;
  }

  wordOf(role: Role): number | null {
    return recordedWord(this.table, role);
  }

  vcpu(vm: number, id: number): Vcpu | undefined {
    return this.vcpus.find((vcpu) => vcpu.vm === vm && vcpu.id === id);
  }

  leafGfn(event: EventIndex): number {
    return leafGfnOf(this.table, event);
  }

  private addVm({ era, features, firstCell }: NewVm): void {
    const named = eraFor(era);
    this.journal.allocateFrom(firstCell);
    this.mmus.push(
      new Mmu(this.mmus.length, this.state, this.pages, withFeatures(withoutFeatures(named, [...named.features]), [...features])),
    );
  }

  private addVcpu({ vm, id, firstCell }: NewVcpu): void {
    this.journal.allocateFrom(firstCell);
    this.vcpus.push(new Vcpu(this.mmus[vm]!, id));
  }
}

function placesOf({ vmCount, places }: Tasks): TaskPlaces {
  const last = new Map<number, TaskPlace>(places.map((place) => [place.pid, place]));
  return { vmCount, all: places, place: (pid, event) => placeAt(last.get(pid), places, event) };
}
