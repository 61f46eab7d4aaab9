import type { Era } from '../../engine/eras.js';
import { pageOf } from '../../engine/gpte.js';
import type { Gfn, Pfn } from '../../engine/ids.js';
import { checkAll, type Violation } from '../../engine/invariants/index.js';
import { Setting } from '../language/setting.js';
import type { Action, Bytes, Expectation, Located, Location, Program, Span, Statement } from '../language/statement.js';
import type { Cpu } from '../cpu.js';
import { HOST, type Happening } from '../happening.js';
import type { AccessResult, Machine } from '../machine.js';
import { Observer } from '../observer.js';
import { cr3Of, pagingOf } from '../paging.js';
import type { Failure, StatementRun } from '../run.js';
import { fieldsOf } from './events.js';
import { differenceFrom } from './expect.js';
import { guestLevels } from './pages.js';

/** Makes calls of the machine of statements, one after the other, and holds expectations against what came of them. */
export class Runner {
  readonly statements: StatementRun[] = [];
  readonly failures: Failure[] = [];
  private readonly setting = new Setting();
  private readonly slots = new Map<string, Gfn>();
  private readonly observer: Observer;
  private current: Cpu | undefined;
  /** of the last access */
  private result: AccessResult | undefined;
  /** of the last statement that is no expectation */
  private events: readonly Happening[] = [];
  /** invariants that do not hold, by number and place */
  private broken: ReadonlySet<string> = new Set();

  /** @param watchful the invariants are checked after each statement */
  constructor(
    private readonly machine: Machine,
    private readonly era: Era,
    private readonly watchful = false,
  ) {
    this.observer = new Observer(machine);
    machine.onEvent = (announced) => this.observer.saw(announced);
  }

  run(program: Program): this {
    for (const statement of program.statements) {
      const { condition } = statement;
      if (condition?.some(({ feature, wanted }) => this.era.features.has(feature) !== wanted)) continue;
      if (!this.runOne(statement)) break;
    }
    return this;
  }

  /** Answers whether the run can go on. */
  private runOne(statement: Statement): boolean {
    const { machine } = this;
    const { action, line, text } = statement;
    const host = isOfHost(action);
    machine.mark(host ? HOST : this.vcpuOf(action), line, text);
    const first = machine.state.now;
    const [wrong] = this.setting.next(statement, true);
    if (wrong) {
      this.fail(statement, 'stop', { message: wrong.message, expected: '', found: '' }, wrong);
      return false;
    }
    const goesOn = action.kind === 'expect' ? this.expect(statement, action.expectation) : this.act(statement, action);
    const vcpu = host ? undefined : this.current?.vcpu.id;
    this.statements.push({ line, text, vcpu, first, last: machine.state.now });
    return goesOn;
  }

  private act(statement: Statement, action: Exclude<Action, { kind: 'expect' }>): boolean {
    const begun = this.machine.happenings.length;
    this.observer.begin(MAY_RECYCLE.has(action.kind));
    try {
      this.perform(action);
    } catch (error) {
      // The engine says so where it would have to guess: a scenario that no kernel can be in, or a defect of the engine.
      if (!(error instanceof Error)) throw error;
      const found = error.message;
      this.fail(statement, 'stop', {
        message: `the run cannot go on: ${found}`,
        expected: 'a statement that the engine can follow',
        found,
      });
      return false;
    }
    this.events = this.machine.happenings.slice(begun);
    this.note(action);
    if (this.watchful) this.watchInvariants(statement);
    return true;
  }

  private expect(statement: Statement, expectation: Expectation): true {
    const { machine, era, observer, current: cpu, result } = this;
    const levels = guestLevels(machine.cpus[0]);
    const scene = {
      machine,
      era,
      observer,
      cpu,
      result,
      events: () => this.events.flatMap((happening) => fieldsOf(happening, era, levels) ?? []),
      at: (location: Location, size: number | undefined) => this.at(location, size),
    };
    const difference = differenceFrom(expectation, scene);
    if (difference) {
      const message = `expected ${difference.expected}, found ${difference.found}`;
      this.fail(statement, 'expect', { message, ...difference });
    }
    return true;
  }

  /** What a statement breaks is told once, and again only after it was whole in between. */
  private watchInvariants(statement: Statement): void {
    const { violations } = checkAll(this.observer.snapshot());
    const before = this.broken;
    this.broken = new Set(violations.map(placeOf));
    for (const violation of violations) {
      if (before.has(placeOf(violation))) continue;
      const { number, message, expected, found } = violation;
      this.fail(statement, 'invariant', { message: `I-${number}: ${message}`, expected, found });
    }
  }

  private fail(
    { line, column, end }: Statement,
    kind: Failure['kind'],
    what: Pick<Failure, 'message' | 'expected' | 'found'>,
    at?: Span,
  ): void {
    this.failures.push({ kind, event: this.machine.state.now, line, column: at?.column ?? column, end: at?.end ?? end, ...what });
  }

  /** What the invariants have to know of a statement. */
  private note(action: Action): void {
    const { observer } = this;
    if (action.kind === 'slot' || action.kind === 'delete-slot') observer.slotsChanged();
    if (action.kind === 'cr3' || (action.kind === 'vcpu' && !isSelection(action))) observer.flushedAll(this.cpu.vcpu.id);
    if (action.kind === 'invlpg' && this.cpu.mode) observer.flushedPage(this.cpu.vcpu.id, pageOf(this.cpu.mode, action.address.value));
  }

