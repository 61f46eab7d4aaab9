import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import type { Browser } from 'playwright-core';
import { pageModel } from './fixture.js';
import { startBrowser, type Theme, THEMES, View } from './harness.js';

/** Colours of one cell as the browser computes them. */
const colours = (view: View, index: number) =>
  view.page.locator(`[data-cell="${index}"]`).evaluate((cell) => {
    const { color, backgroundColor } = getComputedStyle(cell);
    return { color, backgroundColor };
  });

describe('SPTE layout in all kinds of themes', function () {
  this.timeout(60_000);
  let browser: Browser;
  before(async () => (browser = await startBrowser()));
  after(() => browser.close());

  for (const theme of Object.keys(THEMES) as Theme[]) {
    it(`${theme}: changed cells stand out, nothing else is filled solid`, async () => {
      for (const [name, index] of [
        ['directory', 0x16],
        ['direct', 0xed],
        ['unsync', 0x131],
      ] as const) {
        const view = await View.open(browser, { theme });
        await view.show(pageModel(name), index);
        await view.screenshot(`layout-side-${name}-${theme}`);
        if (name === 'direct') {
          const [changed, plain] = [await colours(view, 0xed), await colours(view, 0xec)];
          assert.notEqual(changed.backgroundColor, plain.backgroundColor);
          assert.notEqual(changed.color, plain.color);
          if (theme.startsWith('hc')) assert.equal(plain.backgroundColor, 'rgba(0, 0, 0, 0)', 'no tints in high contrast');
        }
        assert.deepEqual(view.violations, []);
        await view.close();
      }
      const wide = await View.open(browser, { theme, width: 1400, height: 690 });
      await wide.show(pageModel('direct'), 0xed);
      await wide.screenshot(`layout-wide-${theme}`);
      await wide.close();
    });
  }

  it('forced colours: letters, borders and inverse only', async () => {
    const view = await View.open(browser, { forcedColors: true });
    await view.show(pageModel('direct'), 0xed);
    await view.screenshot('layout-side-forced-colors');
    const [changed, plain] = [await colours(view, 0xed), await colours(view, 0xec)];
    assert.equal(changed.backgroundColor, plain.color);
    await view.close();
  });

  for (const width of [256, 282, 559, 560, 900, 1289, 1290]) {
    it(`${width} px wide: nothing runs out of the view`, async () => {
      const view = await View.open(browser, { width, height: 900 });
      await view.show(pageModel('direct'), 0xed);
      const shape = await view.page.evaluate(() => document.body.dataset['shape']);
      assert.equal(shape, width < 560 ? 'narrow' : width < 1290 ? 'wide' : 'columns');
      const overflow = await view.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(overflow, 0, `${overflow} px too wide`);
      await view.close();
    });
  }
});
