import type { DebugProtocol as P } from '@vscode/debugprotocol';
import { ConditionError } from '../../replay/query/index.js';
import { compileTexts, gateFor } from './conditions.js';
import type { Binding } from './breakpointGroup.js';
import { NOT_YET, type BindingSite } from './binding.js';
import { single } from './eventSet.js';

export interface SourceSpec extends P.SourceBreakpoint {
  readonly source: P.Source;
}

/** A breakpoint on a line. On a line without an event it moves to the next one that has one. */
export function bindSource(spec: SourceSpec, id: number, site: BindingSite | undefined): Binding {
  const compiled = compileTexts(spec);
  if (compiled instanceof ConditionError) return { verified: false, message: compiled.toString() };
  if (!site) return NOT_YET;
  const { documents, recording } = site;
  if (!documents.shows(spec.source)) return { verified: false, message: 'This document is not part of the trace that is being debugged.' };
  const e = documents.eventFrom(spec.source, spec.line);
  if (e === undefined) {
    return site.complete
      ? { verified: false, message: 'There is no event on this line or after it.' }
      : { verified: false, message: 'This line is not loaded yet.', pending: true };
  }
  const place = documents.placeOf(e, spec.source);
  if (!recording.belongs(e)) {
    const message = `This event belongs to VM ${recording.replay.vmOf(e)}; VM ${recording.vm} is being debugged.`;
    return { verified: false, message, ...place };
  }
  const events = single(e);
  const gate = gateFor(events, compiled, site.searchScope);
  const trigger = { reason: 'breakpoint', id, events, ...(gate && { gate }), ...(compiled.log && { log: compiled.log }) } as const;
  return { verified: true, ...place, trigger };
}
