/**
 * The longest text that every match of a regular expression has in it, as far as that can be seen at a glance: '' when there is none.
 * It may miss some; what it answers is certain.
 */
export function requiredText(source: string): string {
  if (/[|]|\(\?/.test(source)) return '';
  let best = '';
  let run = '';
  let depth = 0;
  const cut = (): void => {
    if (run.length > best.length) best = run;
    run = '';
  };
  for (let i = 0; i < source.length; i++) {
    const c = source[i]!;
    if (c === '\\') {
      const escaped = source[++i] ?? '';
      // A class, an anchor, a back reference or a code is no text; a sign after a backslash is itself.
      if (/[A-Za-z0-9]/.test(escaped)) cut();
      else if (depth === 0) run += escaped;
      // Codes: what comes after the letter belongs to it.
      if (/[xucpPk]/.test(escaped)) return best;
    } else if (c === '[') {
      cut();
      while (++i < source.length && source[i] !== ']') if (source[i] === '\\') i++;
    } else if (c === '(' || c === ')') {
      cut();
      depth += c === '(' ? 1 : -1;
    } else if (c === '?' || c === '*' || c === '{') {
      // The last character need not be there.
      run = run.slice(0, -1);
      cut();
      if (c === '{') while (++i < source.length && source[i] !== '}');
    } else if (c === '+' || c === '.' || c === '^' || c === '$') cut();
    else if (depth === 0) run += c;
  }
  cut();
  return best;
}
