import { BEFORE_FIRST, type EventIndex, type PageId, type Role, type SpteIndex } from '../../engine/ids.js';
import { roleField } from '../../engine/role.js';
import { isMmioSpte } from '../../engine/spte.js';
import type { EventTable } from '../../trace/table.js';
import { Kind, SpSlot } from '../../trace/vocabulary.js';
import { OUTPUTS } from '../accounts.js';
import type { DiffRun } from './run.js';
import { accessOf, type Step, type Thread } from './steps.js';

/** One event of a step that is compared, or a whole walk of the guest's tables. */
export interface Item {
  readonly kind: Kind;
  readonly event: EventIndex;
  /** what must be equal for two items to be about the same thing */
  readonly key: string;
  /** the page it is about, 0 for none, and the SPTE in it */
  readonly page: PageId;
  readonly index: SpteIndex | -1;
  /** of a walk: level and value of the guest entries, without A and D */
  readonly gptes?: readonly (readonly [level: number, value: bigint])[];
}

/** What a step did, for the comparison and for what explains a difference. */
export interface StepItems {
  readonly items: readonly Item[];
  /** addresses of the guest entries in which KVM set A or D */
  readonly bitsSet: ReadonlySet<string>;
  readonly facts: ReadonlySet<Fact>;
}

/** What sort of step it is: this tells which feature can have to do with a difference. */
export type Fact =
  | 'fault'
  | 'walk'
  | 'emulation'
  | 'sync'
  | 'injection'
  | 'reinjection'
  | 'after-injection'
  | 'invlpg'
  | 'mmio'
  | 'control-register'
  | 'zap-all'
  | 'userspace';

/** Which events count in a comparison of two runs. */
export interface Scope {
  readonly kinds: ReadonlySet<Kind>;
  /** both runs have events for exits */
  readonly exits: boolean;
  /** kvm_mmu_spte_requested says the same in both */
  readonly requests: boolean;
}

const EVENT_INJECTED = 1 << 31;
const PF = 14;
const A_AND_D = 0x60n;

const INPUTS: readonly Kind[] = [Kind.pageFault, Kind.walk, Kind.walkerError, Kind.injException, Kind.emulateInsn, Kind.cr, Kind.mmio];

/** Events count that both runs could record: an input that one of them never has was not recorded there. */
export function scopeOf(a: DiffRun, b: DiffRun): Scope {
  const recorded = ({ history: { table }, isScenario }: DiffRun): Set<Kind> => {
    const kinds = new Set<Kind>(isScenario ? INPUTS : []);
    for (let event = 0; event < table.length; event++) kinds.add(table.kind(event));
    return kinds;
  };
  const [inA, inB] = [recorded(a), recorded(b)];
  const addresses = [a, b].map(({ eras }) => eras[0]!.features.has('requests-print-address'));
  return {
    kinds: new Set([...OUTPUTS, ...INPUTS.filter((kind) => inA.has(kind) && inB.has(kind))]),
    exits: inA.has(Kind.exit) && inB.has(Kind.exit),
    requests: addresses[0] === addresses[1],
  };
}

export function itemsOf(run: DiffRun, thread: Thread, step: Step, scope: Scope): StepItems {
  const { table } = run.history;
  const items: Item[] = [];
  const bitsSet = new Set<string>();
  const facts = new Set<Fact>();
  let gptes: (readonly [number, bigint])[] | undefined;
  for (let event = step.first; event <= step.last; event++) {
    if (!thread.has(event)) continue;
    const kind = table.kind(event);
    noteFacts(table, event, kind, facts);
    if (kind === Kind.element) gptes?.push([table.num(event, 1), table.word(event, 0) & ~A_AND_D]);
    else if (kind === Kind.setAccessed) bitsSet.add(`A of ${table.word(event, 0).toString(16)}`);
    else if (kind === Kind.setDirty) bitsSet.add(`D of ${table.word(event, 0).toString(16)}`);
    if (!scope.kinds.has(kind)) continue;
    const key = keyOf(run, event, kind, scope);
    if (key === undefined) continue;
    if (kind === Kind.walk) gptes = [];
    const spte = run.history.notes.spteOf(event);
    items.push({
      kind,
      event,
      key,
      page: run.history.notes.pageOf(event),
      index: spte?.index ?? -1,
      ...(kind === Kind.walk && gptes && { gptes }),
    });
  }
  return { items, bitsSet, facts };
}

