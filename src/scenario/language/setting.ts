import { gpteBytes } from '../../engine/gpte.js';
import { pagesPerEntry } from '../../engine/spte.js';
import { addressBound, cr3Objection } from './addresses.js';
import { shown, nearest } from './words.js';
import type { Action, Bytes, Diagnostic, Expectation, Located, Location, Mode, Span, Statement, Value } from './statement.js';

const PAGE = 4096;

interface Slot {
  readonly first: number;
  readonly last: number;
  readonly line: number;
}

/** Something may be so or not: what a condition decided. */
const UNSURE = 'unsure';
type Unsure = typeof UNSURE;

/** A rule of the order of statements is broken at a place of the statement in hand. */
class Objection extends Error {
  constructor(
    readonly span: Span,
    message: string,
  ) {
    super(message);
  }
}

/**
 * What statements so far have set up: slots, vCPUs and their modes. It knows what may follow. It goes along with a file that is read,
 * where what stands behind a condition may be or not, and with a run, where all is certain.
 */
export class Setting {
  private readonly slots = new Map<string, Slot>();
  /** slots that may be there or not, by name */
  private readonly unsureSlots = new Set<string>();
  private readonly modes: (Mode | Unsure)[] = [];
  private current: number | Unsure | undefined;
  private firstOther: Statement | undefined;
  private kernelLine: number | undefined;
  private endLine: number | undefined;
  private accessed: boolean | Unsure = false;

  /** Answers what is wrong with a statement here; otherwise it counts. @param certain it is run whatever the features */
  next(statement: Statement, certain: boolean): Diagnostic[] {
    try {
      this.check(statement, certain);
      return [];
    } catch (objection) {
      if (!(objection instanceof Objection)) throw objection;
      return [{ line: statement.line, column: objection.span.column, end: objection.span.end, message: objection.message }];
    }
  }

  /** Size of an entry of the current vCPU's tables, bytes; undefined where there is no vCPU or its mode is not certain. */
  entryBytes(): Bytes | undefined {
    const mode = this.currentMode();
    return mode && entryBytesOf(mode);
  }

  private check(statement: Statement, certain: boolean): void {
    const { action } = statement;
    if (action.kind === 'kernel' || action.kind === 'without' || action.kind === 'with') return this.first(statement, action);
    this.firstOther ??= statement;
    if (this.endLine !== undefined && action.kind !== 'expect') {
      throw new Objection(
        statement,
        `expected nothing but 'expect' after 'teardown' in line ${this.endLine}, found '${shown(statement.text)}'`,
      );
    }
    switch (action.kind) {
      case 'slot':
        return this.slot(statement, action, certain);
      case 'delete-slot':
        return this.deleteSlot(action.name, certain);
      case 'vcpu':
        return this.vcpu(action, certain);
      case 'set':
        return this.location(action.location, action.bytes?.value, action.value);
      case 'emulate':
        this.needCpu(statement);
        this.location(action.location, action.bytes?.value, action.value);
        return this.withinPage(action.location, this.gpaOf(action.location, action.bytes?.value), action.bytes?.value);
      case 'write':
        this.address(statement, action.address);
        if (action.value) this.value(action.value, action.bytes?.value);
        this.withinPage(action.address, Number(action.address.value % BigInt(PAGE)), action.bytes?.value);
        return this.noteAccess(certain);
      case 'read':
      case 'fetch':
        this.address(statement, action.address);
        return this.noteAccess(certain);
      case 'invlpg':
        return this.address(statement, action.address);
      case 'cr3':
        this.needCpu(statement);
        return this.cr3(this.mode(), action.address);
      case 'unprotect':
        this.needCpu(statement);
        return this.inSlot(action.gfn);
      case 'host-map':
      case 'host-take':
      case 'host-share':
      case 'host-log':
      case 'host-unlog':
        this.inSlot(action.first);
        return this.inSlot(action.last);
      case 'teardown':
        if (certain) this.endLine = statement.line;
        return;
      case 'expect':
        return this.expectation(statement, action.expectation);
      case 'limit':
      case 'zap-all':
      case 'reclaim':
        return;
    }
  }

