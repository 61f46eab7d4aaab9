import type { DebugProtocol as P } from '@vscode/debugprotocol';
import type { ChangeTarget } from '../../replay/changes.js';
import type { BoundBreakpoints } from '../stops/breakpointGroup.js';
import { missing, targetNamed } from '../stops/changeTargets.js';
import { dataId } from '../stops/dataBreakpoints.js';
import { placeName } from '../stops/describeChange.js';
import type { Handlers } from '../wire/requests.js';
import type { SessionContext } from './context.js';

/** Setting breakpoints, and asking where they can be set. */
export function breakpointHandlers(session: SessionContext): Handlers {
  /** Clients look at the answer, so it comes when there is something to say; it does not wait for a trace nobody has asked for yet. */
  const set = async (setting: () => BoundBreakpoints): Promise<{ breakpoints: P.Breakpoint[] }> => {
    await session.opened();
    const group = setting();
    await session.bound(group);
    return { breakpoints: group.breakpoints };
  };
  const { breakpoints: all } = session;
  return {
    setBreakpoints: ({ source, breakpoints, lines }) =>
      set(() => all.setSource(source, breakpoints ?? lines?.map((line) => ({ line })) ?? [])),
    setFunctionBreakpoints: ({ breakpoints }) => set(() => all.setFunctions(breakpoints)),
    setDataBreakpoints: ({ breakpoints }) => set(() => all.setData(breakpoints)),
    setExceptionBreakpoints: ({ filters, filterOptions = [] }) =>
      set(() => all.setExceptions([...filters.map((filterId) => ({ filterId })), ...filterOptions])),
    breakpointLocations: (args) => ({ breakpoints: locations(session, args) }),
    dataBreakpointInfo: (args) => dataBreakpointInfo(session, args),
  };
}

/** The lines of a range that have an event. */
function locations({ debuggee }: SessionContext, { source, line, endLine = line }: P.BreakpointLocationsArguments): P.BreakpointLocation[] {
  const { documents } = debuggee;
  if (!documents.shows(source)) return [];
  const lines: P.BreakpointLocation[] = [];
  for (let at = line; at <= endLine;) {
    const e = documents.eventFrom(source, at);
    if (e === undefined) break;
    const there = documents.placeOf(e, source).line;
    if (there > endLine) break;
    if (there >= at) lines.push({ line: there });
    at = Math.max(at, there) + 1;
  }
  return lines;
}

function dataBreakpointInfo(
  { debuggee }: SessionContext,
  { variablesReference, name, frameId }: P.DataBreakpointInfoArguments,
): NonNullable<P.DataBreakpointInfoResponse['body']> {
  const { recording, variables, stacks, position } = debuggee;
  const scope = position.scopeAt(stacks.eventOf(frameId));
  const target: ChangeTarget | string | undefined = variablesReference
    ? variables.child(variablesReference, name)?.target
    : targetNamed(name, recording, scope);
  if (target === undefined)
    return { dataId: null, description: `Changes of '${name}' cannot be waited for: break on a page, an SPTE or a root.` };
  if (typeof target === 'string') return { dataId: null, description: target };
  const problem = missing(target, recording);
  if (problem) return { dataId: null, description: problem };
  return {
    dataId: dataId(target, recording.name),
    description: placeName(target, position.form),
    accessTypes: ['write'],
    canPersist: true,
  };
}
