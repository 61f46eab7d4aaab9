import type { DebugProtocol as P } from '@vscode/debugprotocol';
import { ConditionError } from '../../replay/query/index.js';
import { compileTexts, gateFor } from './conditions.js';
import type { Binding } from './breakpointGroup.js';
import { NOT_YET, type BindingSite } from './binding.js';
import type { ChangeTarget } from '../../replay/changes.js';
import { changesOf, missing, targetFrom, targetId } from './changeTargets.js';
import { describeChange } from './describeChange.js';

/** A data breakpoint: stops where its place changes. Reads leave no event, so writes are all there is. */
export function bindData(spec: P.DataBreakpoint, id: number, site: BindingSite | undefined): Binding {
  const compiled = compileTexts(spec);
  if (compiled instanceof ConditionError) return { verified: false, message: compiled.toString() };
  const { target, trace } = parseDataId(spec.dataId);
  if (!target) return { verified: false, message: `'${spec.dataId}' is no place in the shadow MMU.` };
  if (spec.accessType && spec.accessType !== 'write')
    return { verified: false, message: 'Reads leave no event in a trace: break on writes.' };
  if (!site) return NOT_YET;
  const { recording } = site;
  // Pages have the numbers that one trace gives them: a breakpoint kept from another session may be about another trace.
  if ('page' in target && trace !== recording.name) return { verified: false, message: `This breakpoint was set in ${trace}.` };
  const message = missing(target, recording);
  if (message) return { verified: false, message, pending: !site.complete };
  const events = changesOf(target, recording);
  const gate = gateFor(events, compiled, site.searchScope);
  const describe = (): string => describeChange(target, site.here);
  return { verified: true, trigger: { reason: 'data breakpoint', id, events, ...(gate && { gate }), describe } };
}

/** `spte:12:ed@boot.dat`: a place, and the trace in which it was named. */
export function dataId(target: ChangeTarget, trace: string): string {
  return `${targetId(target)}@${trace}`;
}

function parseDataId(id: string): { target: ChangeTarget | undefined; trace: string } {
  const at = id.indexOf('@');
  return at < 0 ? { target: targetFrom(id), trace: '' } : { target: targetFrom(id.slice(0, at)), trace: id.slice(at + 1) };
}
