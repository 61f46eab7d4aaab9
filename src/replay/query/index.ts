/** The condition language: the kernel's event filters, extended with roles, pages and SPTEs. */
export { caret, ConditionError } from './errors.js';
export { compileCondition, normalize, type Condition } from './condition.js';
export { compileHits, type HitCondition } from './hits.js';
export { compileTemplate, type Template } from './template.js';
export { checkExpression, evaluate } from './evaluate.js';
export type { Value } from './values.js';
export { completions, type Completion } from './completions.js';
export { aboutPage } from './aboutPage.js';
export { stateOf, type EventScope, type EventSource, type ReplaySource, type StateSource } from './scope.js';
export { bothHold, eitherHolds, ofForm, type Verdict } from './scan.js';
