/**
 * Takes the pictures of "What the patches were for" into media/screenshots: `node test/run.mjs pictures`. One for each system: its
 * scenario with and without the patch, compared, and the debugger where a difference tells, with the shadow page that it is about.
 */
import { afterEach, describe, it } from 'mocha';
import { Workbench } from './workbench.js';

interface Picture {
  /** file in media/scenarios, without ending; the picture is called like it */
  readonly scenario: string;
  /** what is chosen to compare it: a feature, or two kernels */
  readonly rules: { readonly without: string } | { readonly kernels: readonly [string, string] };
  /** text of the difference that tells */
  readonly difference: string;
  /** run that is debugged there */
  readonly side: 'a' | 'b';
  /** page that the layout shows, as its search takes it */
  readonly page: string;
}

const PICTURES: readonly Picture[] = [
  {
    scenario: '000-quadrant-in-role',
    rules: { without: 'quadrant-in-role' },
    difference: 'the shadow page 5 L1 q1 that is looked for',
    side: 'b',
    page: '5 L1 q0',
  },
  {
    scenario: '001-local-pages',
    rules: { without: 'local-pages' },
    difference: 'only A takes the shadow page 1 L2 q0',
    side: 'a',
    page: '0 L3 q0',
  },
  {
    scenario: '002-role-from-parent',
    rules: { kernels: ['5.15', '5.15.y-S002'] },
    difference: 'the shadow page 600 L1 q1 that is looked for',
    side: 'b',
    page: '600 L1 q1',
  },
  {
    scenario: '003-mmio-decoupling',
    rules: { without: 'mmio-decoupling' },
    difference: 'only B has mark_mmio_spte',
    side: 'b',
    page: '6 L1 q0',
  },
  {
    scenario: '004-quadrant-filter',
    rules: { without: 'quadrant-filter' },
    difference: 'only B sets the SPTE of gfn 77 in 5 L1 q0',
    side: 'b',
    page: '5 L1 q0',
  },
];

const SIZE = { width: 1480, height: 800 };

let workbench: Workbench | undefined;

describe('pictures of the scenarios', () => {
  afterEach(async () => {
    await workbench?.close();
    workbench = undefined;
  });

  for (const { scenario, rules, difference, side, page } of PICTURES) {
    it(scenario, async () => {
      const w = (workbench = await Workbench.open(`${scenario}.mmu`, 'dark', SIZE));
      if ('without' in rules) {
        await w.command('Compare This Scenario With and Without a Feature');
        await w.choose(rules.without);
      } else {
        await w.command('Compare Two Runs');
        await w.choose('Under two kernels');
        for (const kernel of rules.kernels) await w.choose(kernel);
      }
      const view = w.webview('panel');
      const item = view.locator('[role=option]', { hasText: difference }).first();
      await item.click();
      await view.locator(`.go[data-side=${side}]`).click();
      await w.toolbar.waitFor();
      await w.currentLineShown();
      for (const title of ['Watch', 'Call Stack', 'Breakpoints']) await w.toggleView(title, false);
      await w.toggleView('SPTE layout', true);
      await w.findInLayout(page);
      await w.expand('Event', false);
      await w.expand(/^Shadow pages/);
      // The panel that the debug console came with.
      await w.command('View: Hide Panel');
      await w.page.locator('.repl').waitFor({ state: 'hidden' });
      await item.waitFor();
      await w.screenshot(scenario);
    });
  }
});
