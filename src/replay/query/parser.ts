import type { Node } from './ast.js';
import { Abort, ConditionError } from './errors.js';
import { COMPARISONS, tokenize, type Comparison, type Token } from './lexer.js';

/** Deeper nesting than anybody writes; keeps a hostile text from exhausting the stack. */
const MAX_DEPTH = 200;

/** Parses a condition. Throws {@link Abort}; use it through `catching`. */
export function parse(text: string): Node {
  return new Parser(text).all();
}

class Parser {
  private readonly tokens: Token[];
  private at = 0;
  private depth = 0;

  constructor(private readonly text: string) {
    this.tokens = tokenize(text);
  }

  all(): Node {
    if (this.peek().type === 'end') this.fail('the condition is empty');
    const node = this.or();
    const rest = this.peek();
    if (rest.type !== 'end') this.fail(this.leftOver(rest), rest);
    return node;
  }

  private or(): Node {
    let left = this.and();
    while (this.take('||')) left = { type: 'or', left, right: this.and() };
    return left;
  }

  private and(): Node {
    let left = this.unary();
    while (this.take('&&')) left = { type: 'and', left, right: this.unary() };
    return left;
  }

  private unary(): Node {
    if (++this.depth > MAX_DEPTH) this.fail(`more than ${MAX_DEPTH} nested parentheses`);
    const node = this.nested();
    this.depth--;
    return node;
  }

  private nested(): Node {
    if (this.take('!')) return { type: 'not', operand: this.unary() };
    const open = this.peek();
    if (this.take('(')) {
      const inner = this.or();
      if (!this.take(')')) {
        if (this.peek().type === 'end') this.fail("this '(' is not closed", open);
        this.fail(this.leftOver(this.peek()));
      }
      return inner;
    }
    return this.predicate();
  }

  private predicate(): Node {
    const field = this.next();
    if (field.type !== 'word') this.fail(this.wanted('a field', field), field);
    const place = { path: field.text, column: field.column, length: field.length };
    const op = this.peek();
    if (op.type !== 'op' || !COMPARISONS.includes(op.text as Comparison)) return { type: 'field', ...place };
    this.at++;
    const value = this.next();
    if (value.type !== 'word' && value.type !== 'string') this.fail(this.wanted(`a value after ${op.text}`, value), value);
    const literal = { quoted: value.type === 'string', text: value.text, column: value.column, length: value.length };
    return { type: 'compare', field: place, op: op.text as Comparison, value: literal };
  }

  private leftOver(token: Token): string {
    if (token.text === ')') return "this ')' closes nothing";
    if (COMPARISONS.includes(token.text as Comparison)) return 'one comparison at a time; join two with && or ||';
    return `expected && or || before ${shown(token)}`;
  }

  private wanted(what: string, got: Token): string {
    if (got.type === 'end') return `expected ${what}, but the text ends here`;
    if (got.type === 'string') return `expected ${what}, not text; a comparison begins with a field`;
    return `expected ${what}, not ${shown(got)}`;
  }

  private peek(): Token {
    return this.tokens[this.at]!;
  }

  private next(): Token {
    const token = this.peek();
    if (token.type !== 'end') this.at++;
    return token;
  }

  private take(op: string): boolean {
    const token = this.peek();
    if (token.type !== 'op' || token.text !== op) return false;
    this.at++;
    return true;
  }

  private fail(message: string, token: Token = this.peek()): never {
    throw new Abort(new ConditionError(message, this.text, token.column, token.length));
  }
}

function shown(token: Token): string {
  return token.type === 'string' ? `"${token.text}"` : `'${token.text}'`;
}
