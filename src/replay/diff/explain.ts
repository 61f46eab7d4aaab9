import type { Feature } from '../../engine/features.js';
import { Kind } from '../../trace/vocabulary.js';
import type { Fact } from './items.js';
import { hadFeature, type DiffRun } from './run.js';

/** What a difference is about, for finding the feature that makes it. */
export interface Subject {
  /** kinds of the events that differ, or that only one run has; none for a difference of states only */
  readonly kinds: ReadonlySet<Kind>;
  /** names of the fields that differ; none where an event is missing */
  readonly fields: ReadonlySet<string>;
  /** fields of an event that only one run has, by name */
  readonly values: ReadonlyMap<string, string>;
  /** of the step, in either run */
  readonly facts: ReadonlySet<Fact>;
  /** the run that has an event which the other has not */
  readonly only: DiffRun | undefined;
  /** an SPTE of it differs in the state after */
  readonly state: boolean;
  /** the page is direct, where it is about one */
  readonly direct: boolean;
}

type Rule = (subject: Subject, feature: Feature) => boolean;

/** Only one run has such an event. */
const about =
  (...kinds: Kind[]): Rule =>
  (s) =>
    s.fields.size === 0 && kinds.some((kind) => s.kinds.has(kind));
const field =
  (...names: string[]): Rule =>
  (s) =>
    names.some((name) => s.fields.has(name));
const during =
  (...facts: Fact[]): Rule =>
  (s) =>
    facts.some((fact) => s.facts.has(fact));
const all =
  (...rules: Rule[]): Rule =>
  (s, feature) =>
    rules.every((rule) => rule(s, feature));
const any =
  (...rules: Rule[]): Rule =>
  (s, feature) =>
    rules.some((rule) => rule(s, feature));

const having =
  (values: Readonly<Record<string, string>>): Rule =>
  (s) =>
    Object.entries(values).every(([name, value]) => s.values.get(name) === value);
const never: Rule = () => false;
/** The run that does more has the feature. */
const more: Rule = ({ only }, feature) => only === undefined || hadFeature(only, feature) !== false;
/** The run that does more is without the feature. */
const less: Rule = ({ only }, feature) => only === undefined || hadFeature(only, feature) !== true;
/** Made anew without D: where D stays, the SPTE is as it was, and has no event. */
const setWithoutDirty = all(about(Kind.setSpte), having({ 'spte.w': '1', 'spte.d': '0' }));

const zaps = about(Kind.prepareZap);
const writes = field('spte.w', 'spte.mw');
const state: Rule = (s) => s.state;
const direct: Rule = (s) => s.direct;
const noMmio: Rule = (s) => !s.facts.has('mmio');
const walked = during('walk');
/** The root stays what it is. */
const calm: Rule = (s) => !s.facts.has('control-register') && !s.facts.has('after-injection');
const unwalked: Rule = (s) => !s.facts.has('walk');

