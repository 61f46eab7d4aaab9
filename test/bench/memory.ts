import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';

/** Bytes that a process and its children have in memory. */
export function resident(pid: number): number {
  return [pid, ...children(pid)].reduce((sum, each) => sum + (fromProc(each, 'VmRSS') ?? fromPs(each)), 0);
}

/** The most that a process had in memory at once; undefined where the system does not say. */
export function peak(pid: number): number | undefined {
  return fromProc(pid, 'VmHWM');
}

function fromProc(pid: number, field: 'VmRSS' | 'VmHWM'): number | undefined {
  const file = `/proc/${pid}/status`;
  if (!existsSync(file)) return undefined;
  const line = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(file, 'utf8'));
  return line ? Number(line[1]) * 1024 : undefined;
}

function fromPs(pid: number): number {
  return Number(spawnSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }).stdout) * 1024;
}

/** On Linux; elsewhere only the process itself is counted, in which the workers are. */
function children(pid: number): number[] {
  const tasks = `/proc/${pid}/task`;
  if (!existsSync(tasks)) return [];
  const own = readdirSync(tasks).flatMap((task) => {
    const file = `${tasks}/${task}/children`;
    return existsSync(file) ? readFileSync(file, 'utf8').split(' ').filter(Boolean).map(Number) : [];
  });
  return own.flatMap((child) => [child, ...children(child)]);
}
