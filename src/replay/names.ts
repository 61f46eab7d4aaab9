import { ACC_EXEC, ACC_READ, ACC_USER, ACC_WRITE } from '../engine/role.js';

const LETTERS: readonly (readonly [bit: number, letter: string])[] = [
  [ACC_READ, 'r'],
  [ACC_WRITE, 'w'],
  [ACC_USER, 'u'],
  [ACC_EXEC, 'x'],
];

/** Access as the kernel prints it: `wux`, and `rwux` from 7.x on. */
export function accessLetters(access: number, letters: 3 | 4): string {
  return LETTERS.slice(4 - letters)
    .map(([bit, letter]) => (access & bit ? letter : '-'))
    .join('');
}
