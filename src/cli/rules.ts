import { ERAS, eraNamed, eraOfKernel } from '../engine/eras.js';
import { FEATURE_NAMES, isFeature, type Feature } from '../engine/features.js';
import { nearest } from '../scenario/language/words.js';
import { UsageError } from './command.js';

/** Features as options name them: the option may be given several times, and each time several features with commas between. */
export function featuresNamed(option: string, values: readonly string[] | undefined): Feature[] {
  return (values ?? []).flatMap((value) => value.split(',')).map((name) => featureNamed(option, name.trim()));
}

export function featureNamed(option: string, name: string): Feature {
  if (isFeature(name)) return name;
  throw new UsageError(`--${option}: expected a feature, found '${name}'${advice(name, FEATURE_NAMES)}; 'eras' lists them`);
}

/** An era's name or the version of a kernel whose rules one has. */
export function eraOption(kernel: string | undefined): string | undefined {
  if (kernel === undefined || eraNamed(kernel) || (/^\d+(\.\d+)+(-[\w.-]+)?$/.test(kernel) && eraOfKernel(kernel))) return kernel;
  const names = ERAS.map(({ name }) => name);
  throw new UsageError(`--kernel: expected an era or a kernel version, found '${kernel}'${advice(kernel, names)}; 'eras' lists them`);
}

function advice(word: string, words: readonly string[]): string {
  const near = nearest(word, words);
  return near === undefined ? '' : `; did you mean '${near}'?`;
}
