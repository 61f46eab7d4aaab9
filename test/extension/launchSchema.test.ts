import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { ERAS, type KernelRange } from '../../src/engine/eras.js';
import { FEATURES, FEATURE_NAMES } from '../../src/engine/features.js';

interface Choice {
  type: string;
  enum: string[];
  enumDescriptions: string[];
}
interface Manifest {
  contributes: {
    debuggers: {
      configurationAttributes: { launch: { properties: { kernel: { anyOf: [Choice, unknown] }; without: { items: Choice } } } };
    }[];
  };
}

const sentence = (text: string): string => `${text[0]?.toUpperCase()}${text.slice(1)}.`;
const rangeText = ({ from, to }: KernelRange): string => (to === undefined ? `${from} on` : from === to ? from : `${from} to ${to}`);

const features: Choice = {
  type: 'string',
  enum: FEATURE_NAMES,
  enumDescriptions: FEATURE_NAMES.map((name) => `${sentence(FEATURES[name].on)} Without: ${FEATURES[name].off}.`),
};
const kernels: Choice = {
  type: 'string',
  enum: ['auto', ...ERAS.map(({ name }) => name)],
  enumDescriptions: [
    'What the trace or the scenario says',
    ...ERAS.map(({ kernels }) => (kernels.length ? `Kernels ${kernels.map(rangeText).join(', ')}` : 'Posted or backported patches')),
  ],
};

/** `UPDATE_GOLDEN=1` writes them anew. */
describe('What launch.json offers', () => {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
  const { properties } = manifest.contributes.debuggers[0]!.configurationAttributes.launch;
  if (process.env.UPDATE_GOLDEN) {
    properties.without.items = features;
    properties.kernel.anyOf[0] = kernels;
    writeFileSync('package.json', `${JSON.stringify(manifest, null, 2)}\n`);
  }

  it('are the features of the engine, each with what it means', () => {
    assert.deepEqual(properties.without.items, features);
  });

  it('are the eras of the engine, each with its kernels', () => {
    assert.deepEqual(properties.kernel.anyOf[0], kernels);
  });
});
