import { completionItems } from '../inspect/evaluate.js';
import { exceptionInfo } from '../inspect/exceptionInfo.js';
import { RequestError } from '../wire/errors.js';
import type { Handlers } from '../wire/requests.js';
import type { SessionContext } from './context.js';

/** Looking at the state the debugger stopped in. */
export function inspectionHandlers(session: SessionContext): Handlers {
  return {
    threads: () => ({ threads: session.debuggee.threads.list() }),
    stackTrace: (args) => session.debuggee.stacks.trace(args),
    scopes: ({ frameId }) => {
      const { scopes, stacks, variables } = session.debuggee;
      return { scopes: scopes.of(stacks.frame(frameId).event, variables.handle) };
    },
    variables: (args) => ({ variables: session.debuggee.variables.list(args) }),
    evaluate: ({ expression, frameId, context }) => {
      const { evaluator, stacks } = session.debuggee;
      return evaluator.evaluate(expression, stacks.eventOf(frameId), context);
    },
    completions: (args) => ({ targets: completionItems(args, session.client.firstColumn) }),
    readMemory: (args) => session.debuggee.memory.read(args),
    exceptionInfo: () => {
      const { stop, recording, position } = session.debuggee;
      return exceptionInfo(stop, recording, position);
    },
    source: ({ source, sourceReference }) => {
      const reference = source?.sourceReference ?? sourceReference;
      if (!reference) throw new RequestError('This document is a file: read it from disk.');
      return session.debuggee.documents.content(reference);
    },
    loadedSources: () => ({ sources: session.debuggee.documents.all() }),
  };
}
