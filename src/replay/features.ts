import { isFeature, type Feature } from '../engine/features.js';

/** Features by name. @throws RangeError where no kernel has one of that name */
export function featuresOf(names: readonly string[]): Feature[] {
  return names.map((name) => {
    if (isFeature(name)) return name;
    throw new RangeError(`no kernel has a feature '${name}': \`shadow-mmu eras\` lists them`);
  });
}
