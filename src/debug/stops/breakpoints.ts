import type { DebugProtocol as P } from '@vscode/debugprotocol';
import type { Client } from '../wire/client.js';
import { BreakpointGroup, type Binder, type BoundBreakpoints } from './breakpointGroup.js';
import type { BindingSite } from './binding.js';
import { bindData } from './dataBreakpoints.js';
import { bindException } from './exceptionBreakpoints.js';
import { EXCEPTION_FILTERS, INVARIANT } from './exceptionFilters.js';
import { bindFunction } from './functionBreakpoints.js';
import { bindSource, type SourceSpec } from './sourceBreakpoints.js';
import type { Trigger } from './trigger.js';

type AnyGroup = Pick<BreakpointGroup<unknown>, 'triggers' | 'rebind' | 'waiting'>;

/**
 * All breakpoints a client has set. They may be set before a trace is open and outlive a restart: tying them to the events of a
 * recording is done again when one is opened, and for those still waiting, when more of it is loaded.
 */
export class Breakpoints {
  private lastId = 0;
  /** an exception filter wants the invariants checked while a trace is replayed */
  checksInvariants = false;
  private site: BindingSite | undefined;
  private flat: Trigger[] | undefined;

  private readonly bySource = new Map<string, BreakpointGroup<SourceSpec>>();
  private readonly functions = this.group<P.FunctionBreakpoint>((spec, id) => bindFunction(spec, id, this.site));
  private readonly data = this.group<P.DataBreakpoint>((spec, id) => bindData(spec, id, this.site));
  private readonly exceptions = this.group<P.ExceptionFilterOptions>((spec) => bindException(spec, this.site));

  constructor(private readonly client: Client) {
    // What is on by default is on until the client says what it wants.
    this.setExceptions(EXCEPTION_FILTERS.filter(({ isDefault }) => isDefault).map(({ filter }) => ({ filterId: filter })));
  }

  /** Everything that can stop a run, at this moment. */
  get triggers(): readonly Trigger[] {
    return (this.flat ??= this.groups().flatMap((group) => group.triggers));
  }

  setSource(source: P.Source, specs: readonly P.SourceBreakpoint[]): BoundBreakpoints {
    const key = source.sourceReference ? `${source.sourceReference}` : (source.path ?? source.name ?? '');
    let group = this.bySource.get(key);
    if (!group) this.bySource.set(key, (group = this.group((spec, id) => bindSource(spec, id, this.site))));
    return this.set(
      group,
      specs.map((spec) => ({ ...spec, source })),
    );
  }

  setFunctions(specs: readonly P.FunctionBreakpoint[]): BoundBreakpoints {
    return this.set(this.functions, specs);
  }

  setData(specs: readonly P.DataBreakpoint[]): BoundBreakpoints {
    return this.set(this.data, specs);
  }

  setExceptions(specs: readonly P.ExceptionFilterOptions[]): BoundBreakpoints {
    this.checksInvariants = specs.some(({ filterId }) => filterId === INVARIANT);
    this.site?.recording.replay.watchInvariants(this.checksInvariants);
    return this.set(this.exceptions, specs);
  }

  /** Ties all to a recording that has just been opened; undefined when it is closed. */
  attach(site: BindingSite | undefined): void {
    this.site = site;
    site?.recording.replay.watchInvariants(this.checksInvariants);
    this.rebind(true);
  }

  /** More of the recording is there. */
  grown(): void {
    if (this.groups().some((group) => group.waiting)) this.rebind(false);
  }

  private rebind(all: boolean): void {
    for (const group of this.groups()) group.rebind(all);
    this.flat = undefined;
  }

  private set<Spec>(group: BreakpointGroup<Spec>, specs: readonly Spec[]): BoundBreakpoints {
    this.flat = undefined;
    group.set(specs);
    return group;
  }

  private groups(): AnyGroup[] {
    return [this.exceptions, this.data, this.functions, ...this.bySource.values()];
  }

  private group<Spec>(bind: Binder<Spec>): BreakpointGroup<Spec> {
    return new BreakpointGroup(
      bind,
      () => ++this.lastId,
      (breakpoint) => this.client.event('breakpoint', { reason: 'changed', breakpoint }),
    );
  }
}
