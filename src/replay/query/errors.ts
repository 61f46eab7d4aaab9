/** What is wrong with a text a user typed, and where. A value, never thrown. */
export class ConditionError {
  readonly kind = 'error';
  constructor(
    /** one sentence, with advice where there is any */
    readonly message: string,
    /** the whole text it is about */
    readonly text: string,
    /** 0-based place of the offending token in `text` */
    readonly column: number,
    /** its length; at least 1, also at the end of the text */
    readonly length: number,
  ) {}

  /** One line: for breakpoints, whose message box shows no second line. */
  toString(): string {
    return `${this.message} (column ${this.column + 1})`;
  }
}

/**
 * The text, the caret below the offending token, and the message: three lines.
 * Tabs are kept in front of the caret, so that it stands where the token stands.
 */
export function caret(error: ConditionError): string {
  const before = error.text.slice(0, error.column).replace(/[^\t]/gu, ' ');
  return `${error.text}\n${before}${'^'.repeat(Math.max(1, error.length))}\n${error.message}`;
}

/** Carries a {@link ConditionError} out of the recursive descent; never leaves the parser. */
export class Abort extends Error {
  constructor(readonly error: ConditionError) {
    super(error.message);
  }
}

/** Runs a parser step and turns its {@link Abort} into the value it carries. Bugs pass through. */
export function catching<T>(step: () => T): T | ConditionError {
  try {
    return step();
  } catch (e) {
    if (e instanceof Abort) return e.error;
    throw e;
  }
}
