import { Checkpoints } from '../engine/checkpoints.js';
import { ChangeIndex } from './changeIndex.js';
import type { History } from './history.js';
import { Identities } from './identities.js';
import { LivePages } from './livePages.js';

/** What makes looking into a history quick. It grows with the history, and follows from it: two of one history say the same. */
export class HistoryIndex {
  readonly checkpoints: Checkpoints;
  readonly live: LivePages;
  readonly identities: Identities;
  readonly changes: ChangeIndex;

  constructor(history: History) {
    this.checkpoints = new Checkpoints(history.journal);
    this.identities = new Identities(history, this.checkpoints);
    this.live = new LivePages(history.pages);
    this.changes = new ChangeIndex(history);
  }

  /** Takes in what has been replayed since the last time. Whoever asks does so, too: this only spares the first one the wait. */
  follow(): void {
    this.checkpoints.follow();
    this.changes.follow();
  }
}
