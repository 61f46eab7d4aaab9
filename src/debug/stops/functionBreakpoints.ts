import type { DebugProtocol as P } from '@vscode/debugprotocol';
import { ConditionError } from '../../replay/query/index.js';
import { Kind } from '../../trace/vocabulary.js';
import { compileTexts, gateFor, type ConditionTexts } from './conditions.js';
import type { Binding } from './breakpointGroup.js';
import { NOT_YET, type BindingSite } from './binding.js';
import { changesOf, missing, targetNamed } from './changeTargets.js';
import { describeChange } from './describeChange.js';
import type { EventSet } from './eventSet.js';
import { isKernelFunction, stopsOf, wantedFunctions, type FunctionStops } from './kernelFunctions.js';
import { eventsNamed, isKnownEvent, parseFunctionName, suggestion } from './functionNames.js';

/** A breakpoint on an event name, on the changes of a place, or on pages made with some role. */
export function bindFunction(spec: P.FunctionBreakpoint, id: number, site: BindingSite | undefined): Binding {
  const name = parseFunctionName(spec.name);
  switch (name.kind) {
    case 'wrong':
      return { verified: false, message: name.message };
    case 'event':
      return bindEvent(name.name, spec, id, site);
    case 'role': {
      const condition = spec.condition ? `(${spec.condition}) && ${name.condition}` : name.condition;
      const texts = { condition, ...(spec.hitCondition && { hitCondition: spec.hitCondition }) };
      return site ? tie(site.recording.lists.ofKind(Kind.getPage), texts, id, site) : NOT_YET;
    }
    case 'place': {
      if (!site) return NOT_YET;
      const target = targetNamed(name.expression, site.recording, site.hereScope);
      if (typeof target === 'string') return { verified: false, message: target, pending: !site.complete };
      const message = missing(target, site.recording);
      if (message) return { verified: false, message, pending: !site.complete };
      return tie(changesOf(target, site.recording), spec, id, site, () => describeChange(target, site.here));
    }
  }
}

function bindEvent(name: string, texts: ConditionTexts, id: number, site: BindingSite | undefined): Binding {
  if (!isKnownEvent(name) && isKernelFunction(name)) return bindKernelFunction(name, texts, id, site);
  if (!site) {
    const compiled = compileTexts(texts);
    if (compiled instanceof ConditionError) return { verified: false, message: compiled.toString() };
    return isKnownEvent(name) ? { verified: true, pending: true } : NOT_YET;
  }
  const events = eventsNamed(name, site.recording);
  const binding = tie(events, texts, id, site);
  if (!binding.verified || isKnownEvent(name) || events.length > 0) return binding;
  const meant = suggestion(name, site.recording.lists.otherNames());
  const message = `No event '${name}' in this trace${site.complete ? '' : ' so far'}${meant ? `; did you mean ${meant}?` : '.'}`;
  return { ...binding, verified: false, message, pending: !site.complete };
}

/** A function of the kernel that is no event: the events that it leads to. */
function bindKernelFunction(name: string, texts: ConditionTexts, id: number, site: BindingSite | undefined): Binding {
  if (!site) {
    const compiled = compileTexts(texts);
    return compiled instanceof ConditionError ? { verified: false, message: compiled.toString() } : { verified: true, pending: true };
  }
  const { functions, message } = wantedFunctions(name, site.recording);
  if (functions.length === 0) return { verified: false, ...(message && { message }) };
  return { ...tieAt(stopsOf(functions, site.recording), texts, id, site), ...(message && { message }) };
}

function tie(events: EventSet, texts: ConditionTexts, id: number, site: BindingSite, describe?: () => string): Binding {
  return tieAt({ events }, texts, id, site, describe);
}

function tieAt({ events, eventOf }: FunctionStops, texts: ConditionTexts, id: number, site: BindingSite, describe?: () => string): Binding {
  const compiled = compileTexts(texts);
  if (compiled instanceof ConditionError) return { verified: false, message: compiled.toString() };
  const gate = gateFor(events, compiled, site.searchScope, undefined, eventOf);
  const atSteps = eventOf !== undefined;
  return {
    verified: true,
    trigger: { reason: 'function breakpoint', id, events, atSteps, ...(gate && { gate }), ...(describe && { describe }) },
  };
}
