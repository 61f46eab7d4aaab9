import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { DebugProtocol as P } from '@vscode/debugprotocol';
import { DEFAULT_FILTERS, Driver } from './driver.js';
import { HEADER_LINES, plain } from './recordings.js';

const RECORDING = 'k6.1-nonpae-small-all.txt.zst';

describe('a quadrant that is not what the parent says', () => {
  it('stops there with the card, and nowhere else', async () => {
    let flipped = -1;
    const file = await plain(RECORDING, 'flipped.txt', (lines) => {
      flipped = lines.findIndex((line) => / gfn 103 l1 4-byte q1 .* new$/.test(line));
      lines[flipped] = lines[flipped]!.replace(' q1 ', ' q0 ');
    });
    const driver = await Driver.loaded(file, { filters: DEFAULT_FILTERS });
    const stop = await driver.go('continue');
    assert.equal(stop.reason, 'exception');
    assert.equal(stop.description, 'exception: quadrant mismatch');
    assert.equal(await driver.index(), flipped);
    assert.equal((await driver.frames())[0]!.line, flipped + HEADER_LINES + 1);

    const info = await driver.client.request<P.ExceptionInfoResponse['body']>('exceptionInfo', { threadId: stop.threadId });
    assert.equal(info.exceptionId, 'quadrant-mismatch');
    assert.equal(info.description, 'kvm_mmu_get_page recorded quadrant 0, derived quadrant 1');
    const card = info.details!.stackTrace!;
    assert.match(card, /^recorded +gfn 103 L1 q0/m);
    assert.match(card, /^derived +gfn 103 L1 q1/m);
    assert.match(card, /^because +parent 100 L2 q0, SPTE index 005 is odd/m);
    assert.match(card, /^rule +kvm_mmu_child_role/m);

    const { value, variablesReference } = (await driver.scope('Findings'))[0]!;
    assert.match(value, /recorded quadrant 0/);
    assert.ok((await driver.children(variablesReference)).some(({ name }) => name === 'rule'));

    assert.equal((await driver.go('continue')).reason, 'end');
    assert.equal((await driver.go('reverseContinue')).reason, 'exception');
    assert.equal(await driver.index(), flipped);
    assert.equal((await driver.go('reverseContinue')).reason, 'entry');
    driver.close();
  });

  it('has nothing to say about the recording as it was', async () => {
    const driver = await Driver.loaded(await plain(RECORDING, 'healthy.txt'), { filters: DEFAULT_FILTERS });
    assert.equal((await driver.go('continue')).reason, 'end');
    driver.close();
  });
});
