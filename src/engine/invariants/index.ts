export { INVARIANTS, checkAll } from './check.js';
export { snapshotOf, type Known } from './engineSnapshot.js';
export { Report, type Tally, type Violation } from './report.js';
export { CURRENT, type Snapshot } from './snapshot.js';
export { InvariantWatch } from './watch.js';