  private first(statement: Statement, action: Extract<Action, { kind: 'kernel' | 'without' | 'with' }>): void {
    const { firstOther } = this;
    if (firstOther) {
      throw new Objection(
        statement,
        `expected '${action.kind}' before all other statements, found it after '${shown(firstOther.text)}' in line ${firstOther.line}`,
      );
    }
    if (action.kind !== 'kernel') return;
    if (this.kernelLine !== undefined) throw new Objection(statement, `expected one 'kernel', found another in line ${this.kernelLine}`);
    this.kernelLine = statement.line;
  }

  private slot({ line }: Statement, { name, first, last, pfn, large }: Extract<Action, { kind: 'slot' }>, certain: boolean): void {
    const same = this.slots.get(name.value);
    if (same && !this.unsureSlots.has(name.value)) {
      throw new Objection(name, `expected a new name, found '${name.value}', which line ${same.line} gave to another slot`);
    }
    for (const [other, slot] of this.slots) {
      if (this.unsureSlots.has(other) || !certain || last.value < slot.first || first.value > slot.last) continue;
      throw new Objection(
        { column: first.column, end: last.end },
        `expected gfns of no other slot, found 0x${first.value.toString(16)}..0x${last.value.toString(16)}; slot '${other}' of line ${slot.line} has 0x${slot.first.toString(16)}..0x${slot.last.toString(16)}`,
      );
    }
    const region = pagesPerEntry(2);
    if (pfn && large && pfn.value % region !== first.value % region) {
      throw new Objection(
        pfn,
        `expected a pfn that lies in its 2 MiB page where gfn 0x${first.value.toString(16)} does (0x${(first.value % region).toString(16)} after a multiple of 0x200), found '0x${pfn.value.toString(16)}'`,
      );
    }
    this.slots.set(name.value, { first: first.value, last: last.value, line });
    if (certain) this.unsureSlots.delete(name.value);
    else this.unsureSlots.add(name.value);
  }

  private deleteSlot(name: Located<string>, certain: boolean): void {
    if (!this.slots.has(name.value)) {
      const names = [...this.slots.keys()];
      const near = nearest(name.value, names);
      const there = names.length ? `one of ${names.join(', ')}` : 'a slot, and there is none';
      throw new Objection(name, `expected ${there}, found '${shown(name.value)}'${near === undefined ? '' : `; did you mean '${near}'?`}`);
    }
    if (!certain) this.unsureSlots.add(name.value);
    else {
      this.slots.delete(name.value);
      this.unsureSlots.delete(name.value);
    }
  }

  private vcpu(action: Extract<Action, { kind: 'vcpu' }>, certain: boolean): void {
    const { id, mode, cr3, controls, rootLevels } = action;
    const count = this.modes.length;
    if (id.value > count) {
      throw new Objection(
        id,
        `expected ${count === 0 ? 'vCPU 0' : `a vCPU from 0 to ${count}`}, for they are created in order, found '${id.value}'`,
      );
    }
    const created = id.value === count;
    if (created && !mode && !cr3 && Object.keys(controls).length === 0) {
      throw new Objection(id, `expected a vCPU that was created, or 'vcpu ${id.value} paging …' to create it, found '${id.value}'`);
    }
    const before = this.modes[id.value] ?? 'off';
    const now = mode?.value ?? before;
    if (rootLevels && now !== 'npt-32' && now !== UNSURE)
      throw new Objection(id, `expected 'root-levels' with 'paging npt-32', found it with ${now}`);
    if (cr3) this.cr3(now, cr3);
    this.modes[id.value] = certain || now === before ? now : UNSURE;
    this.current = certain || this.current === id.value ? id.value : UNSURE;
  }

  private expectation(statement: Statement, expectation: Expectation): void {
    switch (expectation.kind) {
      case 'va':
        return this.address(statement, expectation.address);
      case 'spte':
        if (expectation.place.kind === 'va') this.address(statement, expectation.place.address);
        return;
      case 'memory':
        return this.location(expectation.location, expectation.bytes?.value, expectation.value);
      case 'result':
        if (this.accessed === false) {
          throw new Objection(statement, `expected 'read', 'write' or 'fetch' before 'expect result', found none`);
        }
        return;
      default:
        return;
    }
  }

  private noteAccess(certain: boolean): void {
    if (this.accessed !== true) this.accessed = certain || UNSURE;
  }

