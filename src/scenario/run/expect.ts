import type { Era } from '../../engine/eras.js';
import type { Gfn } from '../../engine/ids.js';
import { checkAll } from '../../engine/invariants/check.js';
import { Life } from '../../engine/pages.js';
import { hex } from '../language/reader.js';
import type { Expectation, Location } from '../language/statement.js';
import type { Cpu } from '../cpu.js';
import type { AccessResult, Machine } from '../machine.js';
import type { Observer } from '../observer.js';
import { eventText, isEvent, type EventFields } from './events.js';
import { filterText, foundPages, pagesLike } from './pages.js';
import { isSpte, placeText, spteIsText, spteOf } from './sptes.js';
import { spteText } from './describe.js';

/** What an expectation is held against. */
export interface Scene {
  readonly machine: Machine;
  readonly era: Era;
  readonly observer: Observer;
  /** the current vCPU */
  readonly cpu: Cpu | undefined;
  /** of the last access */
  readonly result: AccessResult | undefined;
  /** events of the last statement that is no expectation */
  events(): readonly EventFields[];
  /** guest physical address of a location, and the bytes of an entry there */
  at(location: Location, bytes: number | undefined): { readonly gpa: number; readonly bytes: number };
}

/** What was expected and what is there instead. */
export interface Difference {
  readonly expected: string;
  readonly found: string;
}

/** Holds an expectation against what is; undefined where it is so. */
export function differenceFrom(expectation: Expectation, scene: Scene): Difference | undefined {
  const { machine, era } = scene;
  switch (expectation.kind) {
    case 'pages': {
      const { count, filter } = expectation;
      const found = pagesLike(machine, era, filter);
      if (found.length === count) return undefined;
      return { expected: counted(count, 'page', filterText(filter)), found: foundPages(machine, found) };
    }
    case 'spte': {
      const { place, is } = expectation;
      const expected = `${placeText(place)} is ${spteIsText(is)}`;
      const at = spteOf(machine, era, scene.cpu, place);
      if ('none' in at) return { expected, found: at.none };
      return isSpte(machine, era, at, is) ? undefined : { expected, found: spteText(machine, at.page, at.index) };
    }
    case 'va':
      return unlessSame(
        `va ${hex(expectation.address.value)} is ${reachText(expectation.reaches)}`,
        reachText(expectation.reaches),
        reachOf(scene, expectation.address.value),
      );
    case 'events': {
      const { count, name, fields } = expectation;
      const all = scene.events();
      const found = all.filter((event) => isEvent(event, name?.value, fields));
      if (found.length === count) return undefined;
      const wanted = [...(name ? [name.value] : []), ...fields.map(({ key, value }) => `${key.value}=${value.value}`)].join(' ');
      return { expected: counted(count, 'event', wanted), found: eventsText(all, found, name?.value) };
    }
    case 'result':
      return unlessSame(`result ${expectation.result}`, expectation.result, scene.result ?? 'no access');
    case 'used':
      return unlessSame(`${hex(expectation.number.value)} used pages`, hex(expectation.number.value), hex(machine.mmu.usedPages()));
    case 'generation':
      return unlessSame(`generation ${expectation.number.value}`, String(expectation.number.value), String(machine.mmu.generation()));
    case 'memory':
      return memoryDifference(expectation, scene);
    case 'protected': {
      const gfn = expectation.gfn.value as Gfn;
      if (isProtected(machine, gfn) === expectation.protected) return undefined;
      const said = (is: boolean): string => `gfn ${hex(gfn)} is ${is ? '' : 'not '}protected`;
      return { expected: said(expectation.protected), found: said(!expectation.protected) };
    }
    case 'invariants': {
      const { violations } = checkAll(scene.observer.snapshot());
      const broken = [...new Set(violations.map(({ number }) => number))].sort((a, b) => a - b);
      const wanted = [...new Set(expectation.broken.map(({ value }) => value))].sort((a, b) => a - b);
      if (broken.join() === wanted.join()) return undefined;
      const surprising = violations.find(({ number }) => !wanted.includes(number));
      const why = surprising
        ? `: I-${surprising.number}: ${surprising.message} (expected ${surprising.expected}, found ${surprising.found})`
        : '';
      return { expected: `invariants ${brokenText(wanted)}`, found: broken.length ? `${brokenText(broken)}${why}` : 'that all hold' };
    }
  }
}

function unlessSame(expected: string, wanted: string, found: string): Difference | undefined {
  return wanted === found ? undefined : { expected, found };
}

/** `2 pages gfn 5 level 1`, `no page` */
function counted(count: number, what: string, which: string): string {
  return `${count === 0 ? 'no' : count} ${what}${count > 1 ? 's' : ''}${which ? ` ${which}` : ''}`;
}

function brokenText(numbers: readonly number[]): string {
  return numbers.length ? `broken ${numbers.map((number) => `I-${number}`).join(' ')}` : 'hold';
}

type Reaches = Extract<Expectation, { kind: 'va' }>['reaches'];

function reachText(reaches: Reaches): string {
  return typeof reaches === 'string' ? reaches : `gpa ${hex(reaches.value)}`;
}

/** What the hardware reaches at an address through the shadow pages, whatever the rights. */
function reachOf({ cpu }: Scene, address: bigint): string {
  if (cpu?.leadsToMmio(address)) return 'mmio';
  const gpa = cpu?.reaches(address);
  return gpa === undefined ? 'nothing' : `gpa ${hex(gpa)}`;
}

function memoryDifference({ location, bytes, is, value }: Extract<Expectation, { kind: 'memory' }>, scene: Scene): Difference | undefined {
  const place = scene.at(location, bytes?.value);
  const word = scene.machine.guest.read(place.gpa, place.bytes);
  const bits = value.value;
  const holds = is === 'is' ? word === bits : is === 'has' ? (word & bits) === bits : (word & bits) === 0n;
  return holds ? undefined : { expected: `memory at ${hex(place.gpa)} ${is} ${hex(bits)}`, found: hex(word) };
}

/** Whether a write of the guest to a frame would be noticed: a page shadows it, and is in sync with it. */
function isProtected({ mmu, pages, state }: Machine, gfn: Gfn): boolean {
  return mmu.livePages(gfn).some((id) => pages.life(state, id) === Life.active && pages.hasGptes(id) && !pages.isUnsync(state, id));
}

const MOST_EVENTS = 4;

/** Events that were found, or else those of the same name that are not as expected, or what there was instead. */
function eventsText(all: readonly EventFields[], found: readonly EventFields[], name: string | undefined): string {
  const named = found.length ? found : all.filter((event) => event.name === name);
  if (named.length === 0)
    return all.length ? `none; there was ${[...new Set(all.map((event) => event.name))].join(', ')}` : 'no event at all';
  const texts = named.slice(0, MOST_EVENTS).map(eventText);
  return `${found.length}${found.length ? '' : ' such'}: ${texts.join('; ')}${named.length > MOST_EVENTS ? ` and ${named.length - MOST_EVENTS} more` : ''}`;
}
