import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { recording, shadowMmu } from './program.js';

const TRACE = recording('k6.1-three-vms-all.dat');
const SAID =
  /^shadow-mmu: .*three-vms-all\.dat: the memory limit of 1 MB is reached: the first [\d,]+ events are loaded\. Raise it with --memory-limit MB, .*trace-cmd split/;

describe('--memory-limit', () => {
  it('ends where it is passed: what is loaded is checked', () => {
    const { status, stdout, errors } = shadowMmu('check', TRACE, '--json', '--memory-limit', '1');
    assert.equal(status, 1);
    assert.equal(errors.length, 1);
    assert.match(errors[0]!, SAID);
    const { outputs } = JSON.parse(stdout) as { outputs: Record<string, { recorded: number }> };
    assert.ok(outputs['kvm_mmu_get_page']!.recorded > 0);
  });

  it('leaves a trace alone that fits', () => {
    const { status, errors } = shadowMmu('check', recording('k6.1-nonpae-small-all.dat'), '--memory-limit', '64');
    assert.deepEqual([status, errors], [0, []]);
  });

  it('has no state to show of what is not loaded', () => {
    const { status, stdout, errors } = shadowMmu('state', TRACE, '--at', '17000', '--memory-limit', '1');
    assert.deepEqual([status, stdout], [1, '']);
    assert.match(errors[0]!, SAID);
    const loaded = shadowMmu('state', TRACE, '--at', '100', '--json', '--memory-limit', '1');
    assert.deepEqual([loaded.status, (JSON.parse(loaded.stdout) as { event: number }).event], [1, 100]);
  });

  it('is a whole number of megabytes', () => {
    for (const size of ['0', 'much']) assert.equal(shadowMmu('check', TRACE, '--memory-limit', size).status, 2);
  });
});
