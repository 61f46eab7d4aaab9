import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'mocha';
import type { Browser } from 'playwright-core';
import { idOf, pageModel } from './fixture.js';
import { startBrowser, View } from './harness.js';

/** The page to the right of it in the quadrant picture. */
const siblingOf = (name: 'direct') => pageModel(name).quadrants?.boxes[1]?.page?.id;

describe('SPTE layout in a browser', function () {
  this.timeout(60_000);
  let browser: Browser;
  let view: View;

  before(async () => (browser = await startBrowser()));
  after(() => browser.close());
  afterEach(async () => {
    assert.deepEqual(view.violations, [], 'no script errors, nothing refused by the content security policy');
    await view.close();
  });

  const cell = (index: number) => view.page.locator(`[data-cell="${index}"]`);

  describe('what it shows', () => {
    it('draws one letter per entry where it belongs, and a dot for an empty one', async () => {
      view = await View.open(browser);
      await view.show(pageModel('direct'), 0xed);
      assert.equal(await cell(0xed).innerText(), 'W');
      assert.equal(await cell(0x152).innerText(), 'P');
      assert.equal(await cell(0xb0).innerText(), '·');
      assert.equal(await view.page.locator('[role=gridcell]').count(), 512);
    });

    it('marks what the step changed, and the selected cell', async () => {
      view = await View.open(browser);
      await view.show(pageModel('direct'), 0xed);
      const changed = await view.page.locator('.cell.changed').evaluateAll((cells) => cells.map((c) => (c as HTMLElement).dataset['cell']));
      assert.deepEqual(changed.map(Number), [0xed, 0x152]);
      assert.match((await cell(0xed).getAttribute('class')) ?? '', /\bselected\b/);
      assert.equal(await cell(0xed).getAttribute('aria-selected'), 'true');
    });

    it('names the page, what it maps, its role and its parents', async () => {
      view = await View.open(browser);
      await view.show(pageModel('direct'), 0xed);
      assert.equal(
        await view.text('.head'),
        '2c00 L1 q0 direct w-x Maps c2c00000–c2dfffff 4K each Role 0x3391 gen 0 born 161,528 Parent 2cd2 L2 q3 [016] +6 more',
      );
      assert.equal(await view.text('.counts .sect'), '488 of 512 present 2changed since 300,011');
      assert.equal(await view.text('.legend'), 'W480 writable P8 write-protected');
    });

    it('decodes the selected entry', async () => {
      view = await View.open(browser);
      await view.show(pageModel('direct'), 0xed);
      assert.equal(await view.text('.entry h2'), '[0ed] c2ced000 gPDE 30b + 0ed pages');
      assert.equal(await view.text('.entry .val'), '0000 0001 6cee de63');
      const bits = await view.page
        .locator('.bit')
        .evaluateAll((list) => list.map((b) => (b.classList.contains('chg') ? '*' : '') + b.textContent));
      assert.deepEqual(bits, ['11mp1', '*10mw1', '9hw1', '8G0', '7PS0', '6D1', '5A1', '4CD0', '3WT0', '2U0', '*1W1', '0P1']);
    });

    it('shows four letters per cell and all bits when there is room', async () => {
      view = await View.open(browser, { width: 1400, height: 700 });
      await view.show(pageModel('directory'), 0x16);
      assert.equal(await cell(0x16).innerText(), 'Td0');
      assert.equal(await cell(0x08).innerText(), 'Rx-a');
      assert.ok(await view.page.locator('.all-bits').isVisible());
      assert.ok(await view.page.locator('.letters').isVisible());
    });

    it('reads nothing in a trace as HTML', async () => {
      view = await View.open(browser);
      const model = pageModel('unsync');
      const name = '<img src=x onerror=alert(1)>';
      await view.show({ ...model, page: { ...model.page, name }, tags: [{ text: '<b>tag</b>' }] }, 0x131);
      assert.match(await view.text('.head'), /<img src=x onerror=alert\(1\)> <b>tag<\/b>/);
      assert.equal(await view.page.locator('.head img').count(), 0);
    });

    it('repaints only the cells that differ', async () => {
      view = await View.open(browser);
      const model = pageModel('direct');
      await view.show(model, 0);
      await view.page.evaluate(() => {
        const touched = new Set<string>();
        Object.assign(window, { touched });
        new MutationObserver((records) => {
          for (const { target } of records) {
            const cell = (target instanceof Element ? target : target.parentElement)?.closest<HTMLElement>('[data-cell]');
            if (cell) touched.add(cell.dataset['cell'] ?? '');
          }
        }).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
      });
      const entries = model.entries.map((e) => (e.index === 5 ? { ...e, kind: 'P' as const, wide: 'Px-d' } : e));
      await view.show({ ...model, entries, changed: [5, 0xed, 0x152] });
      const touched = await view.page.evaluate(() => [...(window as unknown as { touched: Set<string> }).touched]);
      assert.deepEqual(touched, ['5']);
    });
  });

  describe('states', () => {
    it('says that there is nothing to show, and where to go', async () => {
      view = await View.open(browser);
      assert.equal(await view.text('.empty'), 'No shadow page selected. Select one under Shadow pages, or open the root of this vCPU.');
      await view.page.locator('.empty a').click();
      assert.deepEqual(view.last('follow'), { type: 'follow', what: 'root' });
      await view.post({ type: 'status', status: 'none', locked: false });
      assert.equal(await view.text('.empty'), 'The debugger is not stopped.');
    });

    it('keeps the last contents when running or ended, with a tag', async () => {
      view = await View.open(browser);
      await view.show(pageModel('unsync'), 0x131);
      await view.post({ type: 'status', status: 'ended', locked: false });
      assert.match(await view.text('.title'), /ended$/);
      assert.equal(await cell(0x131).innerText(), 'R');
      await view.press('ArrowRight');
      assert.match(await view.text('.entry'), /^\[132\] 08132000 .* R gfn 1f15 → pfn 16b515 r-xu/);
    });

    it('greys a page that is gone and leads to its successor', async () => {
      view = await View.open(browser);
      const model = pageModel('unsync');
      await view.show({ ...model, live: false, zapped: { event: 300_040 }, successor: { id: 77, name: '2ced L1 q0' } }, 0x131);
      assert.match(await view.text('.head'), /Zapped 300,040 succeeded by 2ced L1 q0/);
      await view.page.locator('[data-page="77"]').click();
      assert.equal(view.last('open')?.page, 77);
    });

    it('shows a mismatch of quadrants in both places', async () => {
      view = await View.open(browser);
      const model = pageModel('unsync');
      const picture = model.quadrants!;
      const boxes = picture.boxes.map((box, i) => (i === 1 ? { ...box, derivedQuadrant: 0 } : box));
      await view.show({ ...model, quadrants: { ...picture, boxes } }, 0x131);
      assert.match((await view.page.locator('.qp').textContent()) ?? '', /q1 ≠ q0/);
      assert.equal(await view.page.locator('rect.mismatch').count(), 1);
      assert.equal(await view.page.locator('rect.derived-here').count(), 1);
    });

    it('marks doubt by grade', async () => {
      view = await View.open(browser);
      const model = pageModel('direct');
      const grades = { 0: 'contradicted', 1: 'assumed' } as const;
      const entries = model.entries.map((e) =>
        e.index in grades ? { ...e, grade: grades[e.index as 0 | 1], doubt: 'because of that' } : e,
      );
      await view.show({ ...model, entries }, 3);
      assert.equal(await cell(0).innerText(), '≠W');
      assert.match((await cell(1).getAttribute('class')) ?? '', /\bdoubtful\b/);
      assert.match((await cell(1).getAttribute('aria-label')) ?? '', /because of that/);
    });

    it('dims only after a moment, and offers to cancel after a second', async () => {
      view = await View.open(browser);
      await view.show(pageModel('unsync'), 0x131);
      await view.post({ type: 'busy', busy: { text: 'replaying 212,400 of 376,794', fraction: 0.56, cancel: 'load' } });
      assert.equal(await view.page.locator('main.waiting').count(), 0);
      await view.page.locator('main.waiting').waitFor();
      await view.page.locator('.busy button').click();
      assert.deepEqual(view.last('cancel'), { type: 'cancel', id: 'load' });
      await view.post({ type: 'busy', busy: null });
      assert.equal(await view.page.locator('main.waiting').count(), 0);
    });
  });

  describe('keyboard', () => {
    it('moves within the grid and stays in it', async () => {
      view = await View.open(browser);
      await view.show(pageModel('direct'), 0xed);
      const walk: [string, number][] = [
        ['ArrowRight', 0xee],
        ['ArrowDown', 0xfe],
        ['Home', 0xf0],
        ['End', 0xff],
        ['PageDown', 0x17f],
        ['PageUp', 0xff],
        ['Control+End', 0x1ff],
        ['ArrowRight', 0x1ff],
        ['Control+Home', 0],
        ['ArrowUp', 0],
      ];
      for (const [key, index] of walk) {
        await view.press(key);
        assert.equal(await view.selected(), index, key);
      }
      await view.settled();
    });

    it('finds present, changed and different entries', async () => {
      view = await View.open(browser);
      await view.show(pageModel('directory'), 0x16);
      for (const [key, index] of [
        ['n', 0x17],
        ['n', 0x18],
        ['n', 0x4e],
        ['p', 0x18],
        ['x', 0x19],
      ] as const) {
        await view.press(key);
        assert.equal(await view.selected(), index, key);
      }
      await view.show(pageModel('direct'), 0);
      for (const [key, index] of [
        ['c', 0xed],
        ['c', 0x152],
        ['c', 0xed],
        ['Shift+C', 0x152],
      ] as const) {
        await view.press(key);
        assert.equal(await view.selected(), index, key);
      }
    });

    it('goes into a table, to the parent and to the sibling quadrant', async () => {
      view = await View.open(browser);
      await view.show(pageModel('directory'), 0x16);
      await view.press('Enter');
      assert.deepEqual(view.last('open'), { type: 'open', page: idOf('direct'), beside: false });
      await view.show(pageModel('direct'));
      assert.equal(await view.selected(), 0x16, 'the selection survives the change of page');
      await view.press(']');
      assert.equal(view.last('open')?.page, siblingOf('direct'));
      await view.press('Backspace');
      assert.deepEqual(view.last('open'), { type: 'open', page: idOf('directory'), index: 0x16, beside: false });
    });

    it('selects a range and says what it amounts to', async () => {
      view = await View.open(browser);
      await view.show(pageModel('unsync'), 0x130);
      for (let i = 0; i < 7; i++) await view.press('Shift+ArrowRight');
      assert.equal(await view.text('.range-status'), '[130–137] 8 SPTEs, 32 K, R');
      await view.press('ArrowLeft');
      assert.equal(await view.page.locator('.range-status').isVisible(), false);
    });

    it('changes the letter in narrow cells', async () => {
      view = await View.open(browser);
      await view.show(pageModel('direct'), 0xed);
      for (const [key, letter] of [
        ['2', 'x'],
        ['3', '-'],
        ['4', 'd'],
        ['5', '2'],
        ['1', 'W'],
      ] as const) {
        await view.press(key);
        assert.equal(await cell(0xed).innerText(), letter, key);
      }
    });

    it('asks to lock, to break, to copy, to follow the stop and to leave', async () => {
      view = await View.open(browser);
      await view.show(pageModel('direct'), 0xed);
      await view.press('k', 'b', 'Control+c', 'Control+Shift+C', '.', 'Escape');
      assert.deepEqual(view.last('lock'), { type: 'lock', locked: true });
      assert.deepEqual(view.last('breakOnChange'), { type: 'breakOnChange', page: idOf('direct'), index: 0xed });
      assert.match(view.last('copy')?.text ?? '', /^2c00 L1 q0 \[0ed\] c2ced000 {2}16ceede63 {2}W rwx- ad- hm {2}gfn 2ced -> pfn 16ceed\n/);
      assert.deepEqual(view.last('copyLink'), { type: 'copyLink', page: idOf('direct'), index: 0xed });
      assert.deepEqual(view.last('follow'), { type: 'follow', what: 'stop' });
      assert.deepEqual(view.last('leave'), { type: 'leave' });
    });

    it('finds with Ctrl+F: one hit opens, several are listed', async () => {
      view = await View.open(browser);
      await view.show(pageModel('direct'), 0xed);
      await view.press('Control+f');
      await view.page.keyboard.type('gfn 2ced');
      await view.press('Enter');
      assert.deepEqual(view.last('find'), { type: 'find', query: 'gfn 2ced' });
      const hit = { page: { id: 3, name: '2ced L1 q0' }, index: 5, label: '2ced L1 q0 [005]' };
      await view.post({
        type: 'hits',
        query: 'gfn 2ced',
        hits: [hit, { ...hit, page: { id: 4, name: '2ced L1 q1' }, label: '2ced L1 q1 [005]' }],
      });
      await view.press('ArrowDown', 'Enter');
      assert.deepEqual(view.last('open'), { type: 'open', page: 4, index: 5, beside: false });
    });

    it('makes one tab stop of each part', async () => {
      view = await View.open(browser);
      await view.show(pageModel('direct'), 0xed);
      await view.page.locator('.head a').first().focus();
      const stops: string[] = [];
      for (let i = 0; i < 4; i++) {
        stops.push(await view.page.evaluate(() => document.activeElement?.closest('header,section')?.className ?? ''));
        await view.press('Tab');
      }
      assert.deepEqual(stops, ['head', 'quadrants', 'counts', 'entries']);
    });

    it('lists its keys on ?', async () => {
      view = await View.open(browser);
      await view.show(pageModel('direct'), 0xed);
      await view.press('?');
      assert.match(await view.text('.key-list'), /sibling quadrant/);
      await view.press('Escape');
      assert.equal(await view.page.locator('.key-list').isVisible(), false);
      assert.equal(await view.selected(), 0xed);
    });
  });

  describe('mouse', () => {
    it('selects by click, extends by drag, opens by double click', async () => {
      view = await View.open(browser);
      await view.show(pageModel('directory'), 0);
      await cell(0x16).click();
      assert.equal(await view.selected(), 0x16);
      await cell(0x10).hover();
      await view.page.mouse.down();
      await cell(0x13).hover();
      await view.page.mouse.up();
      assert.match(await view.text('.range-status'), /^\[010–013\] 4 SPTEs, 8 M, T W ·$/);
      await cell(0x16).dblclick();
      assert.equal(view.last('open')?.page, idOf('direct'));
    });

    it('filters by kind', async () => {
      view = await View.open(browser);
      await view.show(pageModel('direct'), 0xed);
      await view.page.locator('.kind[data-kind=P]').click();
      assert.equal(await view.page.locator('.cell:not(.filtered)').count(), 8);
      await view.page.locator('.kind[data-kind=P]').click();
      assert.equal(await view.page.locator('.cell.filtered').count(), 0);
    });

    it('follows links to events and pages, beside with Ctrl', async () => {
      view = await View.open(browser);
      await view.show(pageModel('direct'), 0xed);
      await view.page.locator('.head [data-event="161528"]').click();
      assert.deepEqual(view.last('goTo'), { type: 'goTo', event: 161_528, beside: false });
      await view.page
        .locator('.head [data-page]')
        .first()
        .click({ modifiers: ['Control'] });
      assert.deepEqual(view.last('open'), { type: 'open', page: idOf('directory'), index: 0x16, beside: true });
      assert.deepEqual(view.last('line'), { type: 'line', event: 161_528 });
    });
  });

  describe('for screen readers', () => {
    it('is a grid of labelled cells', async () => {
      view = await View.open(browser);
      await view.show(pageModel('direct'), 0xed);
      const grid = view.page.getByRole('grid', { name: '512 SPTEs' });
      assert.equal(await grid.getAttribute('aria-rowcount'), '32');
      assert.match((await cell(0xed).getAttribute('aria-label')) ?? '', /^0ed, c2ced000, writable leaf, gfn 2ced, .*changed$/);
      assert.equal(await cell(0xb0).getAttribute('aria-label'), '0b0, c2cb0000, empty');
      assert.equal(await grid.getByRole('row').count(), 32);
    });

    it('says what a step changed', async () => {
      view = await View.open(browser);
      await view.show(pageModel('direct'), 0xed);
      assert.equal(await view.page.locator('.spoken').textContent(), '2c00 L1 q0. 2 entries changed: 0ed writable, 152 write-protected');
    });
  });
});
