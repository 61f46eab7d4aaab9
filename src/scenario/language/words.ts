/** Words that are one slip away from each other, for advice. */

const SHORT = 3;

/** The word that is nearest to what was written, where one is near. */
export function nearest(written: string, words: readonly string[]): string | undefined {
  const wanted = written.toLowerCase();
  let best: string | undefined;
  let least = Infinity;
  for (const word of words) {
    const distance = editDistance(wanted, word.toLowerCase());
    if (distance < least) [best, least] = [word, distance];
  }
  if (best === undefined) return undefined;
  const most = Math.max(1, Math.floor(Math.max(wanted.length, best.length) / SHORT));
  // A word of which nothing is right is not near.
  return least <= most && least < Math.max(wanted.length, best.length) ? best : undefined;
}

/** Insertions, deletions, replacements and swaps of neighbours that make one word of another. */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, before[j - 2]! + 1);
      row.push(cost);
    }
    before = last;
    last = row;
  }
  return last[b.length]!;
}

/** "a, b or c" */
export function orList(words: readonly string[]): string {
  return words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)!}`;
}

/** What was written, fit for a message: no control characters, not too long. */
export function shown(text: string): string {
  const clean = text.replace(/[^\x20-\x7e\u00a0-\ud7ff\ue000-\uffef]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return clean.length > LONGEST_SHOWN ? `${clean.slice(0, LONGEST_SHOWN)}…` : clean;
}

const LONGEST_SHOWN = 40;
