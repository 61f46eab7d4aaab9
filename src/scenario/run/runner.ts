import type { Era } from '../../engine/eras.js';
import type { EventIndex, Gfn, Pfn } from '../../engine/ids.js';
import { Setting } from '../language/setting.js';
import type { Action, Bytes, Located, Location, Program, Span, Statement } from '../language/statement.js';
import type { Cpu, Paging } from '../cpu.js';
import type { AccessResult, Machine } from '../machine.js';
import type { Failure, StatementRun } from '../run.js';

const PAGE = 4096;
const PAGE_SHIFT = 12n;

/** Why a run stops at a statement. */
class Stop extends Error {
  constructor(
    readonly span: Span,
    message: string,
    readonly expected: string,
    readonly found: string,
  ) {
    super(message);
  }
}

/** Makes calls of the machine of statements, one after the other. */
export class Runner {
  readonly statements: StatementRun[] = [];
  readonly failures: Failure[] = [];
  private readonly setting = new Setting();
  private readonly slots = new Map<string, Gfn>();
  private current: Cpu | undefined;
  /** of the last access */
  result: AccessResult | undefined;

  constructor(
    private readonly machine: Machine,
    private readonly era: Era,
  ) {}

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
    const first = (machine.state.now + 1) as EventIndex;
    try {
      const [wrong] = this.setting.next(statement, true);
      if (wrong) throw new Stop(wrong, wrong.message, '', '');
      this.perform(statement.action);
    } catch (stop) {
      if (!(stop instanceof Stop)) throw stop;
      const { line } = statement;
      const { column, end } = stop.span;
      this.failures.push({
        event: machine.state.now,
        line,
        column,
        end,
        message: stop.message,
        expected: stop.expected,
        found: stop.found,
      });
      return false;
    }
    const vcpu = isOfHost(statement.action) ? undefined : this.current?.vcpu.id;
    this.statements.push({ line: statement.line, text: statement.text, vcpu, first, last: machine.state.now });
    return true;
  }

  private perform(action: Action): void {
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
      case 'zap-all':
        return machine.zapEverything();
      case 'reclaim':
        return machine.reclaim(action.pages.value);
      case 'teardown':
        return machine.end();
      case 'expect':
        return;
    }
  }

  private get cpu(): Cpu {
    return this.current!;
  }

  private access(address: bigint, access: Parameters<Machine['access']>[2]): void {
    this.result = this.machine.access(this.cpu, address, access);
  }

  private vcpu({ id, mode, cr3, rootLevels, controls }: Extract<Action, { kind: 'vcpu' }>): void {
    const { machine } = this;
    const cpu = machine.cpus[id.value];
    if (cpu) this.current = cpu;
    if (cpu && !mode && !cr3 && !rootLevels && Object.keys(controls).length === 0) return;
    const before: Paging = cpu?.paging ?? { mode: 'off', cr3: 0 as Gfn, wp: true };
    const paging = {
      ...before,
      ...(mode && { mode: mode.value }),
      ...(cr3 && cr3Of(cr3.value)),
      ...(rootLevels && { rootLevels }),
      ...controls,
    };
    if (cpu) machine.setPaging(cpu, paging);
    else this.current = machine.addCpu(paging);
  }

  private set({ location, value, bytes, step }: Extract<Action, { kind: 'set' }>): void {
    const size = this.sizeOf(bytes);
    const { index } = location;
    const count = index ? index.last.value - index.first.value + 1 : 1;
    const first = this.gpaOf(location, bytes);
    const word = (i: number): bigint => BigInt.asUintN(8 * size, value.value + BigInt(i) * (step?.value ?? 0n));
    for (let i = 0; i < count; i++) this.machine.writeUnseen(first + i * size, size, word(i));
  }

  private sizeOf(bytes: Located<Bytes> | undefined): Bytes {
    return bytes?.value ?? this.setting.entryBytes()!;
  }

  private gpaOf({ base, index }: Location, bytes: Located<Bytes> | undefined): number {
    return base.value + (index ? index.first.value * this.sizeOf(bytes) : 0);
  }
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

function cr3Of(address: number): Pick<Paging, 'cr3' | 'cr3Offset'> {
  return { cr3: Number(BigInt(address) >> PAGE_SHIFT) as Gfn, cr3Offset: address % PAGE };
}
