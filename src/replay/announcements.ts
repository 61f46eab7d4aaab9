import type { Announcement } from '../engine/announcement.js';
import { expect } from './drive.js';
import type { Replayer } from './replayer.js';

/** An output event that the engine announces, and for whom. */
export interface Announced {
  readonly announcement: Announcement;
  readonly vm: number;
  /** undefined for a thread that runs no guest */
  readonly vcpu: number | undefined;
}

/**
 * What the tasks must do next, the one that did something last first. The work goes on as if each announced event came: nothing can be
 * replayed after.
 */
export function announcements(replay: Replayer): Announced[] {
  const found: Announced[] = [];
  for (const task of replay.tasksByLast()) {
    expect(task);
    do for (const announcement of task.work.rest()) found.push({ announcement, vm: task.mmu.vm, vcpu: task.vcpu?.id });
    while (expect(task));
  }
  return found;
}
