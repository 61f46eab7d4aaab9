import { TEMPLATES } from './kernelText.js';
import { specOf } from './vocabulary.js';
import { nameText, prefixText, timeText } from './lineText.js';
import type { Context, Shape } from './shape.js';
import type { HoleType } from './template.js';
import type { Expr, PrintFmt } from './dat/expr.js';

/**
 * A part of the lines that events of one context and shape have: the same text in all of them, any text made of some characters, one of
 * several patterns, or anything. A pattern may allow lines that never occur; it leaves none out that does.
 */
export type Part =
  { readonly text: string } | { readonly chars: string } | { readonly either: readonly (readonly Part[])[] } | { readonly anything: true };

const ANYTHING: Part = { anything: true };
/** of numbers in any base, with blanks before or after */
const NUMBER: Part = { chars: '0123456789abcdefABCDEFx+- ' };
const BLANKS: Part = { chars: ' ' };
const ROLE: Part = { chars: 'l0123456789-byteqdircwuxvanm! ' };
const PLUGIN_ROLE: Part = { chars: '0123456789qdirectwuxnvalpe!smp -' };

const oneOf = (texts: readonly string[]): Part => ({ either: texts.map((text) => [{ text }]) });

/** What lines of a context and shape look like. `strings` are those that the table has so far. */
export function linePattern(context: Context, shape: Shape, strings: readonly string[]): Part[] {
  const named = shape.text.from !== 'bytes' || shape.text.named;
  return [
    ...prefixPattern(context),
    ...(named ? [{ text: nameText(context, shape.name, shape.system ?? specOf(shape.kind)?.system) }] : []),
    ...messagePattern(shape, strings),
  ];
}

function prefixPattern(context: Context): Part[] {
  const text = prefixText(context, 0n);
  const time = timeText(context, 0n);
  const at = text.lastIndexOf(time);
  if (time === '' || at < 0) return [{ text }];
  // There are as many blanks before a time as it leaves room for.
  return [{ text: text.slice(0, at).trimEnd() }, { chars: ' 0123456789.us' }, { text: text.slice(at + time.length) }];
}

function messagePattern({ text }: Shape, strings: readonly string[]): Part[] {
  switch (text.from) {
    case 'bytes':
      return [ANYTHING];
    case 'template':
      return TEMPLATES[text.template]!.steps.map((step) => ('literal' in step ? { text: step.text } : holePattern(step.hole, strings)));
    case 'fields':
    case 'record':
      return text.format.print ? printPattern(text.format.print) : [ANYTHING];
  }
}

function holePattern(hole: HoleType, strings: readonly string[]): Part {
  switch (hole.type) {
    case 'hex':
    case 'dec':
    case 'wideDec':
    case 'insn':
      return NUMBER;
    case 'flag':
      return oneOf([hole.yesText, hole.noText]);
    case 'role':
      return ROLE;
    case 'plugin':
      return PLUGIN_ROLE;
    case 'u':
      return oneOf(['u', '-', '']);
    case 'wbit':
      return oneOf(['w', '-']);
    case 'str':
      // The table has the kernel's names; the text has the plugin's.
      if (hole.spelling) return ANYTHING;
      return strings.length > MOST_STRINGS ? ANYTHING : oneOf(strings);
    case 'tail':
      return strings.length > MOST_STRINGS ? ANYTHING : oneOf(strings);
    case 'exc':
      return { chars: '#ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefx' };
  }
}

/** A trace has a few dozen; where a damaged one has many, looking at them all takes longer than it saves. */
const MOST_STRINGS = 500;

function printPattern({ pieces, args }: PrintFmt): Part[] {
  let next = 0;
  return pieces.flatMap((piece) => {
    if (typeof piece === 'string') return [{ text: piece }];
    if (piece.width === '*') next++;
    if (piece.precision === '*') next++;
    const arg = args[next++];
    switch (piece.type) {
      case 's':
        return piece.precision === undefined && arg ? [BLANKS, ...textPattern(arg), BLANKS] : [ANYTHING];
      case 'c':
        // The kernel ends its own strings with a NUL, which is not printed.
        return arg?.t === 'num' && arg.value === 0n ? [] : [ANYTHING];
      case 'p':
        return /^[SsFfBUIMh]/.test(piece.pointer) ? [ANYTHING] : [NUMBER];
      default:
        return [NUMBER];
    }
  });
}

/** What `%s` makes of an expression. */
function textPattern(e: Expr): Part[] {
  switch (e.t) {
    case 'str':
      return [{ text: e.value }];
    case 'table':
      return [oneOf([...e.items, ''])];
    case 'cond':
      return [{ either: [textPattern(e.a), textPattern(e.b)] }];
    case 'text':
      return printPattern(e.fmt);
    case 'names': {
      const names = e.pairs.map(([, name]) => name);
      if (e.flags) return [{ chars: [...names, e.delimiter, '0123456789abcdefx'].join('') }];
      return [{ either: [...names.map((text) => [{ text }]), [NUMBER]] }];
    }
    default:
      return [ANYTHING];
  }
}
