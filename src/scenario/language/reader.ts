import type { Located, Span } from './statement.js';
import { numberOf, type Line, type Token } from './token.js';
import { nearest, orList, shown } from './words.js';

/** Something that may stand at a place. */
export interface Expected {
  /** as a message names it: `'gfn'`, or `a level` */
  readonly what: string;
  /** the words that it may be, where they are known; a place of guest memory has none */
  readonly words: readonly string[];
}

/** A line is no statement, or says what cannot be. */
export class SyntaxFailure extends Error {
  constructor(
    readonly span: Span,
    message: string,
  ) {
    super(message);
  }
}

/** The end that an optional part of a statement may have instead. */
const END: Expected = { what: 'the end of the line', words: [] };

/**
 * Reads a line token by token, and remembers what could have stood at the next one: that makes the messages, and the completion.
 * A method that finds nothing leaves the token where it is.
 */
export class Reader {
  private at = 0;
  private expectedHere: Expected[] = [];

  constructor(private readonly line: Line) {}

  get next(): Token | undefined {
    return this.line.tokens[this.at];
  }
  /** what could stand at the next token */
  get expected(): readonly Expected[] {
    return this.expectedHere;
  }
  /** column after the last token read */
  get column(): number {
    return this.line.tokens[this.at - 1]?.end ?? 1;
  }

  take(): Token {
    const token = this.next!;
    this.at++;
    this.expectedHere = [];
    return token;
  }

  /** This word, in any case. */
  word(word: string): Token | undefined {
    this.note({ what: `'${word}'`, words: [word] });
    return this.next?.kind === 'word' && this.next.text.toLowerCase() === word ? this.take() : undefined;
  }

  sign(sign: string): Token | undefined {
    this.note({ what: `'${sign}'`, words: [] });
    return this.next?.kind === 'sign' && this.next.text === sign ? this.take() : undefined;
  }

  /** One of some words, in any case; `what` names them all. */
  choice<T extends string>(words: readonly T[], what?: string): Located<T> | undefined {
    if (what === undefined) for (const word of words) this.note({ what: `'${word}'`, words: [word] });
    else this.note({ what, words });
    const { next } = this;
    if (next?.kind !== 'word') return undefined;
    const wanted = next.text.toLowerCase();
    const value = words.find((word) => word.toLowerCase() === wanted);
    if (value === undefined) return undefined;
    const { column, end } = this.take();
    return { value, column, end };
  }

  /** Any word that fits a pattern. */
  match(pattern: RegExp, what: string, words: readonly string[] = []): Located<string> | undefined {
    this.note({ what, words });
    const { next } = this;
    if (next?.kind !== 'word' || !pattern.test(next.text)) return undefined;
    const { text, column, end } = this.take();
    return { value: text, column, end };
  }

  /** A number from 0 to `most`; `what` names it with its article. */
  number(what: string, most: bigint, why = ''): Located<bigint> | undefined {
    this.note({ what, words: [] });
    const { next } = this;
    const value = next?.kind === 'word' ? numberOf(next.text) : undefined;
    if (value === undefined) return undefined;
    const { text, column, end } = this.take();
    if (value > most) throw new SyntaxFailure({ column, end }, `expected ${what} up to ${hex(most)}${why}, found '${shown(text)}'`);
    return { value, column, end };
  }

  /** As {@link number}, for what is counted or is a page number. */
  count(what: string, most: number, why?: string): Located<number> | undefined {
    const found = this.number(what, BigInt(most), why);
    return found && { ...found, value: Number(found.value) };
  }

  note(expected: Expected): void {
    if (!this.expectedHere.some(({ what }) => what === expected.what)) this.expectedHere.push(expected);
  }

  /** What a part that must be there has given; otherwise the line is wrong here. */
  need<T>(found: T | undefined): T {
    return found === undefined ? this.fail() : found;
  }

  /** The statement ends here. */
  end(): void {
    this.note(END);
    if (this.next) this.fail();
  }

  fail(): never {
    const { next, line } = this;
    const span = next ?? { column: line.end, end: line.end + 1 };
    throw new SyntaxFailure({ column: span.column, end: span.end }, mismatch(this.expectedHere, next?.text));
  }
}

/** "expected A or B, found 'c'; did you mean 'b'?" */
export function mismatch(expected: readonly Expected[], found: string | undefined): string {
  const near =
    found === undefined
      ? undefined
      : nearest(
          found,
          expected.flatMap(({ words }) => words),
        );
  const names = expected.map(({ what, words }) => (near === undefined && words.length > 1 ? `${what} (${orList(words)})` : what));
  const advice = near === undefined ? '' : `; did you mean '${near}'?`;
  return `expected ${orList(names)}, found ${found === undefined ? 'the end of the line' : `'${shown(found)}'`}${advice}`;
}

export function hex(number: number | bigint): string {
  return number < 10 ? String(number) : `0x${number.toString(16)}`;
}
