import { parseConversions } from './printf.js';
import { QUALIFIERS, TYPES } from './cTypes.js';
import { Tokens } from './tokens.js';
import type { Expr, PrintFmt } from './expr.js';

/** What a statement expression declares. */
interface Scope {
  readonly tables: Map<string, readonly string[]>;
  readonly unions: Map<string, Expr>;
}

/** Null when the text uses something that is not understood. */
export function parsePrintFmt(text: string, fields: ReadonlySet<string>): PrintFmt | null {
  try {
    const parser = new Parser(new Tokens(text), fields);
    return parser.whole();
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

const BINARY: Readonly<Record<string, number>> = {
  '||': 1,
  '&&': 2,
  '|': 3,
  '^': 4,
  '&': 5,
  '==': 6,
  '!=': 6,
  '<': 7,
  '>': 7,
  '<=': 7,
  '>=': 7,
  '<<': 8,
  '>>': 8,
  '+': 9,
  '-': 9,
  '*': 10,
  '/': 10,
  '%': 10,
};

class Parser {
  readonly #tokens: Tokens;
  readonly #fields: ReadonlySet<string>;
  #scope: Scope = { tables: new Map(), unions: new Map() };

  constructor(tokens: Tokens, fields: ReadonlySet<string>) {
    this.#tokens = tokens;
    this.#fields = fields;
  }

  whole(): PrintFmt {
    const fmt = this.#format();
    this.#tokens.expectEnd();
    return fmt;
  }

  /** A format string and its arguments, up to a closing bracket or the end. */
  #format(): PrintFmt {
    const pieces = parseConversions(this.#strings());
    const args: Expr[] = [];
    while (this.#tokens.take(',')) args.push(this.#expression());
    return { pieces, args };
  }

  /** Adjacent string literals are one. */
  #strings(): string {
    let text = this.#tokens.string();
    while (this.#tokens.peek().type === 'string') text += this.#tokens.string();
    return text;
  }

  #expression(): Expr {
    const c = this.#binary(1);
    if (!this.#tokens.take('?')) return c;
    const a = this.#expression();
    this.#tokens.expect(':');
    return { t: 'cond', c, a, b: this.#expression() };
  }

  #binary(level: number): Expr {
    let a = this.#unary();
    for (;;) {
      const { type, text } = this.#tokens.peek();
      const precedence = type === 'op' ? (BINARY[text] ?? 0) : 0;
      if (precedence < level) return a;
      this.#tokens.next();
      a = { t: 'binary', op: text, a, b: this.#binary(precedence + 1) };
    }
  }

  #unary(): Expr {
    for (const op of ['!', '~', '-', '+']) {
      if (this.#tokens.take(op)) return op === '+' ? this.#unary() : { t: 'unary', op, a: this.#unary() };
    }
    // The address of a field stands for the field: what prints it knows whether it wants its bytes.
    if (this.#tokens.take('&')) return this.#unary();
    return this.#postfix(this.#primary());
  }

  #primary(): Expr {
    const token = this.#tokens.next();
    switch (token.type) {
      case 'number':
        return { t: 'num', value: token.value! };
      case 'string': {
        let value = token.text;
        while (this.#tokens.peek().type === 'string') value += this.#tokens.string();
        return { t: 'str', value };
      }
      case 'name':
        return this.#named(token.text);
      case 'op':
      case 'end':
        if (token.text === '(') return this.#parenthesis();
        throw new SyntaxError(`unexpected ${token.text}`);
    }
  }

  #parenthesis(): Expr {
    if (this.#tokens.peek().text === '{') return this.#statements();
    const cast = this.#castType();
    if (cast) {
      const a = this.#unary();
      return { t: 'cast', bits: Math.abs(cast), signed: cast < 0, a };
    }
    const inner = this.#expression();
    this.#tokens.expect(')');
    return inner;
  }

  /** `unsigned long)` after an opening bracket, when that is a type: its bits, negative when signed. */
  #castType(): number | undefined {
    const mark = this.#tokens.mark();
    let bits: number | undefined;
    let pointer = false;
    let unsigned = false;
    for (;;) {
      const token = this.#tokens.next();
      if (token.text === ')' && token.type === 'op' && bits !== undefined) break;
      if (token.type === 'op' && token.text === '*' && bits !== undefined) pointer = true;
      else if (token.type === 'name' && (token.text in TYPES || QUALIFIERS.has(token.text))) {
        if (token.text === 'unsigned') unsigned = true;
        const own = TYPES[token.text];
        if (own !== undefined && (bits === undefined || token.text !== 'int')) bits = own;
        bits ??= token.text === 'signed' ? -32 : undefined;
      } else {
        this.#tokens.reset(mark);
        return undefined;
      }
    }
    if (pointer) return 64;
    return unsigned ? Math.abs(bits) : bits;
  }

  #named(name: string): Expr {
    // `(REC)->x`: the arrow comes after the bracket.
    if (name === 'REC') return this.#tokens.peek().text === ')' ? { t: 'enum', name } : this.#record();
    const table = this.#scope.tables.get(name);
    if (table) {
      this.#tokens.expect('[');
      const i = this.#expression();
      this.#tokens.expect(']');
      return { t: 'table', items: table, i };
    }
    const word = this.#scope.unions.get(name);
    if (word) {
      this.#tokens.expect('.');
      const member = this.#tokens.name();
      return member === 'word' ? word : { t: 'role', member, word };
    }
    if (name === 'sizeof') throw new SyntaxError('sizeof');
    if (this.#tokens.take('(')) return this.#call(name);
    return { t: 'enum', name };
  }

  #record(): Expr {
    this.#tokens.expect('->');
    const name = this.#tokens.name();
    if (!this.#fields.has(name)) throw new SyntaxError(`no field ${name}`);
    return { t: 'field', name };
  }

  /** `(REC)->x`, `REC->array[i]` */
  #postfix(expression: Expr): Expr {
    if (expression.t === 'enum' && expression.name === 'REC' && this.#tokens.peek().text === '->') return this.#record();
    if (expression.t === 'field' && this.#tokens.take('[')) {
      const i = this.#expression();
      this.#tokens.expect(']');
      return { t: 'element', field: expression.name, i };
    }
    const next = this.#tokens.peek();
    if (next.type === 'op' && (next.text === '.' || next.text === '->' || next.text === '[')) throw new SyntaxError(`postfix ${next.text}`);
    return expression;
  }

  #call(name: string): Expr {
    switch (name) {
      case '__print_symbolic':
      case '__print_symbolic64':
        return this.#names(false);
      case '__print_flags':
      case '__print_flags64':
        return this.#names(true);
      case '__get_str':
      case '__get_rel_str':
      case '__get_dynamic_array':
      case '__get_rel_dynamic_array':
      case '__get_dynamic_array_len':
      case '__get_rel_dynamic_array_len':
      case '__get_bitmask':
      case '__get_cpumask':
      case '__get_rel_cpumask': {
        const field = this.#tokens.name();
        this.#tokens.expect(')');
        if (!this.#fields.has(field)) throw new SyntaxError(`no field ${field}`);
        return { t: 'call', name: name.replace('_rel_', '_'), args: [{ t: 'field', name: field }] };
      }
      case '__print_hex':
      case '__print_hex_str':
      case '__print_array':
      case '__print_dynamic_array':
        return { t: 'call', name, args: this.#arguments() };
      case '__builtin_expect':
        return this.#arguments()[0]!;
      default:
        throw new SyntaxError(`call of ${name}`);
    }
  }

  #arguments(): Expr[] {
    const args: Expr[] = [];
    while (!this.#tokens.take(')')) {
      if (args.length > 0) this.#tokens.expect(',');
      args.push(this.#expression());
    }
    return args;
  }

  #names(flags: boolean): Expr {
    const value = this.#expression();
    let delimiter = '';
    if (flags) {
      this.#tokens.expect(',');
      delimiter = this.#strings();
    }
    const pairs: [Expr, string][] = [];
    while (this.#tokens.take(',')) {
      this.#tokens.expect('{');
      if (this.#tokens.take('}')) continue;
      const key = this.#expression();
      this.#tokens.expect(',');
      const text = this.#tokens.peek().type === 'string' ? this.#strings() : null;
      if (text === null) {
        // `{ -1, ((void *)0) }`: the end of a table
        this.#expression();
        this.#tokens.expect('}');
        continue;
      }
      pairs.push([key, text]);
      this.#tokens.expect('}');
    }
    this.#tokens.expect(')');
    return { t: 'names', flags, value, delimiter, pairs };
  }

  /** `({ declarations; trace_seq_printf(p, "…", …); saved_ptr; })`, what the kernel's own macros make: the text it prints. */
  #statements(): Expr {
    const outer = this.#scope;
    this.#scope = { tables: new Map(outer.tables), unions: new Map(outer.unions) };
    this.#tokens.expect('{');
    let fmt: PrintFmt | undefined;
    while (!this.#tokens.take('}')) fmt = this.#statement() ?? fmt;
    this.#tokens.expect(')');
    this.#scope = outer;
    if (!fmt) throw new SyntaxError('a statement expression without text');
    return { t: 'text', fmt };
  }

  #statement(): PrintFmt | undefined {
    const start = this.#tokens.peek();
    if (start.text === 'trace_seq_printf') {
      this.#tokens.next();
      this.#tokens.expect('(');
      this.#tokens.name(); // p
      this.#tokens.expect(',');
      const fmt = this.#format();
      this.#tokens.expect(')');
      this.#tokens.expect(';');
      return fmt;
    }
    const words: string[] = [];
    for (;;) {
      const token = this.#tokens.next();
      if (token.type === 'end') throw new SyntaxError('unfinished statement');
      if (token.text === ';') return undefined;
      if (token.text === '=' && words.at(-1) === ']') {
        this.#scope.tables.set(words.at(-3)!, this.#stringTable());
      } else if (token.text === '=' && words.at(-2) === '.') {
        this.#scope.unions.set(words.at(-3)!, this.#expression());
      }
      words.push(token.text);
    }
  }

  #stringTable(): string[] {
    const items: string[] = [];
    this.#tokens.expect('{');
    while (!this.#tokens.take('}')) {
      items.push(this.#strings());
      this.#tokens.take(',');
    }
    return items;
  }
}
