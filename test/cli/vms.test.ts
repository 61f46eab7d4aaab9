import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { recording, shadowMmu } from './program.js';

const TRACE = recording('k6.1-three-vms-all.dat');
const VMS = 'VM 0 (1 vCPU; pids 484), VM 1 (1 vCPU; pids 483), VM 2 (1 vCPU; pids 482)';

describe('state of a trace of several VMs', function () {
  this.timeout(60_000);

  it('says which VM it shows, and which others there are, where none is named', () => {
    const unnamed = shadowMmu('state', TRACE, '--at', '12000', '--json');
    assert.equal(unnamed.status, 0);
    assert.deepEqual(unnamed.errors, [`shadow-mmu: ${TRACE}: the trace has 3 VMs: ${VMS}. VM 0 is shown; --vm N shows another`]);
    const named = shadowMmu('state', TRACE, '--at', '12000', '--vm', '0', '--json');
    assert.deepEqual([named.errors, named.stdout], [[], unnamed.stdout]);
  });

  it('knows of VMs that begin after the event', () => {
    const { status, errors } = shadowMmu('state', TRACE, '--at', '10', '--json');
    assert.equal(status, 0);
    assert.ok(errors[0]!.includes(VMS));
    const later = shadowMmu('state', TRACE, '--at', '10', '--vm', '2');
    assert.equal(later.status, 2);
    assert.deepEqual(later.errors[0], 'shadow-mmu: VM 2 begins later in the trace');
    const none = shadowMmu('state', TRACE, '--at', '10', '--vm', '3');
    assert.deepEqual([none.status, none.errors[0]], [2, 'shadow-mmu: there is no VM 3: the trace has 1, numbered from 0']);
  });

  it('says nothing of VMs where there is one', () => {
    assert.deepEqual(shadowMmu('state', recording('k6.1-nonpae-small-all.dat'), '--at', '500').errors, []);
  });
});
