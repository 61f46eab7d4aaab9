import type { DebugProtocol as P } from '@vscode/debugprotocol';
import type { EventIndex } from '../../engine/ids.js';
import type { StepKind } from '../motion/motion.js';
import { stopText } from '../forms/stops.js';
import { RequestError } from '../wire/errors.js';
import type { Call, Handlers } from '../wire/requests.js';
import type { SessionContext } from './context.js';

/** Running, stepping and jumping. Each is answered at once; the stop follows as an event. */
export function motionHandlers(session: SessionContext): Handlers {
  const step =
    (kind: StepKind) =>
    ({ threadId }: { threadId: number }, call: Call): void => {
      const { motion, threads } = session.debuggee;
      const pid = threads.pidOf(threadId);
      call.afterResponse(() => motion.step(kind, pid));
    };
  return {
    continue: (_, call) => {
      const { motion } = session.debuggee;
      call.afterResponse(() => motion.continue(1));
      return { allThreadsContinued: true };
    },
    reverseContinue: (_, call) => {
      const { motion } = session.debuggee;
      call.afterResponse(() => motion.continue(-1));
    },
    next: step('next'),
    stepIn: step('into'),
    stepOut: step('out'),
    stepBack: ({ threadId }, call) => {
      const { motion, threads } = session.debuggee;
      const pid = threads.pidOf(threadId);
      call.afterResponse(() => motion.stepBack(pid));
    },
    pause: (_, call) => {
      const { motion } = session.debuggee;
      call.afterResponse(() => motion.pause());
    },
    gotoTargets: (args) => ({ targets: gotoTargets(session, args) }),
    goto: ({ targetId }, call) => {
      const { motion, recording } = session.debuggee;
      const event = (targetId - 1) as EventIndex;
      if (event < 0 || event >= recording.end) throw new RequestError(`There is no event ${event} to go to.`);
      call.afterResponse(() => motion.jump(event, 'goto'));
    },
    restartFrame: ({ frameId }, call) => {
      const { motion, stacks } = session.debuggee;
      const event = stacks.startOf(frameId);
      call.afterResponse(() => motion.jump(event, 'restart'));
    },
  };
}

/** The event on a line, or the next one. Target numbers are event numbers from 1: they hold beyond the stop. */
function gotoTargets({ debuggee }: SessionContext, { source, line }: P.GotoTargetsArguments): P.GotoTarget[] {
  const { documents, recording } = debuggee;
  const event = documents.shows(source) ? documents.eventFrom(source, line) : undefined;
  if (event === undefined) return [];
  return [{ id: event + 1, label: stopText(recording.table, event), line: documents.placeOf(event, source).line }];
}