/** What the event is about; undefined for one that only one of the kernels has, or that says nothing of its own. */
function keyOf(run: DiffRun, event: EventIndex, kind: Kind, scope: Scope): string | undefined {
  const { table } = run.history;
  const hex = (slot: number): string => table.word(event, slot).toString(16);
  switch (kind) {
    case Kind.getPage:
    case Kind.syncPage:
    case Kind.unsyncPage:
    case Kind.prepareZap:
      return `${kind} ${hex(SpSlot.gfn)} L${roleField(table.num(event, SpSlot.role) as Role, 'level')}`;
    case Kind.setSpte: {
      // Kernels before 5.13 announce an MMIO SPTE here too, right after mark_mmio_spte.
      const format = run.history.mmus[0]?.format;
      return format && isMmioSpte(format, table.word(event, 1)) ? undefined : `${kind} ${hex(0)} L${table.num(event, 3)}`;
    }
    case Kind.spteRequested:
      return scope.requests ? `${kind} ${hex(0)}` : undefined;
    case Kind.markMmio:
    case Kind.handleMmio:
      return `${kind} ${hex(1)}`;
    case Kind.fastPageFault:
      return `${kind} ${hex(1)} ${accessOf(table.num(event, 2))}`;
    case Kind.walk:
      return `${kind} ${hex(0)} ${accessOf(table.num(event, 1))}`;
    case Kind.pageFault:
      return `${kind} ${hex(2)} ${accessOf(table.num(event, 3))}`;
    case Kind.injException:
      // Delivered anew after the exit that its delivery caused: nothing new.
      return table.num(event, 3) === 1 ? undefined : `${kind} ${table.num(event, 0)}`;
    case Kind.cr:
      return `${kind} ${table.num(event, 0)} ${table.num(event, 1)}`;
    case Kind.mmio:
      return `${kind} ${table.string(event, 0)} ${hex(2)}`;
    default:
      return String(kind);
  }
}

function noteFacts(table: EventTable, event: EventIndex, kind: Kind, facts: Set<Fact>): void {
  switch (kind) {
    case Kind.exit:
      if (/^invlpg/i.test(table.string(event, 0))) facts.add('invlpg');
      if (/cr\d|cr_access|msr/i.test(table.string(event, 0))) facts.add('control-register');
      if (table.num(event, 4) & EVENT_INJECTED) facts.add('reinjection');
      break;
    case Kind.pageFault:
      facts.add('fault');
      break;
    case Kind.walk:
      facts.add('walk');
      break;
    case Kind.emulateInsn:
      facts.add('emulation');
      break;
    case Kind.syncPage:
      facts.add('sync');
      break;
    case Kind.injException:
      if (table.num(event, 0) === PF && table.num(event, 3) !== 1) facts.add('injection');
      break;
    case Kind.walkerError:
      // Without kvm_inj_exception the walk that failed tells that a fault will be injected.
      facts.add('injection');
      break;
    case Kind.markMmio:
    case Kind.checkMmio:
    case Kind.handleMmio:
    case Kind.mmio:
      facts.add('mmio');
      break;
    case Kind.cr:
      facts.add('control-register');
      break;
    case Kind.zapAllFast:
      facts.add('zap-all');
      break;
    case Kind.userspaceExit:
      facts.add('userspace');
      break;
    default:
  }
}

export const NO_EVENT = BEFORE_FIRST;
