import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { KernelEvidence } from '../../src/trace/evidence.js';

describe('what a text shows of its kernel', () => {
  it('is settled by how roles are written, and stays what it was when the first events were handed over', () => {
    const evidence = new KernelEvidence();
    evidence.see('flags5');
    assert.equal(evidence.settles(2000), false, 'no role yet');
    evidence.see('letters3');
    assert.equal(evidence.settles(2001), true);
    assert.equal(evidence.kernel().text, '5.15-6.12');
    evidence.see('letters4');
    evidence.see('faultWithVcpu');
    assert.equal(evidence.kernel().text, '5.15-6.12', 'a replay has gone by this already');
  });

  it('is settled without a role after 65,536 events', () => {
    const evidence = new KernelEvidence();
    assert.equal(evidence.settles(65_535), false);
    assert.equal(evidence.settles(65_536), true);
  });
});
