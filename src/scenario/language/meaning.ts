import { addressParts } from './addresses.js';
import { hex } from './reader.js';
import type { Setting } from './setting.js';
import type { Expectation, Located, Location, Span, Statement, Value } from './statement.js';
import { FLAGS, type Flag } from './values.js';

/** What a number of a statement stands for. */
export interface Meaning {
  readonly code: string;
  readonly text: string;
}

const PAGE = 4096;
/** bits 12 to 51, and what is above them is flags */
const FRAME = 0x000f_ffff_ffff_f000n;

/** What the number or value at a column means; undefined where there is none, or it says nothing more. */
export function meaningAt({ action }: Statement, column: number, setting: Setting): Meaning | undefined {
  const within = (span: Span | undefined): boolean => span !== undefined && span.column <= column && column < span.end;
  const virtual = (address: Located<bigint>): Meaning | undefined => (within(address) ? addressMeaning(address.value, setting) : undefined);
  const place = (location: Location): Meaning | undefined => (within(location) ? locationMeaning(location, setting) : undefined);
  const word = (value: Value | undefined): Meaning | undefined => (value && within(value) ? entryMeaning(value.value) : undefined);
  const frame = (gfn: Located<number> | undefined): Meaning | undefined =>
    gfn && within(gfn) ? gfnMeaning(gfn.value, setting) : undefined;
  switch (action.kind) {
    case 'read':
    case 'fetch':
    case 'invlpg':
      return virtual(action.address);
    case 'write':
      return virtual(action.address) ?? word(action.value);
    case 'set':
    case 'emulate':
      return place(action.location) ?? word(action.value);
    case 'cr3':
      return within(action.address) ? gpaMeaning(action.address.value, setting) : undefined;
    case 'vcpu':
      return action.cr3 && within(action.cr3) ? gpaMeaning(action.cr3.value, setting) : undefined;
    case 'slot':
    case 'host-map':
    case 'host-take':
    case 'host-share':
      return frame(action.first) ?? frame(action.last);
    case 'expect':
      return expectationMeaning(action.expectation, { virtual, place, word, frame });
    default:
      return undefined;
  }
}

interface Readers {
  readonly virtual: (address: Located<bigint>) => Meaning | undefined;
  readonly place: (location: Location) => Meaning | undefined;
  readonly word: (value: Value) => Meaning | undefined;
  readonly frame: (gfn: Located<number> | undefined) => Meaning | undefined;
}

function expectationMeaning(expectation: Expectation, { virtual, place, word, frame }: Readers): Meaning | undefined {
  switch (expectation.kind) {
    case 'va':
      return virtual(expectation.address);
    case 'spte':
      return expectation.place.kind === 'va' ? virtual(expectation.place.address) : frame(expectation.place.page.gfn);
    case 'memory':
      return place(expectation.location) ?? word(expectation.value);
    case 'pages':
      return frame(expectation.filter.gfn);
    case 'protected':
      return frame(expectation.gfn);
    default:
      return undefined;
  }
}

function addressMeaning(address: bigint, setting: Setting): Meaning | undefined {
  const mode = setting.currentMode();
  return mode && { code: hex(address), text: addressParts(mode, address) };
}

function locationMeaning({ base, index }: Location, setting: Setting): Meaning {
  const bytes = setting.entryBytes();
  if (!index || bytes === undefined) return gpaMeaning(base.value, setting);
  return gpaMeaning(base.value + index.first.value * bytes, setting);
}

function gpaMeaning(gpa: number, setting: Setting): Meaning {
  const offset = gpa % PAGE;
  const gfn = Math.floor(gpa / PAGE);
  const slot = setting.slotOf(gfn);
  return {
    code: hex(gpa),
    text: `gfn ${hex(gfn)}${offset ? `, offset ${hex(offset)}` : ''}${slot === undefined ? '' : `, in slot ${slot}`}.`,
  };
}

function gfnMeaning(gfn: number, setting: Setting): Meaning {
  const slot = setting.slotOf(gfn);
  return {
    code: `gfn ${hex(gfn)}`,
    text: `gpa ${hex(gfn * PAGE)} to ${hex(gfn * PAGE + PAGE - 1)}${slot === undefined ? '' : `, in slot ${slot}`}.`,
  };
}

/** A value as a guest entry. */
function entryMeaning(word: bigint): Meaning {
  const flags = (Object.entries(FLAGS) as [Flag, bigint][]).flatMap(([name, bit]) => (word & bit ? [name] : []));
  return {
    code: hex(word),
    text: `As a guest entry: gfn ${hex((word & FRAME) >> 12n)}${flags.length ? `, ${flags.join(' ')}` : ', not present'}.`,
  };
}
