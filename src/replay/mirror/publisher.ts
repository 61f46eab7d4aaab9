import { NO_PAGE, type PageId } from '../../engine/ids.js';
import type { Replayer } from '../replayer.js';
import type { Delta, NewVcpu, NewVm, Tasks, VmChange } from './delta.js';

/** Tells one who follows a replay what became of it since the last time. */
export class Publisher {
  private journalPages = 0;
  private wayPages = 0;
  private notes = { places: 0, subjects: 0, readings: 0 };
  private pages: { readonly last: PageId; readonly gone: number } = { last: NO_PAGE, gone: 0 };
  private vms = 0;
  private vcpus = 0;
  private tasks = -1;
  /** by VM */
  private readonly notices: { quadrantSkips: number; collisions: number }[] = [];

  constructor(private readonly replayer: Replayer) {}

  take(): Delta {
    const { replayer } = this;
    const delta: Delta = {
      replayed: replayer.replayed,
      journal: replayer.journal.growth(this.journalPages),
      pages: replayer.pages.growth(this.pages),
      notes: replayer.notes.growth(this.notes),
      ways: replayer.wayStore.growth(this.wayPages),
      vms: this.newVms(),
      vcpus: this.newVcpus(),
      changes: replayer.mmus.map((_, vm) => this.change(vm)),
      ...this.newTasks(),
      findings: replayer.findings.growth(),
      outputs: replayer.accounts.outputs,
      reasons: replayer.accounts.reasons,
    };
    this.journalPages += delta.journal.pages.length;
    this.wayPages += delta.ways.pages.length;
    this.notes = replayer.notes.mark;
    this.pages = replayer.pages.mark;
    return delta;
  }

  private newVms(): NewVm[] {
    const vms = this.replayer.mmus
      .slice(this.vms)
      .map(({ era, generationCell }) => ({ era: era.name, features: [...era.features], firstCell: generationCell }));
    this.vms += vms.length;
    return vms;
  }

  private newVcpus(): NewVcpu[] {
    const vcpus = this.replayer.vcpus.slice(this.vcpus).map(({ vm, id, rootCells: [firstCell] }) => ({ vm, id, firstCell }));
    this.vcpus += vcpus.length;
    return vcpus;
  }

  private change(vm: number): VmChange {
    const { incomplete, notices } = this.replayer.mmu(vm);
    const known = (this.notices[vm] ??= { quadrantSkips: 0, collisions: 0 });
    this.notices[vm] = { quadrantSkips: notices.quadrantSkips.length, collisions: notices.collisions.length };
    return {
      incomplete,
      quadrantSkips: notices.quadrantSkips.growth(known.quadrantSkips),
      collisions: notices.collisions.growth(known.collisions),
    };
  }

  private newTasks(): { tasks?: Tasks } {
    const { tasks } = this.replayer;
    if (tasks.version === this.tasks) return {};
    this.tasks = tasks.version;
    return { tasks: { vmCount: tasks.vmCount, places: [...tasks.all] } };
  }
}
