import { SyntaxFailure, type Reader } from './reader.js';
import type { Located } from './statement.js';

/** A part of a statement that begins with a word of its own and may stand anywhere among the others. */
export interface Clause {
  /** of clauses with the same name only one may be given; by default its word */
  readonly excludes?: string;
  read(word: Located<string>): void;
}

export type Clauses = Readonly<Record<string, Clause>>;

/** Reads clauses in any order until a word begins none of them. */
export function clauses(reader: Reader, table: Clauses): void {
  const given = new Map<string, string>();
  for (;;) {
    const left = Object.entries(table).filter(([word, { excludes = word }]) => !given.has(excludes));
    const word = reader.choice(left.map(([each]) => each));
    if (!word) {
      const { next } = reader;
      const clause = next && Object.hasOwn(table, next.text.toLowerCase()) ? table[next.text.toLowerCase()] : undefined;
      if (next && clause) {
        const before = given.get(clause.excludes ?? next.text.toLowerCase())!;
        const twice = before === next.text.toLowerCase();
        throw new SyntaxFailure(next, twice ? `'${before}' is given twice` : `'${next.text}' contradicts '${before}'`);
      }
      return;
    }
    const clause = table[word.value]!;
    given.set(clause.excludes ?? word.value, word.value);
    clause.read(word);
  }
}
