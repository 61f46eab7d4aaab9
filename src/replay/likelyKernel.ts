/** The kernel of distributions for years, and of most recordings. */
const COMMON = '6.1';

/** Of the kernels that a text trace may come from: the common one, if it is among them, else the oldest. */
export function likelyKernel({ from, to }: { readonly from: string; readonly to: string }): string {
  return isBefore(from, COMMON) && !isBefore(to, COMMON) ? COMMON : from;
}

function isBefore(a: string, b: string): boolean {
  const [major = 0, minor = 0] = a.split('.').map(Number);
  const [otherMajor = 0, otherMinor = 0] = b.split('.').map(Number);
  return major < otherMajor || (major === otherMajor && minor < otherMinor);
}
