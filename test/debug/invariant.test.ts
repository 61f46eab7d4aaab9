import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { DebugProtocol as P } from '@vscode/debugprotocol';
import { Driver } from './driver.js';
import { plain } from './recordings.js';

const RECORDING = 'k6.1-nonpae-small-all.txt.zst';
/** W, host-writable and MMU-writable */
const WRITABLE = 0x602n;

describe('an invariant that does not hold', () => {
  /** The page directory at gfn 100 is shadowed, and here it gets writable. */
  const broken = async (as: string): Promise<{ file: string; at: number }> => {
    let at = -1;
    const file = await plain(RECORDING, as, (lines) => {
      at = lines.findIndex((line) => /kvm_mmu_set_spte: gfn 100 .*\(r-x-\)/.test(line));
      lines[at] = lines[at]!.replace(
        /spte (\w+) \(r-x-\)/,
        (_, spte: string) => `spte ${(BigInt(`0x${spte}`) | WRITABLE).toString(16)} (rwx-)`,
      );
    });
    return { file, at };
  };

  it('stops where it broke, and says what the rule wants', async () => {
    const { file, at } = await broken('invariant.txt');
    const driver = await Driver.loaded(file, { filters: ['invariant'] });
    const stop = await driver.go('continue');
    assert.equal(stop.description, 'exception: invariant');
    assert.equal(await driver.index(), at);
    const info = await driver.client.request<P.ExceptionInfoResponse['body']>('exceptionInfo', { threadId: stop.threadId });
    assert.equal(info.exceptionId, 'invariant');
    assert.match(info.description!, /^I-33 does not hold/);
    assert.match(info.details!.stackTrace!, /^because +SPTE .* maps guest frame 100/m);
    assert.equal((await driver.go('continue')).reason, 'end');
    assert.equal((await driver.go('reverseContinue')).reason, 'exception');
    assert.equal(await driver.index(), at);
    driver.close();
  });

  it('is not looked for while the filter is off, and only from then on when it is switched on', async () => {
    const { file } = await broken('unchecked.txt');
    const driver = await Driver.loaded(file, { filters: [] });
    assert.equal((await driver.go('continue')).reason, 'end');
    const { breakpoints } = await driver.client.request<P.SetExceptionBreakpointsResponse['body'] & { breakpoints: P.Breakpoint[] }>(
      'setExceptionBreakpoints',
      { filters: ['invariant'] },
    );
    assert.match(breakpoints[0]!.message!, /checked from event 2,152 on/);
    driver.close();
  });
});
