import type { RoleLayout } from '../../engine/roleLayout.js';
import type { Shape } from '../shape.js';
import type { EventFormat } from './format.js';

export function renderFields(_s: Shape, _f: EventFormat, _u: (i: number) => number, _at: number, _l: RoleLayout): string {
  return '';
}
export function renderRecord(_f: EventFormat, _b: Uint8Array, _l: RoleLayout): string {
  return '';
}
