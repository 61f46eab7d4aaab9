/** A run of text that both sides have, or that only this one has. */
export interface Piece {
  readonly text: string;
  readonly differs: boolean;
}

const WORDS = /\s+|[^\s]+/g;

/** Lines longer than this are compared as a whole: the table below is the product of both lengths. */
const MOST = 400;

/** Splits two lines into pieces of words, so that what differs can be marked: the longest words in common stay plain. */
export function wordPieces(a: string, b: string): [Piece[], Piece[]] {
  const [left, right] = [a.match(WORDS) ?? [], b.match(WORDS) ?? []];
  if (left.length > MOST || right.length > MOST) return [[{ text: a, differs: a !== b }], [{ text: b, differs: a !== b }]];
  const common = commonWords(left, right);
  return [joined(left, new Set(common.map(([at]) => at))), joined(right, new Set(common.map(([, at]) => at)))];
}

/** Indices of a longest common subsequence. */
function commonWords(a: readonly string[], b: readonly string[]): [number, number][] {
  const width = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * width);
  const length = (i: number, j: number): number => lengths[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      lengths[i * width + j] = a[i] === b[j] ? length(i + 1, j + 1) + 1 : Math.max(length(i + 1, j), length(i, j + 1));
  const pairs: [number, number][] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i] === b[j]) pairs.push([i++, j++]);
    else if (length(i + 1, j) >= length(i, j + 1)) i++;
    else j++;
  }
  return pairs;
}

function joined(words: readonly string[], common: ReadonlySet<number>): Piece[] {
  const pieces: { text: string; differs: boolean }[] = [];
  words.forEach((text, at) => {
    const differs = !common.has(at);
    const last = pieces.at(-1);
    if (last?.differs === differs) last.text += text;
    else pieces.push({ text, differs });
  });
  return pieces;
}
