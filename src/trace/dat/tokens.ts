/** Tokens of the C that print fmts are written in. Anything else is a SyntaxError. */
export interface Token {
  readonly type: 'number' | 'string' | 'name' | 'op' | 'end';
  /** of strings: without quotes, escapes resolved */
  readonly text: string;
  readonly value?: bigint;
}

const TOKEN =
  /\s+|(?<number>0[xX][0-9a-fA-F]+[uUlL]*|\d+[uUlL]*)|(?<name>[A-Za-z_]\w*)|(?<string>"(?:[^"\\]|\\[^])*")|(?<char>'(?:[^'\\]|\\.)')|(?<op>->|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^~!<>=?:,;.()[\]{}])/gy;

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '0': '\0', '"': '"', "'": "'", '\\': '\\' };

export class Tokens {
  readonly #tokens: Token[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = [...tokenize(text)];
  }

  peek(): Token {
    return this.#tokens[this.#at]!;
  }

  next(): Token {
    const token = this.#tokens[this.#at]!;
    if (token.type !== 'end') this.#at++;
    return token;
  }

  mark(): number {
    return this.#at;
  }

  reset(mark: number): void {
    this.#at = mark;
  }

  /** Steps over an operator if it is the next token. */
  take(op: string): boolean {
    const { type, text } = this.peek();
    if (type !== 'op' || text !== op) return false;
    this.#at++;
    return true;
  }

  expect(op: string): void {
    if (!this.take(op)) throw new SyntaxError(`${op} expected, ${this.peek().text} found`);
  }

  expectEnd(): void {
    if (this.peek().type !== 'end') throw new SyntaxError(`end expected, ${this.peek().text} found`);
  }

  string(): string {
    return this.#typed('string');
  }

  name(): string {
    return this.#typed('name');
  }

  #typed(type: Token['type']): string {
    const token = this.next();
    if (token.type !== type) throw new SyntaxError(`${type} expected, ${token.text} found`);
    return token.text;
  }
}

function* tokenize(text: string): Generator<Token> {
  TOKEN.lastIndex = 0;
  let at = 0;
  while (at < text.length) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (!match) throw new SyntaxError(`unexpected ${text[at]}`);
    at = TOKEN.lastIndex;
    const { number, name, string, char, op } = match.groups as Record<string, string | undefined>;
    if (number !== undefined) yield { type: 'number', text: number, value: numberOf(number) };
    else if (name !== undefined) yield { type: 'name', text: name };
    else if (string !== undefined) yield { type: 'string', text: unescaped(string.slice(1, -1)) };
    else if (char !== undefined) yield { type: 'number', text: char, value: BigInt(unescaped(char.slice(1, -1)).charCodeAt(0)) };
    else if (op !== undefined) yield { type: 'op', text: op };
  }
  yield { type: 'end', text: 'the end' };
}

function numberOf(text: string): bigint {
  const digits = text.replace(/[uUlL]+$/, '');
  return /^0\d+$/.test(digits) ? BigInt(`0o${digits.slice(1)}`) : BigInt(digits);
}

function unescaped(text: string): string {
  return text.replace(/\\([^])/g, (whole, c: string) => ESCAPES[c] ?? whole);
}
