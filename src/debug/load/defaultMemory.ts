import { totalmem } from 'node:os';

const MB = 2 ** 20;

/** Megabytes that an open trace may take where nobody says so: half of what this machine, or its container, has. */
export function defaultMemoryLimit(): number {
  const constrained = process.constrainedMemory();
  const there = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
  return Math.max(1, Math.floor(there / 2 / MB));
}
