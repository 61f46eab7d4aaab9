/**
 * What the debug adapter and the editor say to each other beyond the Debug Adapter Protocol: `shadowMmu/*` requests, all read-only.
 * 64-bit values travel as lower-case hex strings without 0x. Event numbers, page ids and SPTE indices are plain numbers.
 */
export type * from './protocol/pages.js';
export type * from './protocol/requests.js';
export type * from './protocol/scenarios.js';
export type * from './protocol/views.js';
