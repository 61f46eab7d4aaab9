/** The bundled trace, read as plain text: what the editor tests expect comes from there, whichever recording it is. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface Sample {
  readonly name: string;
  readonly file: string;
  /** 1-based line of the first event */
  readonly first: number;
  /** 1-based number of the first line after `after` that matches */
  lineOf(pattern: RegExp, after?: number): number;
  text(line: number): string;
}

/** @param folder a copy of media/samples */
export function readSample(folder: string): Sample {
  const name = readdirSync(folder).find((file) => /\.(txt|ftrace|trace)$/.test(file));
  if (name === undefined) throw new Error(`there is no text trace in ${folder}`);
  const file = path.join(folder, name);
  const lines = readFileSync(file, 'utf8').split('\n');
  const lineOf = (pattern: RegExp, after = 0): number => {
    const index = lines.findIndex((line, at) => at >= after && !line.startsWith('#') && pattern.test(line));
    if (index < 0) throw new Error(`no line of ${name} after ${after} matches ${pattern}`);
    return index + 1;
  };
  return { name, file, first: lineOf(/: \w+: /), lineOf, text: (line) => lines[line - 1] ?? '' };
}

/** The zaps that the exception filter of that name stops at. */
export const zapLine = /: kvm_mmu_(prepare_zap_page|zap_all_fast): /;

/** `kvm_mmu_set_spte` */
export function eventName(line: string): string {
  return /: (\w+): /.exec(line)?.[1] ?? '';
}

/** How the debugger names the page of a kvm_mmu_get_page line: `GFN L<level> q<quadrant>`. */
export function pageName(line: string): string {
  const [, gfn, level, quadrant] = /gfn ([0-9a-f]+) l(\d).* q(\d)/.exec(line) ?? [];
  if (gfn === undefined) throw new Error(`no shadow page in ${line}`);
  return `${gfn} L${level} q${quadrant}`;
}
