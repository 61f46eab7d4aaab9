import { exceptionText } from './exceptions.js';
import { pluginRoleText } from './report/roleWord.js';
import { roleText } from './roleText.js';
import type { Role } from '../engine/ids.js';
import type { HoleStep, Template } from './template.js';

/** The message of an event whose units begin at `base`; `unit` reads one of them. */
export function writeMessage(template: Template, unit: (i: number) => number, base: number, strings: readonly string[]): string {
  let text = '';
  for (const step of template.steps) text += 'literal' in step ? step.text : written(step, unit, base, strings);
  return text;
}

function written(step: HoleStep, unit: (i: number) => number, base: number, strings: readonly string[]): string {
  const { hole, at } = step;
  const value = unit(base + at);
  switch (hole.type) {
    case 'hex': {
      const high = hole.wide ? unit(base + at + 1) : 0;
      const digits = high ? high.toString(16) + value.toString(16).padStart(8, '0') : value.toString(16);
      return digits.padStart(hole.width, '0');
    }
    case 'dec':
      return String(hole.signed ? value | 0 : value);
    case 'flag':
      return value ? hole.yesText : hole.noText;
    case 'wideDec':
      return String((BigInt(unit(base + at + 1)) << 32n) | BigInt(value));
    case 'str':
      return hole.spelling ? hole.spelling.write(strings[value]!) : strings[value]!;
    case 'plugin':
      return pluginRoleText(value);
    case 'tail':
      return strings[value]!;
    case 'role':
      return roleText(value as Role, hole.letters);
    case 'u':
      return (value | 0) < 0 ? '' : value ? 'u' : '-';
    case 'wbit':
      return unit(base + hole.spte) & 2 ? 'w' : '-';
    case 'insn': {
      const bytes: string[] = [];
      for (let i = 0; i < unit(base + hole.len); i++) {
        bytes.push(((unit(base + at + (i >>> 2)) >>> ((i & 3) * 8)) & 0xff).toString(16).padStart(2, '0'));
      }
      return bytes.join(' ');
    }
    case 'exc':
      return exceptionText(value);
  }
}
