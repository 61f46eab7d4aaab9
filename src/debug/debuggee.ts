import { BEFORE_FIRST, type EventIndex } from '../engine/ids.js';
import type { EventScope } from '../replay/query/index.js';
import type { LoadedEvent } from '../protocol.js';
import type { FormContext } from './forms/context.js';
import { plainValue } from './forms/values.js';
import { Evaluator } from './inspect/evaluate.js';
import { Memory } from './inspect/memory.js';
import { PageTree } from './inspect/pageTree.js';
import { Scopes } from './inspect/scopes.js';
import { Stacks } from './inspect/stack.js';
import { Threads } from './inspect/threads.js';
import { Variables } from './inspect/variables.js';
import { Documents } from './load/documents.js';
import type { Opened } from './load/launch.js';
import type { Loader } from './load/loader.js';
import type { Recording } from './load/recording.js';
import { Finder } from './motion/finder.js';
import { Motion } from './motion/motion.js';
import { Position } from './motion/position.js';
import type { Stop } from './motion/stop.js';
import { Steps } from './motion/steps.js';
import { Search } from './search/search.js';
import type { BindingSite } from './stops/binding.js';
import type { Breakpoints } from './stops/breakpoints.js';
import type { Trigger } from './stops/trigger.js';
import type { Client } from './wire/client.js';
import { messageOf } from './wire/errors.js';

/** What belongs to one launch: an open recording, the place in it, and all that shows it. Put together here. */
export class Debuggee implements BindingSite {
  readonly recording: Recording;
  readonly loader: Loader;
  readonly documents: Documents;
  readonly position: Position;
  readonly motion: Motion;
  readonly steps: Steps;
  readonly threads: Threads;
  readonly stacks: Stacks;
  readonly variables = new Variables();
  readonly scopes: Scopes;
  readonly tree: PageTree;
  readonly evaluator: Evaluator;
  readonly memory: Memory;
  readonly search: Search;
  readonly searchScope: EventScope;
  private readonly searchForm: FormContext;
  /** the present stop; undefined while running */
  stop: Stop | undefined;

  constructor(
    { recording, loader }: Opened,
    private readonly client: Client,
    private readonly breakpoints: Breakpoints,
    largeText: number,
  ) {
    this.recording = recording;
    this.loader = loader;
    this.documents = new Documents(recording, loader, client, largeText);
    this.position = new Position(recording);
    const { replay } = recording;
    this.searchForm = { replay, cursor: replay.cursor() };
    this.searchScope = { replay, cursor: this.searchForm.cursor, event: BEFORE_FIRST };
    this.threads = new Threads(recording);
    this.stacks = new Stacks(recording, this.documents, this.position, this.threads, client);
    this.tree = new PageTree(this.position.form, () => recording.vm);
    this.scopes = new Scopes(recording, this.position, this.threads, this.tree);
    this.evaluator = new Evaluator(this.position, this.tree, this.variables.handle);
    this.memory = new Memory(this.position, recording, client);
    this.search = new Search(recording, loader);
    const finder = new Finder(
      recording,
      () => breakpoints.triggers,
      (trigger, event) => this.log(trigger, event),
    );
    this.steps = new Steps(recording, loader, this.position.engine);
    this.motion = new Motion(recording, loader, this.position, finder, this.steps, this.onStop, this.onFailure);
  }

  get hereScope(): EventScope {
    return this.position.scope;
  }
  get here(): Position['form'] {
    return this.position.form;
  }
  get complete(): boolean {
    return this.loader.complete;
  }

  /** More events can be visited. */
  grown(): void {
    this.breakpoints.grown();
  }

  /** The trace has been replayed to its end. */
  loaded(): void {
    const { replay, table, end } = this.recording;
    const body: LoadedEvent = { events: end, findings: replay.findings.length, roles: table.info.roles };
    this.client.event('shadowMmu/loaded', body);
    // Statistics and findings are more than they were at the stop. Threads that came are listed at the next one: a `thread` event makes
    // VS Code drop a stop that it has not shown yet, and invalid threads the documents that it is waiting for.
    if (this.stop && this.client.takesInvalidated) this.client.event('invalidated', { areas: ['variables'] });
  }

  close(): void {
    this.motion.close();
    // Nobody is to hear of it any more.
    this.loader.onGrown = undefined;
    this.loader.cancel();
    this.documents.close();
  }

  private readonly onStop = (stop: Stop): void => {
    this.stop = stop;
    this.stacks.clear();
    this.variables.clear();
    const ids = stop.triggers.flatMap(({ id }) => id ?? []);
    this.client.event('stopped', {
      reason: stop.reason,
      description: stop.description,
      text: stop.text,
      threadId: this.threads.of(stop.event),
      allThreadsStopped: true,
      ...(ids.length > 0 && { hitBreakpointIds: ids }),
    });
    this.memory.moved();
  };

  private readonly onFailure = (error: unknown): void => {
    this.client.output(`The debugger stopped because of an error of its own: ${messageOf(error)}`, 'stderr');
  };

  private log(trigger: Trigger, event: EventIndex): void {
    this.searchScope.event = event;
    const text = trigger.log!.render(this.searchScope, (value) => {
      this.searchForm.cursor.seek(event);
      return plainValue(this.searchForm, value);
    });
    this.client.output(text, 'stdout', this.documents.placeOf(event));
  }
}
