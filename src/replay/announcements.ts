import type { Gfn, Role } from '../engine/ids.js';
import { announcePage } from './announce.js';
import type { Replayer } from './replayer.js';

/** An output event that the engine announces; fields it would have to learn are null. */
export interface Announcement {
  readonly name: string;
  readonly vm: number;
  readonly vcpu: number;
  readonly gfn: Gfn | null;
  readonly role: Role | null;
  readonly generation: number | null;
  readonly created: boolean | null;
  readonly rootCount: number | null;
  readonly unsync: boolean | null;
}

/** What the tasks must do next, the one that did something last first. */
export function announcements(replay: Replayer): Announcement[] {
  const found: Announcement[] = [];
  for (const task of replay.tasksByLast()) {
    const page = announcePage(task, replay.roleMask);
    if (!page || !task.vcpu) continue;
    const { gfn, role, generation, created, rootCount, unsync } = page;
    found.push({ name: 'kvm_mmu_get_page', vm: task.mmu.vm, vcpu: task.vcpu.id, gfn, role, generation, created, rootCount, unsync });
  }
  return found;
}
