export { INVARIANTS, checkAll } from './check.js';
export { Report, type Tally, type Violation } from './report.js';
export { CURRENT, type Features, type Snapshot } from './snapshot.js';
