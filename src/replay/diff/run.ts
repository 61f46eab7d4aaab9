import { ERAS, eraFor, type Era } from '../../engine/eras.js';
import { FEATURE_NAMES, type Feature } from '../../engine/features.js';
import type { EventIndex, Role } from '../../engine/ids.js';
import { ACC_READ, PRINTED_FIELDS, ROLE_FIELDS, roleField, roleMask, type RoleField } from '../../engine/role.js';
import type { RoleLayout } from '../../engine/roleLayout.js';
import type { OldRoleLayout } from '../../engine/oldRoleLayout.js';
import type { History } from '../history.js';

/** One of two runs that are compared, replayed to its end. */
export interface DiffRun {
  readonly history: History;
  /** the rules that it ran under: one era, or those that its kernel may belong to */
  readonly eras: readonly Era[];
  /** a scenario's run: nothing of it is unknown, and its statements are what the guest did */
  readonly isScenario: boolean;
  /** a scenario's `expect`s that failed */
  readonly failures: readonly ExpectFailure[];
}

interface ExpectFailure {
  /** it was seen after this event */
  readonly event: EventIndex;
  readonly message: string;
}

/** A recording. `kernel` is the era or version that was asked for. */
export function recordedRun(history: History, kernel?: string): DiffRun {
  const { from, to, text } = history.table.info.kernel;
  const eras = kernel !== undefined ? [eraFor(kernel)] : text === '' || from === to ? [eraFor(from)] : erasWithin(from, to);
  return { history, eras, isScenario: false, failures: [] };
}

/** The eras of a range of versions, as a text trace tells them by the form of its lines. */
function erasWithin(from: string, to: string): Era[] {
  const first = ERAS.indexOf(eraFor(from));
  const last = ERAS.indexOf(eraFor(to));
  const within = ERAS.slice(Math.min(first, last), Math.max(first, last) + 1).filter(({ kernels }) => kernels.length > 0);
  return within.length ? within : [eraFor(from)];
}

/** Features that one of the runs may have had and the other not. */
export function featuresApart(a: DiffRun, b: DiffRun): Feature[] {
  const mayHave = ({ eras }: DiffRun, feature: Feature, has: boolean): boolean => eras.some((era) => era.features.has(feature) === has);
  return FEATURE_NAMES.filter(
    (feature) => (mayHave(a, feature, true) && mayHave(b, feature, false)) || (mayHave(a, feature, false) && mayHave(b, feature, true)),
  );
}

/** Whether a run had a feature; undefined where its kernel is not known well enough. */
export function hadFeature({ eras }: DiffRun, feature: Feature): boolean | undefined {
  const having = eras.filter((era) => era.features.has(feature)).length;
  return having === eras.length ? true : having === 0 ? false : undefined;
}

/** How the roles of two runs are compared: in the fields that both kernels have and both records show. */
export class RoleComparison {
  readonly fields: readonly RoleField[];
  private readonly mask: number;
  private readonly accessMask: number;

  constructor(a: DiffRun, b: DiffRun) {
    const [inA, inB] = [fieldsOf(a), fieldsOf(b)];
    this.fields = ROLE_FIELDS.filter((field) => inA.has(field) && inB.has(field));
    this.accessMask = [a, b].every(({ eras }) => eras[0]!.features.has('read-access')) ? 0xf : 0xf & ~ACC_READ;
    this.mask = roleMask(this.fields.filter((field) => field !== 'access' && field !== 'invalid'));
  }

  value(role: Role, field: RoleField): number {
    const value = roleField(role, field);
    return field === 'access' ? value & this.accessMask : value;
  }

  /** What of a role tells pages apart in both runs. */
  key(role: Role): number {
    return ((role & this.mask) >>> 0) + (roleField(role, 'access') & this.accessMask) * 2 ** 32;
  }
}

function fieldsOf({ history, eras, isScenario }: DiffRun): Set<RoleField> {
  const { layout, roles } = history.table.info;
  const all = isScenario ? fieldsOfLayout(eras[0]!.roles) : fieldsOfLayout(layout);
  const shown = isScenario || roles === 'exact' ? all : all.filter((field) => PRINTED_FIELDS.includes(field));
  return new Set(shown.filter((field) => field !== 'hidden'));
}

function fieldsOfLayout(layout: RoleLayout | OldRoleLayout): RoleField[] {
  if ('bit4Is8Byte' in layout) return Object.keys(layout.fields) as RoleField[];
  const old: RoleField[] = ['level', 'has4ByteGpte', 'quadrant', 'direct', 'access'];
  return layout.fields.invalid ? [...old, 'invalid'] : old;
}

/** The run of a scenario under one era, some of its features perhaps switched off. */
export function scenarioRun(history: History, era: Era, failures: readonly ExpectFailure[]): DiffRun {
  return { history, eras: [era], isScenario: true, failures };
}
