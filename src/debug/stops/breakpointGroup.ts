import type { DebugProtocol as P } from '@vscode/debugprotocol';
import type { Trigger } from './trigger.js';

/** What became of a breakpoint that a client asked for. */
export interface Binding {
  readonly verified: boolean;
  /** why it is not verified, or what the client should know */
  readonly message?: string;
  readonly source?: P.Source;
  readonly line?: number;
  readonly trigger?: Trigger;
  /** may become verified when more of the trace is loaded */
  readonly pending?: boolean;
}

export type Binder<Spec> = (spec: Spec, id: number) => Binding;

interface Bound<Spec> {
  readonly id: number;
  readonly key: string;
  readonly spec: Spec;
  binding: Binding;
}

/** What a client is told of the breakpoints it has set. */
export interface BoundBreakpoints {
  readonly breakpoints: P.Breakpoint[];
  /** some of them may become verified when more of the trace is loaded */
  readonly waiting: boolean;
}

/** The breakpoints of one `set…Breakpoints` request. Each such request replaces the ones before it. */
export class BreakpointGroup<Spec> implements BoundBreakpoints {
  private bound: Bound<Spec>[] = [];

  constructor(
    private readonly bind: Binder<Spec>,
    private readonly newId: () => number,
    private readonly changed: (breakpoint: P.Breakpoint) => void,
  ) {}

  get triggers(): Trigger[] {
    return this.bound.flatMap(({ binding }) => binding.trigger ?? []);
  }

  /** One that was there before stays as it is, with the hits it has counted. */
  set(specs: readonly Spec[]): void {
    const before = new Map(this.bound.map((b) => [b.key, b]));
    this.bound = specs.map((spec) => {
      const key = JSON.stringify(spec);
      const known = before.get(key);
      before.delete(key);
      if (known) return known;
      const id = this.newId();
      return { id, key, spec, binding: this.bind(spec, id) };
    });
  }

  /** As the client is to see them, in the order in which it set them. */
  get breakpoints(): P.Breakpoint[] {
    return this.bound.map(describe);
  }

  /** Binds again, all of them or those that wait for more of the trace, and tells the client what changed. */
  rebind(all: boolean): void {
    for (const b of this.bound) {
      if (!all && !b.binding.pending) continue;
      const before = JSON.stringify(describe(b));
      b.binding = this.bind(b.spec, b.id);
      const after = describe(b);
      const stillWaits = b.binding.pending && !b.binding.verified;
      if (!stillWaits && JSON.stringify(after) !== before) this.changed(after);
    }
  }

  get waiting(): boolean {
    return this.bound.some(({ binding }) => binding.pending);
  }
}

function describe({ id, binding: { verified, message, source, line } }: Bound<unknown>): P.Breakpoint {
  return { id, verified, ...(message && { message }), ...(source && { source }), ...(line !== undefined && { line }) };
}
