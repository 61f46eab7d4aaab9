import { closeSync, linkSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync, type Stats } from 'node:fs';
import path from 'node:path';
import { UsageError } from '../command.js';

/** The value that Hive, and engines after it, take for null. */
const NO_VALUE = '__HIVE_DEFAULT_PARTITION__';

/**
 * Where a table goes. It is written under another name beside its place and takes it when it is complete, so that nobody ever reads half
 * of one.
 */
export class Target {
  private readonly folder: string;
  /** the target is a folder: the table's place in it is ours to choose */
  private readonly chosen: boolean;
  private readonly temporary: string;
  private readonly fd: number;
  /** bytes written so far */
  size = 0;

  /**
   * @param to a file; or a folder, which is one that exists or ends in a slash
   * @param trace the file whose table it is
   * @throws UsageError where nothing can be written
   */
  constructor(
    private readonly to: string,
    private readonly trace: string,
  ) {
    const found = statOf(to);
    this.chosen = found?.isDirectory() ?? /[/\\]$/.test(to);
    if (!this.chosen && found) mayReplace(to, found, trace);
    this.folder = this.chosen ? to : path.dirname(to);
    this.temporary = path.join(this.folder, `.${path.basename(this.chosen ? trace : to)}.${process.pid}.tmp`);
    this.fd = attempt(to, () => {
      if (this.chosen) mkdirSync(to, { recursive: true });
      return openSync(this.temporary, 'wx');
    });
  }

  write(bytes: Uint8Array): void {
    attempt(this.to, () => {
      for (let at = 0; at < bytes.length;) at += writeSync(this.fd, bytes, at);
    });
    this.size += bytes.length;
  }

  /** Gives the table its name, and answers it. */
  complete(kernel: string): string {
    const file = this.chosen ? this.placeFor(kernel) : this.to;
    attempt(file, () => {
      closeSync(this.fd);
      if (this.chosen) claim(this.temporary, file);
      else renameSync(this.temporary, file);
    });
    return file;
  }

  /** Leaves nothing behind. */
  discard(): void {
    rmSync(this.temporary, { force: true });
  }

  /** Tables of many traces in one folder, by kernel, as Hive lays out partitions. */
  private placeFor(kernel: string): string {
    const folder = path.join(this.folder, `kernel=${kernel ? encodeURIComponent(kernel) : NO_VALUE}`);
    attempt(folder, () => mkdirSync(folder, { recursive: true }));
    return path.join(folder, `${path.basename(this.trace)}.parquet`);
  }
}

function statOf(file: string): Stats | undefined {
  return attempt(file, () => statSync(file, { throwIfNoEntry: false }));
}

/** A file that was named is written anew, as by any compiler; but not the trace itself, nor what is no file. */
function mayReplace(to: string, found: Stats, trace: string): void {
  const its = statOf(trace);
  if (its && its.dev === found.dev && its.ino === found.ino) throw new UsageError(`--to ${to} is the trace itself: name another file`);
  if (!found.isFile()) throw new UsageError(`--to ${to} is no regular file: name a file or a folder`);
}

/** Traces of one name from several folders must not take each other's place. */
function claim(temporary: string, file: string): void {
  const taken = (): UsageError =>
    new UsageError(`${file} is there already: remove it, or name another file with --to, if it is of another trace of the same name`);
  try {
    linkSync(temporary, file);
  } catch (error) {
    if (codeOf(error) === 'EEXIST' || statOf(file)) throw taken();
    // Not every file system has links.
    renameSync(temporary, file);
    return;
  }
  rmSync(temporary);
}

function attempt<T>(file: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    throw new UsageError(`cannot write ${file}: ${ADVICE[code] ?? (error as Error).message}`);
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

const ADVICE: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such folder; make it first',
  ENOTDIR: 'a part of the path is a file; choose a folder',
  EACCES: 'this user may not write there; choose another folder',
  EPERM: 'this user may not write there; choose another folder',
  EROFS: 'the file system is read-only; choose another folder',
  ENOSPC: 'the disk is full; nothing was left behind',
  EDQUOT: 'the disk quota is used up; nothing was left behind',
};
