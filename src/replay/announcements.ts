import { announcePage, type AnnouncedPage } from './announce.js';
import type { Replayer } from './replayer.js';

/** An output event that the engine announces. */
export interface Announcement extends AnnouncedPage {
  readonly name: string;
  readonly vm: number;
  readonly vcpu: number;
}

/** What the tasks must do next, the one that did something last first. */
export function announcements(replay: Replayer): Announcement[] {
  const found: Announcement[] = [];
  for (const task of replay.tasksByLast()) {
    const page = announcePage(task, replay.roleMask);
    if (!page || !task.vcpu) continue;
    found.push({ name: 'kvm_mmu_get_page', vm: task.mmu.vm, vcpu: task.vcpu.id, ...page });
  }
  return found;
}
