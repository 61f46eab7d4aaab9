import { NO_PAGE, type EventIndex, type PageId, type SpteIndex } from '../../engine/ids.js';
import type { Happening } from '../../scenario/happening.js';
import type { Notes } from '../history.js';

const IN_EXIT = 1;
const IN_FAULT = 2;

/** What one task of a machine is in the midst of. */
interface Progress {
  inExit: boolean;
  faulted: boolean;
  walked: boolean;
}

/** What the happenings of a machine are about, and whether they lie in an exit or a fault: as `EventNotes` have it of a trace. */
export class ScenarioNotes implements Notes {
  private readonly where: Uint8Array;

  constructor(private readonly happenings: readonly Happening[]) {
    const tasks = new Map<number, Progress>();
    this.where = Uint8Array.from(happenings, (happening) => {
      const task = tasks.get(happening.task) ?? { inExit: false, faulted: false, walked: false };
      tasks.set(happening.task, task);
      return place(task, happening);
    });
  }

  pageOf(event: EventIndex): PageId {
    const happening = this.happenings[event];
    return happening?.kind === 'output' ? happening.page : NO_PAGE;
  }

  spteOf(event: EventIndex): { page: PageId; index: SpteIndex } | undefined {
    const happening = this.happenings[event];
    if (happening?.kind !== 'output' || happening.index < 0) return undefined;
    return { page: happening.page, index: happening.index as SpteIndex };
  }

  recordedSpte(): undefined {
    return undefined;
  }

  inExit(event: EventIndex): boolean {
    return ((this.where[event] ?? 0) & IN_EXIT) !== 0;
  }
  inFault(event: EventIndex): boolean {
    return ((this.where[event] ?? 0) & IN_FAULT) !== 0;
  }
}

/** What opens an exit or a fault lies outside of it, as a call does. A second walk is one of its own. */
function place(task: Progress, happening: Happening): number {
  const name = happening.kind === 'input' ? happening.name : '';
  const opens = name === 'kvm_page_fault' || (name === 'kvm_mmu_pagetable_walk' && (!task.faulted || task.walked));
  if (name === 'kvm_exit' || name === 'kvm_entry') Object.assign(task, { inExit: name === 'kvm_exit', faulted: false, walked: false });
  else if (name === 'kvm_page_fault') Object.assign(task, { faulted: true, walked: false });
  else if (name === 'kvm_mmu_pagetable_walk') Object.assign(task, { faulted: task.faulted && !task.walked, walked: true });
  const inFault = (task.faulted || task.walked) && !opens;
  return (task.inExit && name !== 'kvm_exit' ? IN_EXIT : 0) | (inFault ? IN_FAULT : 0);
}
