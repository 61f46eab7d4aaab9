import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import type { Browser, Page } from 'playwright-core';
import type { Difference, RunLabel, ToCompare } from '../../src/protocol.js';
import { wordPieces } from '../../src/webview/compare/words.js';
import { openCompare, screenshot, startBrowser, type Theme, THEMES } from './harness.js';

const label = (title: string, without: string[]): RunLabel => ({
  title,
  file: '/s/quadrant.mmu',
  kernel: '2.6.22',
  without,
  with: [],
  events: 61,
});
const statement = { line: 14, text: 'emulate 0x2800 = 0x30000|P|W|U as 4 bytes' };

const state: Difference = {
  kind: 'state',
  summary: 'the same events leave another state: 2 L1 q0 [000] is 20027 in A, empty in B',
  a: { at: { event: 17 }, text: 'kvm_emulate_insn: 0:1000:c7 05 (prot32)', statement },
  b: { at: { event: 17 }, text: 'kvm_emulate_insn: 0:1000:c7 05 (prot32)', statement },
  fields: [{ name: '2 L1 q0 [000]', a: '20027', b: null }],
  features: ['quadrant-filter'],
  count: 1,
};
const event: Difference = {
  kind: 'event',
  summary: 'the SPTE of gfn <b>20</b>: access is 7 in A, 3 in B',
  a: { at: { event: 20, line: 31 }, text: 'kvm_mmu_set_spte: gfn 20 spte 20067 (rwxu) level 1' },
  b: { at: { event: 22, line: 33 }, text: 'kvm_mmu_set_spte: gfn 20 spte 20065 (r-xu) level 1' },
  fields: [{ name: 'spte.w', a: '1', b: '0' }],
  features: [],
  count: 3,
};
const missing: Difference = {
  kind: 'missing',
  summary: 'only in B the guest faults at 0',
  a: { at: { event: 30 }, text: null },
  b: { at: { event: 35 }, text: 'kvm_page_fault: address 0 error_code 0x4' },
  fields: [
    { name: 'address', a: null, b: '0' },
    { name: '2 L1 q0 [000]', a: 'empty', b: 'leaf gfn 10' },
  ],
  features: [],
  count: 1,
};
const compared: ToCompare = {
  type: 'compared',
  a: label('quadrant.mmu', []),
  b: label('quadrant.mmu without quadrant-filter', ['quadrant-filter']),
  differences: [state, event, missing],
  total: 7,
};

const text = async (page: Page, selector: string): Promise<string> =>
  (await page.locator(selector).innerText()).replace(/\s+/g, ' ').trim();

