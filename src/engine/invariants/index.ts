export { INVARIANTS, checkAll } from './check.js';
export { snapshotOf, type Known } from './engineSnapshot.js';
export { Report, type Tally, type Violation } from './report.js';
export type { Features, Snapshot } from './snapshot.js';
export { InvariantWatch } from './watch.js';
