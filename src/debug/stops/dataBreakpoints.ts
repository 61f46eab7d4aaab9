import type { DebugProtocol as P } from '@vscode/debugprotocol';
import { ConditionError } from '../../replay/query/index.js';
import { compileTexts, gateFor } from './conditions.js';
import type { Binding } from './breakpointGroup.js';
import { NOT_YET, type BindingSite } from './binding.js';
import { changesOf, targetFrom } from './changeTargets.js';
import { describeChange } from './describeChange.js';

/** A data breakpoint: stops where its place changes. Reads leave no event, so writes are all there is. */
export function bindData(spec: P.DataBreakpoint, id: number, site: BindingSite | undefined): Binding {
  const compiled = compileTexts(spec);
  if (compiled instanceof ConditionError) return { verified: false, message: compiled.toString() };
  const target = targetFrom(spec.dataId);
  if (!target) return { verified: false, message: `'${spec.dataId}' is no place in the shadow MMU.` };
  if (spec.accessType && spec.accessType !== 'write')
    return { verified: false, message: 'Reads leave no event in a trace: break on writes.' };
  if (!site) return NOT_YET;
  const events = changesOf(target, site.recording);
  const gate = gateFor(events, compiled, site.searchScope);
  const describe = (): string => describeChange(target, site.here);
  return { verified: true, trigger: { reason: 'data breakpoint', id, events, ...(gate && { gate }), describe } };
}