describe('Two runs compared, in a browser', function () {
  this.timeout(60_000);
  let browser: Browser;
  before(async () => (browser = await startBrowser()));
  after(() => browser.close());

  it('shows the first difference side by side, and goes to it with one key', async () => {
    const { page, violations, sent, tell } = await openCompare(browser);
    await tell({ type: 'comparing', a: 'quadrant.mmu', b: 'quadrant.mmu without quadrant-filter' });
    assert.equal(await text(page, '.status'), 'Comparing …');
    await tell(compared);
    assert.equal(await text(page, 'header'), 'A quadrant.mmu B quadrant.mmu without quadrant-filter');
    assert.match(await text(page, '.status'), /^7 differences, the first 5 of them listed/);
    assert.match(await text(page, '.detail h2'), /2 L1 q0 \[000\]/);
    assert.match(await text(page, '.side.a'), /^A Debug A at event 17 line 14 emulate 0x2800 .* kvm_emulate_insn/);
    assert.match(await text(page, '.fields tbody'), /^2 L1 q0 \[000\] 20027 –$/);
    await page.keyboard.press('Enter');
    await page.keyboard.press('Shift+Enter');
    assert.deepEqual(sent, [{ type: 'ready' }, { type: 'go', side: 'a', event: 17 }, { type: 'go', side: 'b', event: 17 }]);
    assert.deepEqual(violations, []);
    await page.context().close();
  });

  it('goes through the list by keys, marks what differs, and reads nothing as HTML', async () => {
    const { page, violations, sent, tell } = await openCompare(browser);
    await tell(compared);
    await page.keyboard.press('ArrowDown');
    assert.equal(await text(page, '.detail h2'), event.summary);
    assert.deepEqual(await page.locator('.side mark').allInnerTexts(), ['20067', '(rwxu)', '20065', '(r-xu)']);
    await page.keyboard.press('b');
    assert.deepEqual(sent.at(-1), { type: 'go', side: 'b', event: 22 });
    await page.keyboard.press('End');
    assert.equal(await page.locator('[aria-selected=true] .summary').innerText(), missing.summary);
    assert.match(await text(page, '.side.a'), /^A Debug A at event 30 no such event here$/);
    assert.equal(await text(page, '.fields tbody'), '2 L1 q0 [000] empty leaf gfn 10');
    await tell({ ...compared, total: 5 });
    assert.equal(await text(page, '.status'), '5 differences of 3 sorts.');
    assert.deepEqual(violations, []);
    await page.context().close();
  });

  it('copies a difference as text', async () => {
    const { page, sent, tell } = await openCompare(browser);
    await tell(compared);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Control+c');
    assert.deepEqual(sent.at(-1), {
      type: 'copy',
      text: [
        event.summary,
        'A quadrant.mmu  event 20  kvm_mmu_set_spte: gfn 20 spte 20067 (rwxu) level 1',
        'B quadrant.mmu without quadrant-filter  event 22  kvm_mmu_set_spte: gfn 20 spte 20065 (r-xu) level 1',
        '  spte.w  1 | 0',
      ].join('\n'),
    });
    await page.context().close();
  });

  it('says so when there is no difference, and why runs cannot be compared', async () => {
    const { page, tell } = await openCompare(browser);
    await tell({ ...compared, differences: [], total: 0 });
    assert.match(await text(page, '.status'), /^No difference: 61 events/);
    assert.equal(await page.locator('.list').isVisible(), false);
    await tell({ type: 'failed', message: "quadrant.mmu:3:9: expected a feature, found '<i>x</i>'" });
    assert.equal(await text(page, '.status'), "quadrant.mmu:3:9: expected a feature, found '<i>x</i>'");
    await page.context().close();
  });

  for (const theme of Object.keys(THEMES) as Theme[]) {
    it(`${theme}: is drawn with the theme's colours`, async () => {
      const { page, tell } = await openCompare(browser, { theme });
      await tell(compared);
      await page.keyboard.press('ArrowDown');
      await screenshot(page, `compare-${theme}`);
      const { chosen, other } = await page.evaluate(() => {
        const look = (selector: string) => getComputedStyle(document.querySelector(selector) ?? document.body);
        const outline = (style: CSSStyleDeclaration) => `${style.backgroundColor} ${style.outline}`;
        return { chosen: outline(look('[aria-selected=true]')), other: outline(look('[aria-selected=false]')) };
      });
      assert.notEqual(chosen, other, 'the chosen difference cannot be told from the others');
      await page.context().close();
    });
  }

  it('is narrow without running out of the view', async () => {
    const { page, tell } = await openCompare(browser, { width: 420 });
    await tell(compared);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(overflow, 0);
    await page.context().close();
  });
});

describe('What differs in two lines', () => {
  const marked = (a: string, b: string) =>
    wordPieces(a, b).map((pieces) => pieces.filter(({ differs }) => differs).map(({ text: piece }) => piece));

  it('is marked by words', () => {
    assert.deepEqual(marked('gfn 2 q0 new', 'gfn 2 q1 new'), [['q0'], ['q1']]);
    assert.deepEqual(marked('gfn 2 new', 'gfn 2 unsync new'), [[], ['unsync ']]);
    assert.deepEqual(marked('same', 'same'), [[], []]);
  });

  it('loses no text', () => {
    const [a, b] = ['x  y z', 'y q'];
    assert.deepEqual(
      wordPieces(a, b).map((pieces) => pieces.map(({ text: piece }) => piece).join('')),
      [a, b],
    );
  });
});
