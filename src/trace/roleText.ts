import { ACC_EXEC, ACC_READ, ACC_USER, ACC_WRITE, makeRole, roleField } from '../engine/role.js';
import type { Role } from '../engine/ids.js';

/** The role in `KVM_MMU_PAGE_PRINTK`: `l2 4-byte q3 direct wux invalid !nxe ad`. Only that order, only those words. */
const PRINTED = /^l(\d+) ([48])-byte q(\d)( direct)? ([r-]?)([w-])([u-])([x-])( invalid)? (!?)nxe (!?)ad$/;

/** The role in a text with 3 or 4 access letters; undefined when the text is none. Bits that are not printed are 0. */
export function parseRole(text: string, letters: 3 | 4): Role | undefined {
  const m = PRINTED.exec(text);
  if (!m) return undefined;
  const [, level, bytes, quadrant, direct, read, write, user, exec, invalid, nx, ad] = m;
  if ((letters === 4) !== (read !== '') || Number(level) > 15 || Number(quadrant) > 3) return undefined;
  const role = makeRole({
    level: Number(level),
    has4ByteGpte: bytes === '4' ? 1 : 0,
    quadrant: Number(quadrant),
    direct: direct ? 1 : 0,
    access: (read === '-' ? 0 : ACC_READ) | (write === 'w' ? ACC_WRITE : 0) | (user === 'u' ? ACC_USER : 0) | (exec === 'x' ? ACC_EXEC : 0),
    invalid: invalid ? 1 : 0,
    efer_nx: nx ? 0 : 1,
    ad_disabled: ad ? 1 : 0,
  });
  return roleText(role, letters) === text ? role : undefined;
}

/** What {@link parseRole} reads. */
export function roleText(role: Role, letters: 3 | 4): string {
  const access = roleField(role, 'access');
  const letter = (bit: number, text: string): string => (access & bit ? text : '-');
  const rwux = (letters === 4 ? letter(ACC_READ, 'r') : '') + letter(ACC_WRITE, 'w') + letter(ACC_USER, 'u') + letter(ACC_EXEC, 'x');
  return (
    `l${roleField(role, 'level')} ${roleField(role, 'has4ByteGpte') ? 4 : 8}-byte q${roleField(role, 'quadrant')}` +
    `${roleField(role, 'direct') ? ' direct' : ''} ${rwux}${roleField(role, 'invalid') ? ' invalid' : ''}` +
    ` ${roleField(role, 'efer_nx') ? '' : '!'}nxe ${roleField(role, 'ad_disabled') ? '!' : ''}ad`
  );
}
