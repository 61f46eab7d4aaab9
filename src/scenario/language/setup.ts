import { ERAS, eraNamed, eraOfKernel } from '../../engine/eras.js';
import { FEATURE_NAMES, type Feature } from '../../engine/features.js';
import { clauses, type Clauses } from './clauses.js';
import { mismatch, SyntaxFailure, type Reader } from './reader.js';
import { CONTROLS, MODES, type Action, type Control, type Located, type Mode } from './statement.js';
import { MOST_GFN, address, gfn, pfn } from './values.js';

export const ERA_NAMES = ERAS.map(({ name }) => name);
const NAME = /^[a-z_][\w.-]*$/i;
/** as uname prints it */
const VERSION = /^\d+(\.\d+)+(-[\w.-]+)?$/;
const MOST_PAGES = 1 << 20;
/** Fewer pages than recycling frees at once would leave none. */
const LEAST_PAGES = 32;
const MOST_CPUS = 255;
const CPU_ADDRESS = (1n << 40n) - 1n;

export function feature(reader: Reader): Located<Feature> {
  return reader.need(reader.choice(FEATURE_NAMES, 'a feature'));
}

/** An era or a version of a kernel whose rules one of them has. */
export function kernel(reader: Reader): Action {
  const what = 'an era or a kernel version';
  const found = reader.need(reader.match(/^[\w.-]+$/, what, ERA_NAMES));
  const name = ERA_NAMES.find((era) => era === found.value.toLowerCase()) ?? found.value;
  if (!eraNamed(name) && !(VERSION.test(name) && eraOfKernel(name)))
    throw new SyntaxFailure(found, mismatch([{ what, words: ERA_NAMES }], found.value));
  return { kind: 'kernel', kernel: { ...found, value: name } };
}

export function features(reader: Reader, kind: 'without' | 'with'): Action {
  const list = [feature(reader)];
  while (reader.sign(',')) list.push(feature(reader));
  return { kind, features: list };
}

export function limit(reader: Reader): Action {
  const pages = reader.need(reader.count('a number of pages', MOST_PAGES));
  if (pages.value < LEAST_PAGES) throw new SyntaxFailure(pages, `expected a limit of ${LEAST_PAGES} pages or more, found '${pages.value}'`);
  reader.need(reader.word('pages'));
  return { kind: 'limit', pages };
}

export function slotName(reader: Reader): Located<string> {
  return reader.need(reader.match(NAME, 'the name of a slot'));
}

/** `gfn FIRST..LAST` after its word. */
export function gfnRange(reader: Reader): { first: Located<number>; last: Located<number> } {
  const first = reader.need(gfn(reader));
  return { first, last: reader.sign('..') ? lastOf(reader, first) : first };
}

function lastOf(reader: Reader, first: Located<number>): Located<number> {
  const last = reader.need(gfn(reader, 'the last gfn'));
  if (last.value < first.value)
    throw new SyntaxFailure(last, `expected a last gfn from 0x${first.value.toString(16)} on, found '0x${last.value.toString(16)}'`);
  return last;
}

export function slot(reader: Reader): Action {
  const name = slotName(reader);
  reader.need(reader.word('gfn'));
  const range = gfnRange(reader);
  let frame: Located<number> | undefined;
  let large = false;
  clauses(reader, {
    pfn: { read: () => (frame = pfn(reader)) },
    large: { read: () => (large = true) },
  });
  if (range.last.value - range.first.value > MOST_GFN) reader.fail();
  return { kind: 'slot', name, ...range, ...(frame && { pfn: frame }), large };
}

export function vcpu(reader: Reader): Action {
  const id = reader.need(reader.count('the number of a vCPU', MOST_CPUS));
  let mode: Located<Mode> | undefined;
  let cr3: Located<number> | undefined;
  let rootLevels: 4 | 5 | undefined;
  const controls: Partial<Record<Control, boolean>> = {};
  const table: Record<string, Clauses[string]> = {
    paging: { read: () => (mode = reader.need(reader.choice(MODES, 'a paging mode'))) },
    cr3: { read: () => (cr3 = rootAddress(reader)) },
    'root-levels': { read: () => (rootLevels = Number(reader.need(reader.choice(['4', '5'] as const)).value) as 4 | 5) },
  };
  for (const control of CONTROLS) {
    table[control] = { excludes: control, read: () => (controls[control] = true) };
    table[`no${control}`] = { excludes: control, read: () => (controls[control] = false) };
  }
  clauses(reader, table);
  return { kind: 'vcpu', id, ...(mode && { mode }), ...(cr3 && { cr3 }), ...(rootLevels && { rootLevels }), controls };
}

/** What CR3 holds: where the guest's top table lies. */
export function rootAddress(reader: Reader): Located<number> {
  const found = reader.need(address(reader, 'an address for CR3', CPU_ADDRESS, ' (MAXPHYADDR is 40)'));
  return { ...found, value: Number(found.value) };
}
