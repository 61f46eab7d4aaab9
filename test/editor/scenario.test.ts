/** A scenario as a person writes, debugs and compares it in the workbench. */
import { strict as assert } from 'node:assert';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, before, describe, it } from 'mocha';
import { HALVES, lineOf, TELLING } from './halves.js';
import { Workbench } from './workbench.js';

const NAME = 'halves.mmu';
const folder = process.env.EDITOR_FOLDER ?? 'out';
const file = path.join(folder, NAME);
/** The scenario of the filter for guest writes, and its first write. */
const FILTER = '004-quadrant-filter.mmu';
const filterLines = readFileSync(path.join('media/scenarios', FILTER), 'utf8').split('\n');
const emulate = filterLines.findIndex((line) => line.startsWith('emulate 0x5000[642]')) + 1;

let workbench: Workbench | undefined;

describe('a scenario in the workbench', function () {
  this.retries(1);

  before(() => writeFileSync(file, HALVES));

  afterEach(async function () {
    if (!workbench) return;
    if (this.currentTest?.state === 'failed') await workbench.failed(this.currentTest.title);
    const { errors } = workbench;
    await workbench.close();
    workbench = undefined;
    assert.deepEqual(errors, []);
  });

  it('has colours, marks what is wrong, and offers what may stand there', async () => {
    const w = (workbench = await Workbench.open(NAME));
    await w.editor.locator('.codelens-decoration', { hasText: 'Compare with and without' }).waitFor();
    const colours = await w.editor.locator('.view-line span[class^="mtk"]').evaluateAll((spans) => {
      const names = spans.map((span) => span.getAttribute('class'));
      return new Set(names).size;
    });
    assert.ok(colours > 3, `${colours} colours`);
    await w.goToLine(lineOf('vcpu 0') - 1);
    await w.press('End');
    await w.press('Enter');
    await w.page.keyboard.type('wihtout ');
    await w.editor.locator('.squiggly-error').first().waitFor();
    await w.press('Control+z');
    await w.goToLine(lineOf('kernel'));
    await w.press('End');
    await w.press('Enter');
    await w.page.keyboard.type('without quad');
    const offer = w.page.locator('.suggest-widget .monaco-list-row', { hasText: 'quadrant-filter' }).first();
    await offer.waitFor();
    await w.screenshot('12 completion in a scenario');
    await w.press('Enter');
    await w.editor.locator('.view-line', { hasText: 'quadrant-filter' }).first().waitFor();
  });

  it('is debugged in both directions, with its shadow pages', async () => {
    const w = (workbench = await Workbench.open(NAME));
    const line = lineOf('read 0x200000');
    await w.editor.locator('.codelens-decoration', { hasText: 'Compare with and without' }).waitFor();
    await w.toggleBreakpoint(line);
    await w.start();
    await w.currentLineShown();
    await w.button('Continue');
    await w.stoppedAt(line);
    await w.button('Step Over');
    await w.stoppedAt(lineOf('emulate'));
    await w.button('Step Back');
    await w.stoppedAt(line);
    await w.toggleView('SPTE layout', true);
    await w.findInLayout('2 L1 q1');
    assert.equal(await w.webview('view').locator('[role=gridcell]').count(), 512);
    await w.screenshot('13 scenario stopped');
  });

  it('is compared with and without a feature, and both runs are debugged where they part', async () => {
    const w = (workbench = await Workbench.open(FILTER));
    await w.editor.locator('.codelens-decoration a', { hasText: 'Compare with and without' }).click();
    await w.choose('quadrant-filter');
    const view = w.webview('panel');
    await view.locator('[role=option]').first().waitFor();
    assert.match(await view.locator('.detail h2').innerText(), /^only B sets the SPTE of gfn 77 in 5 L1 q0 /);
    await w.screenshot('14 two runs compared');
    // A has no such event: it stops at the one before.
    for (const side of ['b', 'a']) {
      const button = view.locator(`.go[data-side=${side}]`);
      const [event] = /\d+$/.exec(await button.innerText()) ?? [];
      await button.click();
      await w.stoppedAt(emulate);
      await w.expand('Event');
      await w.variable(new RegExp(`^event\\s*=\\s*${event}$`)).waitFor();
    }
    await w.screenshot('15 both runs stopped where they part');
  });

  it('is run, and what fails is marked', async () => {
    const w = (workbench = await Workbench.open(NAME));
    await w.goToLine(lineOf('kernel'));
    await w.press('End');
    await w.press('Enter');
    await w.page.keyboard.type('without quadrant-filter');
    await w.press('Escape');
    await w.editor.locator('.codelens-decoration a', { hasText: 'Run' }).click();
    await w.page.locator('.notification-toast', { hasText: NAME }).waitFor();
    await w.editor.locator('.squiggly-error').first().waitFor();
    assert.ok(lineOf(TELLING) > 0);
    await w.screenshot('16 a failed expect');
  });
});
