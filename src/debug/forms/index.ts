/** Text forms (ui.md) and the models of src/protocol.ts. Pure: from a context, never moving its cursor. */
export type { FormContext, FormState } from './context.js';
export { cardBody, cardText, findingWords } from './cards.js';
export { entryCopy, pageCopy } from './copies.js';
export { entryDetail } from './entryDetail.js';
export { eventCard, type PageEvents } from './eventCard.js';
export { argumentFields, commonFields, eventRef, type EventField } from './events.js';
export { find, type FindAnswer } from './find.js';
export { guestTablePart } from './guestTables.js';
export { historyItems } from './history.js';
export { countKinds, kindedEntries, KIND_NAMES, letterCounts, presentInBlock, presentOf512, type Kinded } from './kinds.js';
export { address, addressRange, count, hex, indexName, plural, size, spanOf } from './numbers.js';
export {
  mapsRange,
  mapsText,
  pageLine,
  pageLinkName,
  pageName,
  pageRef,
  pageTags,
  parentsText,
  roleFormOf,
  rootText,
  spteName,
  syncText,
} from './pages.js';
export { pageModel, parentsOf } from './pageModel.js';
export { accessWords, errorFlags } from './pferr.js';
export { quadrantPicture } from './quadrants.js';
export { rangeLine, rangesOf, type Range } from './ranges.js';
export { guestRights, shadowRights } from './rights.js';
export { roleLine, roleRows, roleWords, roleWordText, type RoleForm } from './roles.js';
export { eventSentence } from './sentences.js';
export { spteHover, spteLine, valueText, wideLetters } from './sptes.js';
export { eventFrame, exitFrame, exitReason, faultFrame, stopDescription, stopText, type StopReason } from './stops.js';
export { plainValue } from './values.js';