/** Where each feature shows, from what the features say of themselves (engine/features.ts). */
const SHOWS: Readonly<Record<Feature, Rule>> = {
  'quadrant-filter': all(during('emulation'), any(state, zaps)),
  'mmio-decoupling': all(
    during('mmio', 'fault', 'walk'),
    about(Kind.getPage, Kind.markMmio, Kind.handleMmio, Kind.spteRequested, Kind.setSpte),
  ),
  'mmio-sptes': any(
    about(Kind.markMmio, Kind.checkMmio, Kind.handleMmio),
    field('error.reserved'),
    all(during('mmio'), any(state, about(Kind.walk, Kind.getPage, Kind.spteRequested))),
  ),
  'quadrant-in-role': any(field('role.quadrant', 'created', 'page'), state),
  'role-from-parent': field('role.quadrant', 'role.access', 'role.direct'),
  'direct-has-8-byte-gptes': all(field('role.has4ByteGpte'), direct, walked),
  'direct-mmu-quadrants': all(field('role.quadrant', 'gfn'), direct),
  'nonpaging-has-4-byte-gptes': all(field('role.has4ByteGpte'), direct, unwalked),
  'clear-child-invalid': field('role.invalid'),
  'local-pages': any(about(Kind.getPage, Kind.prepareZap), field('root_count', 'role.quadrant'), during('control-register')),
  'local-quadrant-mod-4': field('role.quadrant'),
  'invalid-roots': any(field('role.invalid', 'root_count'), all(zaps, during('control-register'))),
  unsync: any(about(Kind.unsyncPage, Kind.syncPage), field('unsync'), writes, state),
  'unsync-many': any(about(Kind.unsyncPage, Kind.syncPage), field('unsync'), writes, state),
  'transient-sync': any(about(Kind.unsyncPage, Kind.syncPage), field('unsync')),
  'update-on-write': all(during('emulation'), any(state, about(Kind.setSpte, Kind.spteRequested))),
  'child-gfn-check': all(walked, about(Kind.getPage, Kind.prepareZap), more, noMmio, calm),
  'child-role-check': all(walked, about(Kind.getPage, Kind.prepareZap), more, noMmio, calm),
  'drop-before-mmio': all(during('mmio'), state),
  'flood-per-page': all(zaps, during('emulation')),
  'page-track': all(during('fault'), about(Kind.spteRequested, Kind.prepareZap)),
  'user-write-unshadows': any(zaps, writes),
  prefetch: all(during('fault'), any(about(Kind.setSpte), state)),
  'fast-page-fault': all(unwalked, any(about(Kind.fastPageFault, Kind.spteRequested, Kind.setSpte), writes)),
  'large-pages': field('level'),
  'direct-gfn-of-part': all(field('gfn'), direct),
  'byte-writes': all(zaps, during('emulation')),
  generations: any(about(Kind.zapAllFast), during('zap-all'), all(zaps, during('userspace'))),
  'rmap-of-all-leaves': any(writes, state),
  'access-in-role': field('role.access'),
  // What is remembered of an MMIO access has no right to read.
  'read-access': any(field('role.access'), all(during('mmio'), about(Kind.walk), more)),
  'smep-in-role': field('role.smep_andnot_wp', 'role.cr4_smep'),
  'nx-forced': field('role.efer_nx'),
  passthrough: field('role.passthrough'),
  'previous-roots': any(field('root_count', 'created'), all(during('control-register'), any(zaps, about(Kind.getPage)))),
  'nonpaging-write-protection': all(unwalked, any(writes, state)),
  // What a sync leaves, it leaves read-only too.
  'sync-clears-accessed': any(
    field('spte.a', 'spte.d'),
    all(during('sync'), state),
    all(about(Kind.pageFault), having({ 'error.present': '1' }), less),
  ),
  // An SPTE that is made anew as it was has no event.
  'resetting-keeps-dirty': any(field('spte.d'), all(setWithoutDirty, less)),
  // What these say is not compared where only one kernel says it.
  'requests-print-address': never,
  'mmio-set-spte': never,
  'notifier-events': never,
  'sync-zaps-empty': all(zaps, more, during('sync', 'walk', 'control-register')),
  'prefetch-unsyncs': any(all(about(Kind.unsyncPage), more), writes),
  'writable-stays': any(all(field('spte.w', 'spte.mw', 'spte.d'), noMmio), all(setWithoutDirty, more), all(during('sync'), state)),
  'mmio-counts-as-writable': all(field('spte.w', 'spte.mw', 'spte.d'), during('mmio')),
  'unprotect-after-fault': all(during('reinjection'), about(Kind.walk, Kind.prepareZap)),
  'injected-until-entry': all(during('after-injection'), any(all(zaps, more), all(about(Kind.walk, Kind.emulateInsn), less))),
  'invalidate-syncs': all(during('invlpg', 'injection'), any(state, all(about(Kind.setSpte), less))),
};

/** The features that can make a difference; the only one in which the runs differ always does. */
export function explaining(subject: Subject, apart: readonly Feature[]): Feature[] {
  if (apart.length === 1) return [...apart];
  // An SPTE at another level is what a page that is missing, or the host, makes of it.
  if (subject.kinds.has(Kind.setSpte) && subject.fields.has('level')) return [];
  return apart.filter((feature) => SHOWS[feature](subject, feature));
}
