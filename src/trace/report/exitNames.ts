/**
 * Names of SVM's exits as trace-cmd's plugin prints them, by the kernel's own [asm/svm.h: SVM_EXIT_REASONS]. Those of VMX are the same
 * in both.
 */
const ODD: Readonly<Record<string, string>> = {
  EXIT_INTR: 'interrupt',
  EXIT_IDTR_READ: 'read_idtr',
  EXIT_GDTR_READ: 'read_gdtr',
  EXIT_LDTR_READ: 'read_ldtr',
  EXIT_TR_READ: 'read_rt',
  EXIT_IDTR_WRITE: 'write_idtr',
  EXIT_GDTR_WRITE: 'write_gdtr',
  EXIT_LDTR_WRITE: 'write_ldtr',
  EXIT_TR_WRITE: 'write_rt',
  EXIT_IOIO: 'io',
  EXIT_VMMCALL: 'hypercall',
  EXIT_ERR: 'invalid_guest_state',
};
const ODD_BACK: ReadonlyMap<string, string> = new Map(Object.entries(ODD).map(([plugin, kernel]) => [kernel, plugin]));

/** `EXIT_EXCP_PF` → `PF excp`, `EXIT_WRITE_CR3` → `write_cr3`; a name of VMX, and one that nobody knows, as it is. */
export function kernelExitName(plugin: string): string {
  const odd = ODD[plugin];
  if (odd !== undefined) return odd;
  const [, exception, rest] = /^EXIT_(?:EXCP_([A-Z]{2})|([A-Z0-9_]+))$/.exec(plugin) ?? [];
  if (exception) return `${exception} excp`;
  return rest === undefined ? plugin : rest.toLowerCase();
}

/** What {@link kernelExitName} makes its names of. */
export function pluginExitName(kernel: string): string {
  const odd = ODD_BACK.get(kernel);
  if (odd !== undefined) return odd;
  const exception = /^([A-Z]{2}) excp$/.exec(kernel);
  if (exception) return `EXIT_EXCP_${exception[1]!}`;
  return /^[a-z0-9_]+$/.test(kernel) ? `EXIT_${kernel.toUpperCase()}` : kernel;
}
