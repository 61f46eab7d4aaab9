/** Page-fault error codes. */

const FLAGS: readonly (readonly [number, string])[] = [
  [1, 'P'],
  [2, 'W'],
  [4, 'U'],
  [8, 'RSVD'],
  [16, 'F'],
  [32, 'PK'],
  [64, 'SS'],
];
const PRESENT = 1;
const WRITE = 2;
const USER = 4;
const FETCH = 16;

/** `U|F`, as the kernel prints it; bits without a name in hexadecimal. */
export function errorFlags(error: number): string {
  const named = FLAGS.filter(([bit]) => error & bit).map(([, name]) => name);
  const rest = error - FLAGS.reduce((sum, [bit]) => sum + (error & bit), 0);
  return [...named, ...(rest ? [`0x${rest.toString(16)}`] : [])].join('|');
}

/** `user fetch`, `supervisor write`, `supervisor read` */
export function accessWords(error: number): string {
  const who = error & USER ? 'user' : 'supervisor';
  const what = error & FETCH ? 'fetch' : error & WRITE ? 'write' : 'read';
  return `${who} ${what}`;
}

/** The guest maps the page and forbids the access; otherwise it does not map it. */
export function isProtection(error: number): boolean {
  return (error & PRESENT) !== 0;
}
