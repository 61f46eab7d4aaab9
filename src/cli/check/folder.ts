import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';

/** What an argument of `check` stands for. */
export interface Found {
  readonly name: string;
  readonly isFolder: boolean;
  /** to be checked */
  readonly files: readonly string[];
  /** files of the folder that are known to be no traces by their name */
  readonly skipped: number;
  /** folders below it that cannot be read, each with the reason */
  readonly unreadable: readonly string[];
}

/** Scenarios, and what is written about traces, which may quote lines of theirs. */
const OTHERS = /\.(mmu|md)$/iu;

/** A file itself; of a folder all that lies in it and below, sorted by path. */
export function filesIn(name: string): Found {
  if (!statSync(name, { throwIfNoEntry: false })?.isDirectory())
    return { name, isFolder: false, files: [name], skipped: 0, unreadable: [] };
  const files: string[] = [];
  const unreadable: string[] = [];
  let skipped = 0;
  const walk = (folder: string): void => {
    for (const entry of entriesOf(folder, unreadable)) {
      const file = path.join(folder, entry.name);
      // A link to a folder may lead back to where one comes from.
      const isFile = entry.isFile() || (entry.isSymbolicLink() && !statSync(file, { throwIfNoEntry: false })?.isDirectory());
      if (entry.isDirectory()) walk(file);
      else if (!isFile || OTHERS.test(file)) skipped++;
      else files.push(file);
    }
  };
  walk(name);
  files.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return { name, isFolder: true, files, skipped, unreadable };
}

function entriesOf(folder: string, unreadable: string[]) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    unreadable.push(`${folder}: this folder cannot be read (${error instanceof Error ? error.message : String(error)})`);
    return [];
  }
}
