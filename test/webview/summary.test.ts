import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import type { Browser } from 'playwright-core';
import type { TraceSummary } from '../../src/protocol.js';
import { openSummary, screenshot, startBrowser } from './harness.js';

const summary: TraceSummary = {
  file: '/traces/<b>trace</b>.dat',
  format: 'trace-dat',
  kernel: '6.1',
  roles: 'exact',
  events: 2152,
  lost: 7,
  first: '7.492017',
  last: '7.636755',
  byName: { kvm_mmu_get_page: 101, kvm_exit: 601 },
  tasks: [{ pid: 470, comm: 'kvmguest', events: 2152 }],
  vcpus: [{ pid: 470, vcpu: 0, vm: 0 }],
  notes: [{ text: 'CPU 1 lost 7 events' }],
};

describe('Trace summary in a browser', function () {
  this.timeout(60_000);
  let browser: Browser;
  before(async () => (browser = await startBrowser()));
  after(() => browser.close());

  it('says what is in the trace, most frequent events first, and is debugged with Enter', async () => {
    const { page, violations, sent } = await openSummary(browser, { type: 'summary', summary, bytes: 1_067_225 });
    const text = (await page.locator('main').innerText()).replace(/\s+/g, ' ');
    assert.match(
      text,
      /^File \/traces\/<b>trace<\/b>\.dat Format trace\.dat, 1\.0 MB Kernel 6\.1 Roles exact: .* Events 2,152, and 7 lost/,
    );
    assert.match(text, /VMs 1 VM, 1 vCPU Notes CPU 1 lost 7 events Events kvm_exit 601 kvm_mmu_get_page 101/);
    await page.keyboard.press('Enter');
    assert.deepEqual(sent.at(-1), { type: 'debug' });
    await screenshot(page, 'summary-dark');
    assert.deepEqual(violations, []);
    await page.context().close();
  });

  it('passes on why a trace cannot be read', async () => {
    const { page } = await openSummary(browser, { type: 'failed', message: 'x.dat, byte 0: is a PNG picture, not a trace' });
    assert.equal(await page.getByRole('alert').innerText(), 'x.dat, byte 0: is a PNG picture, not a trace');
    await page.context().close();
  });
});
