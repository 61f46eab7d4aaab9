import { parse } from './parser.js';
import type { Statement } from './statement.js';
import { linesOf } from './token.js';

/** Something of a scenario that has a name: lines from 1, both included. */
export interface OutlineItem {
  readonly kind: 'heading' | 'slot' | 'vcpu';
  readonly name: string;
  readonly first: number;
  readonly last: number;
}

const COMMENT = /^\s*#+\s*(.*?)\s*$/;

/** What an editor lists: slots, vCPUs that are set up, and the comments that head the lines below them, in the order of the lines. */
export function outline(text: string): OutlineItem[] {
  const items = [...headings(linesOf(text)), ...parse(text).program.statements.flatMap(statementItem)];
  return items.sort((a, b) => a.first - b.first);
}

/** A comment after an empty line, or at the beginning, heads everything up to the next one. */
function headings(lines: readonly string[]): OutlineItem[] {
  const firsts = lines.flatMap((line, at) => {
    const heads = COMMENT.exec(line)?.[1] && (at === 0 || lines[at - 1]!.trim() === '');
    return heads ? [at + 1] : [];
  });
  return firsts.map((first, n) => {
    let last = (firsts[n + 1] ?? lines.length + 1) - 1;
    while (last > first && lines[last - 1]!.trim() === '') last--;
    return { kind: 'heading', name: COMMENT.exec(lines[first - 1]!)![1]!, first, last };
  });
}

function statementItem({ action, line, text }: Statement): OutlineItem[] {
  if (action.kind === 'slot') return [{ kind: 'slot', name: action.name.value, first: line, last: line }];
  if (action.kind === 'vcpu' && action.mode) return [{ kind: 'vcpu', name: text, first: line, last: line }];
  return [];
}