  /** The mode of the current vCPU; undefined where there is none, or it is not certain. */
  currentMode(): Mode | undefined {
    const mode = this.mode();
    return mode === UNSURE ? undefined : mode;
  }

  /** The slot of a guest frame, where it is certain. */
  slotOf(gfn: number): string | undefined {
    for (const [name, { first, last }] of this.slots) if (gfn >= first && gfn <= last) return name;
    return undefined;
  }

  private mode(): Mode | Unsure | undefined {
    return typeof this.current === 'number' ? this.modes[this.current] : this.current;
  }

  private needCpu(statement: Statement): void {
    if (this.current !== undefined) return;
    const [word] = statement.text
      .slice(statement.text.indexOf(':') + 1)
      .trim()
      .split(/\s/);
    throw new Objection(statement, `expected a vCPU before '${word}': create one with 'vcpu 0 paging …'`);
  }

  private address(statement: Statement, address: Located<bigint>): void {
    this.needCpu(statement);
    const mode = this.mode();
    if (mode === undefined || mode === UNSURE) return;
    const wrong = addressBound(mode, address.value);
    if (wrong) throw new Objection(address, `expected ${wrong}, found '0x${address.value.toString(16)}'`);
  }

  private cr3(mode: Mode | Unsure | undefined, cr3: Located<number>): void {
    if (mode === undefined || mode === UNSURE) return;
    const wrong = cr3Objection(mode, cr3.value);
    if (wrong) throw new Objection(cr3, `expected ${wrong}, found '0x${cr3.value.toString(16)}'`);
  }

  private inSlot(gfn: Located<number>): void {
    if (this.unsureSlots.size) return;
    for (const { first, last } of this.slots.values()) if (gfn.value >= first && gfn.value <= last) return;
    throw new Objection(gfn, `expected a gfn of a memory slot, found '0x${gfn.value.toString(16)}'`);
  }

  private location(location: Location, bytes: Bytes | undefined, value: Value): void {
    const size = this.sizeOf(location, bytes);
    this.value(value, size);
    if (!location.index || size === undefined) return;
    if (location.base.value % PAGE) {
      throw new Objection(
        location.base,
        `expected the address of a table, a multiple of 0x1000, found '0x${location.base.value.toString(16)}'`,
      );
    }
    const entries = PAGE / size;
    for (const index of [location.index.first, location.index.last]) {
      if (index.value >= entries) {
        throw new Objection(
          index,
          `expected an index below ${entries}, for the table has entries of ${size} bytes, found '${index.value}'`,
        );
      }
    }
  }

  private value(value: Value, bytes: Bytes | undefined): void {
    const size = bytes ?? this.entryBytes();
    if (size === undefined) return;
    if (value.nx && size < 8) throw new Objection(value.nx, `expected flags of an entry of ${size} bytes, found 'NX', which is bit 63`);
    if (value.value >> BigInt(8 * size)) {
      throw new Objection(value, `expected a value of ${size} bytes, found '0x${value.value.toString(16)}'; 'as 8 bytes' makes it longer`);
    }
  }

  private sizeOf(location: Location, bytes: Bytes | undefined): Bytes | undefined {
    if (bytes !== undefined || this.current !== undefined) return bytes ?? this.entryBytes();
    throw new Objection(
      location,
      `expected 'as 4 bytes' or 'as 8 bytes' at the end of the line: there is no vCPU yet whose mode tells the size of an entry`,
    );
  }

  private gpaOf({ base, index }: Location, bytes: Bytes | undefined): number {
    return base.value + (index?.first.value ?? 0) * (bytes ?? this.entryBytes() ?? 0);
  }

  private withinPage(span: Span, address: number, bytes: Bytes | undefined): void {
    const size = bytes ?? this.entryBytes() ?? 1;
    if ((address % PAGE) + size <= PAGE) return;
    throw new Objection(span, `expected a write within one page, found ${size} bytes that cross its end; KVM makes two writes of it`);
  }
}

/** Size of an entry of a mode's tables, bytes; without paging there are none, and 8 is as good as 4. */
export function entryBytesOf(mode: Mode): 4 | 8 {
  return mode === 'off' ? 8 : mode === 'npt-32' ? 4 : gpteBytes(mode);
}
