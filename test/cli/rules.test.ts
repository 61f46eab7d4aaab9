import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { eraOption, featuresNamed } from '../../src/cli/rules.js';

describe('the rules that the command line names', () => {
  it('are features, by commas or by the option again', () => {
    assert.deepEqual(featuresNamed('without', undefined), []);
    assert.deepEqual(featuresNamed('without', ['unsync, quadrant-filter', 'mmio-sptes']), ['unsync', 'quadrant-filter', 'mmio-sptes']);
    assert.throws(
      () => featuresNamed('without', ['quadrant-fliter']),
      /^Error: --without: expected a feature, found 'quadrant-fliter'; did you mean 'quadrant-filter'\?/,
    );
    assert.throws(() => featuresNamed('with', ['']), /--with: expected a feature, found ''/);
  });

  it('are eras by their names and kernels by their versions', () => {
    for (const kernel of ['5.15.y-S002', '2.6.24', '6.1', '6.1.0-55-amd64', undefined]) assert.equal(eraOption(kernel), kernel);
    for (const kernel of ['5.15.y-S003', '3.10', '6', 'latest'])
      assert.throws(() => eraOption(kernel), /--kernel: expected an era or a kernel version/);
  });
});
