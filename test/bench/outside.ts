/** Whole programs, ours and others', from their start to their end. */
import { spawn, spawnSync } from 'node:child_process';
import { median } from './statistics.js';

export interface Program {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  /** what it prints is little and is taken: GNU grep stops at its first hit where nobody reads what it prints */
  readonly read?: boolean;
}

/** Medians in milliseconds: by the clock, and of both processors (user and system). */
export interface Timing {
  readonly wall: number;
  readonly cpu: number;
  readonly runs: number;
}

/** Whether a program is installed. */
export function installed(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0;
}

/** Runs the programs in turn, so that what else the machine does meets all of them alike. What they print is thrown away. */
export async function timings(programs: readonly Program[], runs: number): Promise<Map<string, Timing>> {
  const all = new Map(programs.map(({ name }) => [name, [] as Run[]]));
  for (let n = 0; n < runs; n++) for (const program of programs) all.get(program.name)!.push(await run(program));
  return new Map(
    [...all].map(([name, each]) => [
      name,
      { wall: median(each.map(({ wall }) => wall)), cpu: median(each.map(({ cpu }) => cpu)), runs: each.length },
    ]),
  );
}

interface Run {
  readonly wall: number;
  readonly cpu: number;
}

const UNREAD = '"$@" > /dev/null 2>&1; code=$?; times; exit $code';
const TAKEN = 'said=$("$@" 2>&1); code=$?; times; exit $code';

/** A shell tells what its children used. */
async function run({ name, command, read }: Program): Promise<Run> {
  const since = performance.now();
  const shell = spawn('sh', ['-c', read ? TAKEN : UNREAD, 'sh', ...command], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  shell.stdout.on('data', (chunk) => (said += String(chunk)));
  const code = await new Promise<number | null>((resolve, reject) => shell.on('error', reject).on('close', resolve));
  const wall = performance.now() - since;
  // `check` and `grep -c` end with 1 for what they found, or did not; that is no failure of the measurement.
  if (code === null || code > 1) throw new Error(`${name} (${command.join(' ')}) ended with status ${code}`);
  return { wall, cpu: cpuOf(said) };
}

/** `0m0.003s 0m0.001s` of the shell, then the same of its children: user, system. */
export function cpuOf(times: string): number {
  const [, , user, system] = [...times.matchAll(/(\d+)m([\d.]+)s/g)].map(([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds));
  return ((user ?? NaN) + (system ?? NaN)) * 1000;
}
