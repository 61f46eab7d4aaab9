import type { DebugProtocol as P } from '@vscode/debugprotocol';
import { EXCEPTION_FILTERS } from '../stops/exceptionFilters.js';

/** What the adapter can do. Only what works is announced: a client shows a button for each. */
export const CAPABILITIES: P.Capabilities = {
  supportsConfigurationDoneRequest: true,
  supportsFunctionBreakpoints: true,
  supportsConditionalBreakpoints: true,
  supportsHitConditionalBreakpoints: true,
  supportsLogPoints: true,
  supportsDataBreakpoints: true,
  supportsExceptionFilterOptions: true,
  supportsExceptionInfoRequest: true,
  supportsBreakpointLocationsRequest: true,
  exceptionBreakpointFilters: EXCEPTION_FILTERS.map(({ filter, label, description, isDefault }) => ({
    filter,
    label,
    description,
    default: isDefault,
    supportsCondition: true,
    conditionDescription: 'gfn == 0x102 && role.level == 1',
  })),
  supportsStepBack: true,
  supportsRestartRequest: true,
  supportsRestartFrame: true,
  supportsGotoTargetsRequest: true,
  supportsDelayedStackTraceLoading: true,
  supportsEvaluateForHovers: true,
  supportsClipboardContext: true,
  supportsCompletionsRequest: true,
  completionTriggerCharacters: ['.', '=', '&', '|', ' '],
  supportsReadMemoryRequest: true,
  supportsLoadedSourcesRequest: true,
  supportsTerminateRequest: true,
  supportTerminateDebuggee: true,
  supportsCancelRequest: true,
};
