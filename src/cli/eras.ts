import { ERAS, type Era, type KernelRange } from '../engine/eras.js';
import { FEATURES, FEATURE_NAMES, type Feature } from '../engine/features.js';
import { UsageError, print, type Command } from './command.js';

export const eras: Command = {
  usage: ['eras [--json]', 'kernels and their features, which --kernel and --without take'],
  takes: ['json'],
  run: (files, options) => {
    if (files.length) throw new UsageError(`'eras' takes no file`);
    print(options.json ? JSON.stringify(report()) : text());
    return Promise.resolve(0);
  },
};

function report(): object {
  return {
    eras: ERAS.map((era) => ({ name: era.name, kernels: era.kernels, features: featuresOf(era) })),
    features: FEATURE_NAMES.map((name) => ({ name, ...FEATURES[name] })),
  };
}

/** In the order of the table of features. */
function featuresOf({ features }: Era): Feature[] {
  return FEATURE_NAMES.filter((name) => features.has(name));
}

/** First each era with what it has more and less than another one above it, then what the features are. */
function text(): string {
  const width = Math.max(...ERAS.map(({ name }) => name.length));
  const ranges = ERAS.map(({ kernels }) => kernels.map(rangeText).join(', ') || 'by its name only');
  const rangeWidth = Math.max(...ranges.map((range) => range.length));
  const lines = ERAS.map(
    ({ name }, i) => `${name.padEnd(width)}  ${ranges[i]!.padEnd(rangeWidth)}  ${changes(ERAS[i]!, ERAS.slice(0, i))}`,
  );
  const head = `${'era'.padEnd(width)}  ${'kernels'.padEnd(rangeWidth)}  features`;
  const explained = FEATURE_NAMES.flatMap((name) => {
    const feature = FEATURES[name];
    return ['', `${name}${feature.toggle ? ` (${feature.toggle})` : ''}`, `  with:    ${feature.on}`, `  without: ${feature.off}`];
  });
  return [head, ...lines, ...explained].join('\n');
}

/** Against the era above that is nearest. */
function changes(era: Era, above: readonly Era[]): string {
  const differences = above.map((other) => ({ other, more: lacking(era, other), less: lacking(other, era) }));
  const sizes = differences.map(({ more, less }) => more.length + less.length);
  const nearest = differences.findLast((_, i) => sizes[i] === Math.min(...sizes));
  if (!nearest) return featuresOf(era).join(' ');
  return [`as ${nearest.other.name}`, ...nearest.more.map((name) => `+${name}`), ...nearest.less.map((name) => `-${name}`)].join(' ');
}

function lacking(has: Era, lacks: Era): Feature[] {
  return featuresOf(has).filter((name) => !lacks.features.has(name));
}

function rangeText({ from, to }: KernelRange): string {
  if (to === undefined) return `${from} and later`;
  // "6.1" as an end is the last of its series.
  return from === to ? from : `${from} to ${to}${to.split('.').length === 2 ? '.y' : ''}`;
}