  private perform(action: Exclude<Action, { kind: 'expect' }>): void {
    const { machine } = this;
    switch (action.kind) {
      case 'kernel':
      case 'without':
      case 'with':
        return;
      case 'limit':
        return machine.limitPages(action.pages.value);
      case 'slot': {
        const first = action.first.value as Gfn;
        this.slots.set(action.name.value, first);
        return machine.addSlot(first, action.last.value - first + 1, action.large, action.pfn?.value as Pfn | undefined);
      }
      case 'delete-slot':
        return machine.deleteSlot(this.slots.get(action.name.value)!);
      case 'vcpu':
        return this.vcpu(action);
      case 'set':
        return this.set(action);
      case 'emulate':
        return machine.emulate(this.cpu, this.gpaOf(action.location, action.bytes), {
          bytes: this.sizeOf(action.bytes),
          word: action.value.value,
        });
      case 'write':
        return this.access(action.address.value, {
          write: true,
          user: action.user,
          odd: action.unusual,
          value: { bytes: this.sizeOf(action.bytes), ...(action.value && { word: action.value.value }) },
        });
      case 'read':
        return this.access(action.address.value, { user: action.user });
      case 'fetch':
        return this.access(action.address.value, { user: action.user, fetch: true });
      case 'cr3':
        return machine.setPaging(this.cpu, { ...this.cpu.paging, ...cr3Of(action.address.value) });
      case 'invlpg':
        return machine.invlpg(this.cpu, action.address.value);
      case 'host-map':
        return machine.mapPages(action.first.value as Gfn, action.last.value - action.first.value + 1, action.pfn.value as Pfn);
      case 'host-take':
        for (let gfn = action.first.value; gfn <= action.last.value; gfn++) machine.takePage(gfn as Gfn);
        return;
      case 'host-share':
        return machine.sharePages(action.first.value as Gfn, action.last.value - action.first.value + 1);
      case 'host-log':
        return machine.logDirty(action.first.value as Gfn, action.last.value - action.first.value + 1);
      case 'host-unlog':
        return machine.endLog(action.first.value as Gfn, action.last.value - action.first.value + 1);
      case 'unprotect':
        return machine.unprotect(this.cpu, action.gfn.value as Gfn);
      case 'zap-all':
        return machine.zapEverything();
      case 'reclaim':
        return machine.reclaim(action.pages.value);
      case 'teardown':
        return machine.end();
    }
  }

  private get cpu(): Cpu {
    return this.current!;
  }

  private vcpuOf(action: Action): number {
    return action.kind === 'vcpu' ? action.id.value : this.cpu.vcpu.id;
  }

  private access(address: bigint, access: Parameters<Machine['access']>[2]): void {
    this.result = this.machine.access(this.cpu, address, access);
  }

  private vcpu(action: VcpuAction): void {
    const { machine } = this;
    const cpu = machine.cpus[action.id.value];
    if (cpu) this.current = cpu;
    if (isSelection(action)) return;
    const paging = pagingOf(action, cpu?.paging);
    if (cpu) machine.setPaging(cpu, paging);
    else this.current = machine.addCpu(paging);
  }

  private set({ location, value, bytes, step }: Extract<Action, { kind: 'set' }>): void {
    const size = this.sizeOf(bytes);
    const { index } = location;
    const count = index ? index.last.value - index.first.value + 1 : 1;
    const first = this.gpaOf(location, bytes);
    const word = (i: number): bigint => BigInt.asUintN(8 * size, value.value + BigInt(i) * (step?.value ?? 0n));
    for (let i = 0; i < count; i++) {
      this.machine.writeUnseen(first + i * size, size, word(i));
      this.observer.wroteUnseen(first + i * size, size);
    }
  }

  private at(location: Location, size: number | undefined): { gpa: number; bytes: number } {
    const bytes = size ?? this.setting.entryBytes()!;
    return { gpa: location.base.value + (location.index ? location.index.first.value * bytes : 0), bytes };
  }

  private sizeOf(bytes: Located<Bytes> | undefined): Bytes {
    return bytes?.value ?? this.setting.entryBytes()!;
  }

  private gpaOf(location: Location, bytes: Located<Bytes> | undefined): number {
    return this.at(location, bytes?.value).gpa;
  }
}

type VcpuAction = Extract<Action, { kind: 'vcpu' }>;

/** Statements that may begin with the recycling of pages. */
const MAY_RECYCLE: ReadonlySet<Action['kind']> = new Set([
  'limit',
  'reclaim',
  'vcpu',
  'cr3',
  'read',
  'write',
  'fetch',
  'emulate',
  'invlpg',
]);

/** It only says which vCPU is meant from here on. */
function isSelection({ mode, cr3, rootLevels, controls }: VcpuAction): boolean {
  return !mode && !cr3 && !rootLevels && Object.keys(controls).length === 0;
}

/** Nothing that a vCPU does. */
function isOfHost({ kind }: Action): boolean {
  switch (kind) {
    case 'vcpu':
    case 'emulate':
    case 'write':
    case 'read':
    case 'fetch':
    case 'cr3':
    case 'invlpg':
      return false;
    default:
      return true;
  }
}

function placeOf({ number, place: { page, index, gfn, vcpu } }: Violation): string {
  return [number, page, index, gfn, vcpu].join();
}
