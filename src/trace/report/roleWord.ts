/**
 * Role words as trace-cmd's plugin prints them. It knows one layout, that of kernels around 4.20, and applies it to the words of all, so
 * that its names are wrong for most of them: on 6.1 it says `pae` of 4-byte gPTEs, on 7.2 `invalid` of whatever may be executed. But each
 * of its words stands for one bit: taken back into a number they are the low half of the kernel's own word, and that has the layout of the
 * kernel that wrote it.
 */
const FLAGS = [
  { bit: 4, yes: ' pae', no: ' !pae' },
  { bit: 12, yes: ' nxe', no: ' !nxe' },
  { bit: 13, yes: ' wp', no: ' !wp' },
  { bit: 14, yes: ' smep', no: '' },
  { bit: 15, yes: ' smap', no: '' },
  /** any of the eight bits from here on */
  { bit: 24, yes: ' smm', no: '' },
] as const;
const LETTERS = ['---', '--x', 'w--', 'w-x', '-u-', '-ux', 'wu-', 'wux'];
const PRINTED = /^(\d+) q([0-3])( direct)? ([w-][u-][x-])( invalid)? (!?pae) (!?nxe) (!?wp)( smep)?( smap)?( smm)?$/;

/** Bits of the word that the plugin prints, one by one. */
export const PLUGIN_BITS = 0xffff;

/** `2 q0 direct wux invalid pae nxe wp` as the bits it stands for; undefined when it is no such text. */
export function parsePluginRole(text: string): number | undefined {
  const match = PRINTED.exec(text);
  if (!match) return undefined;
  const [, level, quadrant, direct, letters, invalid, ...flags] = match as unknown as [string, string, string, string, string, ...string[]];
  if (Number(level) > 15) return undefined;
  let word = Number(level) | (Number(quadrant) << 5) | (direct ? 0x80 : 0) | (LETTERS.indexOf(letters) << 8) | (invalid ? 0x800 : 0);
  for (const [i, { bit, yes }] of FLAGS.entries()) if ((flags[i] ?? '').trim() === yes.trim()) word |= 1 << bit;
  return pluginRoleText(word) === text ? word : undefined;
}

/** What {@link parsePluginRole} reads. */
export function pluginRoleText(word: number): string {
  const flags = FLAGS.map(({ bit, yes, no }) => ((word >>> bit) & 1 ? yes : no)).join('');
  return `${word & 15} q${(word >>> 5) & 3}${word & 0x80 ? ' direct' : ''} ${LETTERS[(word >>> 8) & 7]!}${word & 0x800 ? ' invalid' : ''}${flags}`;
}
