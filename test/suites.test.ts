import { strict as assert } from 'node:assert';
import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { countResults, resultFile } from './suites.mjs';

describe('counting a suite', () => {
  let result: ReturnType<typeof resultFile>;
  beforeEach(() => (result = resultFile()));
  afterEach(() => result.remove());

  const count = (code: number, counts?: { passed: number; failed: number }) => {
    if (counts) writeFileSync(result.file, JSON.stringify({ ...counts, text: '' }));
    const { passed, failed } = countResults(result.file, code);
    return { passed, failed };
  };

  it('takes the counts of a suite that ended', () => {
    assert.deepEqual(count(0, { passed: 7, failed: 0 }), { passed: 7, failed: 0 });
    assert.deepEqual(count(2, { passed: 7, failed: 2 }), { passed: 7, failed: 2 });
  });

  it('fails a suite without a result, even when its exit status is 0', () => {
    assert.deepEqual(count(0), { passed: 0, failed: 1 });
    assert.deepEqual(count(7), { passed: 0, failed: 1 });
  });

  it('fails a suite in which nothing ran', () => {
    assert.deepEqual(count(0, { passed: 0, failed: 0 }), { passed: 0, failed: 1 });
  });

  it('fails a suite that ended badly after its last test', () => {
    assert.deepEqual(count(1, { passed: 7, failed: 0 }), { passed: 7, failed: 1 });
  });
});
