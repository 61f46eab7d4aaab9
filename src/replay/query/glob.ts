/**
 * The kernel's glob match of `~` [lib/glob.c]: `*` any run, `?` one character, `[a-z]` and `[!a-z]` one of a class, `\` protects the
 * next character. The whole text must match. Never becomes a regular expression; runs in time of text × pattern at worst.
 */
export function globMatcher(pattern: string): (text: string) => boolean {
  const atoms = compile(pattern);
  return (text) => matches(atoms, text);
}

type Atom = '*' | ((c: string) => boolean);

function compile(pattern: string): Atom[] {
  const atoms: Atom[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const c = pattern[at]!;
    if (c === '*') {
      if (atoms.at(-1) !== '*') atoms.push('*');
    } else if (c === '?') atoms.push(() => true);
    else if (c === '[') {
      const close = pattern.indexOf(']', at + 2);
      // a bracket that is not closed is an ordinary character
      if (close < 0) atoms.push(same(c));
      else {
        atoms.push(oneOf(pattern.slice(at + 1, close)));
        at = close;
      }
    } else if (c === '\\' && at + 1 < pattern.length) atoms.push(same(pattern[++at]!));
    else atoms.push(same(c));
  }
  return atoms;
}

function same(c: string): Atom {
  return (d) => d === c;
}

function oneOf(text: string): Atom {
  const negated = text.startsWith('!') && text.length > 1;
  const body = negated ? text.slice(1) : text;
  const ranges: [string, string][] = [];
  for (let i = 0; i < body.length; i++) {
    const range = body[i + 1] === '-' && i + 2 < body.length;
    ranges.push([body[i]!, range ? body[i + 2]! : body[i]!]);
    if (range) i += 2;
  }
  return (c) => ranges.some(([from, to]) => c >= from && c <= to) !== negated;
}

function matches(atoms: readonly Atom[], text: string): boolean {
  let a = 0;
  let t = 0;
  let star = -1;
  let resume = 0;
  while (t < text.length) {
    const atom = atoms[a];
    if (atom === '*') {
      star = a++;
      resume = t;
    } else if (atom !== undefined && atom(text[t]!)) {
      a++;
      t++;
    } else if (star >= 0) {
      a = star + 1;
      t = ++resume;
    } else return false;
  }
  while (atoms[a] === '*') a++;
  return a === atoms.length;
}
