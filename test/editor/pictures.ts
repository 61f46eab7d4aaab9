/**
 * Takes the pictures of "What the patches were for" into media/screenshots: `node test/run.mjs pictures`. One for each system: its
 * scenario run without the patch, stopped at the statement that tells, with the shadow pages that the statement is about.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, it } from 'mocha';
import { Workbench } from './workbench.js';

interface Picture {
  /** file in media/scenarios, without ending; the picture is called like it */
  readonly scenario: string;
  /** the patch */
  readonly without: string;
  /** beginning of the statement to stop at */
  readonly statement: string;
  /** page that the layout shows, as its search takes it */
  readonly page: string;
}

const PICTURES: readonly Picture[] = [];

const SIZE = { width: 1360, height: 860 };
const folder = process.env.EDITOR_FOLDER ?? 'media/scenarios';

let workbench: Workbench | undefined;

describe('pictures of the scenarios', () => {
  afterEach(async () => {
    await workbench?.close();
    workbench = undefined;
  });

  for (const { scenario, without, statement, page } of PICTURES) {
    it(scenario, async () => {
      const file = `${scenario}.mmu`;
      const lines = readFileSync(path.join(folder, file), 'utf8').split('\n');
      const line = lines.findIndex((text) => text.startsWith(statement)) + 1;
      if (line === 0) throw new Error(`${file} has no statement "${statement}"`);
      const w = (workbench = await Workbench.open(file, 'dark', SIZE));
      await w.goToLine(line);
      await w.toggleBreakpoint(line);
      await w.command('Debug This Scenario Without a Feature');
      await w.choose(without);
      await w.toolbar.waitFor();
      await w.page.locator('.debug-top-stack-frame-line').first().waitFor();
      await w.button('Continue');
      await w.stoppedAt(line);
      for (const title of ['Watch', 'Call Stack', 'Breakpoints']) await w.toggleView(title, false);
      await w.expand('Event', false);
      await w.expand(/^Shadow pages/);
      await w.toggleView('SPTE layout', true);
      await w.findInLayout(page);
      await w.screenshot(scenario);
    });
  }
});
