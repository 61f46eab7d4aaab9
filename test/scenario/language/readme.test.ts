import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { ACTION_WORDS } from '../../../src/scenario/language/actions.js';
import { WORDS } from '../../../src/scenario/language/docs.js';
import { EXPECTATION_WORDS } from '../../../src/scenario/language/expectations.js';
import { CONTROLS, MODES, RESULTS } from '../../../src/scenario/language/statement.js';
import { FLAG_NAMES } from '../../../src/scenario/language/values.js';
import { runScenario } from '../../../src/scenario/run.js';

const README = readFileSync('README.md', 'utf8');
const REFERENCE = /## The scenario language[^]*?\n(?=## )/.exec(README)![0];

describe('the reference of the scenario language', () => {
  it('has every word', () => {
    const named = [...ACTION_WORDS, ...EXPECTATION_WORDS, ...MODES, ...CONTROLS, ...RESULTS, ...FLAG_NAMES, ...Object.keys(WORDS)];
    const missing = named.filter((word) => !new RegExp(`(?<![\\w-])${word}(?![\\w-])`).test(REFERENCE.replace(/\[s\]/g, '')));
    // "events" and "pages" are written page[s], event[s].
    assert.deepEqual(
      missing.filter((word) => word !== 'events'),
      [],
    );
  });

  it('has examples that hold, with the patch and without it', () => {
    const examples = [...REFERENCE.matchAll(/```mmu\n([^]*?)```/g)].map(([, text]) => text!);
    assert.ok(examples.length > 0);
    for (const text of examples) {
      for (const options of [{}, { without: ['quadrant-filter'] as const }]) {
        assert.deepEqual(
          runScenario(text, 'README', options).failures.map(({ message }) => message),
          [],
        );
      }
    }
  });

  it('tells a mistake as the parser does', () => {
    const [, line, column, message] = /`S\.mmu:(\d+):(\d+): (.*?)`\./.exec(REFERENCE)!;
    const text = `${'\n'.repeat(Number(line) - 1)}raed 0`;
    assert.throws(() => runScenario(text, 'S.mmu'), { message: `S.mmu:${line}:${column}: ${message}` });
  });
});
