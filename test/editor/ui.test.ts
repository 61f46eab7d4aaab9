/** The whole session as a person has it, in the workbench: see the screenshots in out/screenshots. */
import { strict as assert } from 'node:assert';
import { rmSync } from 'node:fs';
import { afterEach, describe, it } from 'mocha';
import { writeLargeTrace } from './largeTrace.js';
import { eventName, pageName, readSample, zapLine } from './sample.js';
import { type Theme, themes, Workbench } from './workbench.js';

const sample = readSample(process.env.EDITOR_FOLDER ?? 'media/samples');
/** A page that a fault allocates while the page above it is there already, and the SPTE that the same fault sets. */
const allocation = sample.lineOf(/kvm_mmu_get_page: .* l1 .* new$/);
const setSpte = sample.lineOf(/kvm_mmu_set_spte: /, allocation);

let workbench: Workbench | undefined;

async function open(theme?: Theme): Promise<Workbench> {
  workbench = await Workbench.open(sample.name, theme);
  return workbench;
}

describe('the workbench', function () {
  // A browser, a server and an extension host share the machine: a step that comes before VS Code is ready for it gets one more try.
  this.retries(1);

  afterEach(async function () {
    if (!workbench) return;
    if (this.currentTest?.state === 'failed') await workbench.failed(this.currentTest.title);
    const { errors } = workbench;
    const notifications = await workbench.notifications();
    await workbench.close();
    workbench = undefined;
    assert.deepEqual({ errors, notifications }, { errors: [], notifications: [] }, 'nothing pops up in front of the user');
  });

  it('stops, steps, steps back, and shows the shadow pages', async () => {
    const w = await open();
    await w.goToLine(allocation);
    await w.toggleBreakpoint(allocation);
    await w.screenshot('01 breakpoint in the gutter');

    await w.start();
    await w.stoppedAt(sample.first);
    await w.variablesShow(eventName(sample.text(sample.first)));
    await w.screenshot('02 first stop');

    await w.button('Continue');
    await w.stoppedAt(allocation);
    await w.toggleView('Watch', false);
    await w.variablesShow('kvm_mmu_get_page');
    await w.variable(/^gfn/).waitFor();
    const name = pageName(sample.text(allocation));
    await w.toggleView('SPTE layout', true);
    const layout = w.webview('view');
    await layout.locator('h1, [role=heading][aria-level="1"]', { hasText: name }).waitFor();
    assert.equal(await layout.locator('[role=gridcell]').count(), 512);
    await w.screenshot('03 stopped at the breakpoint');

    await w.expand('Event', false);
    await w.expand(/^Shadow pages/);
    await w.expand(/^vCPU 0/);
    await w.variable(/^\[000\]/).waitFor();
    await w.screenshot('04 tree of shadow pages');

    await w.button('Step Over');
    await w.stoppedAt(allocation + 1);
    await w.button('Step Back');
    await w.stoppedAt(allocation);
    await w.press('F10');
    await w.stoppedAt(allocation + 1);
    await w.button('Reverse');
    await w.stoppedAt(allocation);
    await w.screenshot('05 stepped back');
  });

  it('stops on the first zap through the exception filter', async () => {
    const w = await open();
    await w.start();
    await w.stoppedAt(sample.first);
    await w.breakOn('Zap');
    await w.button('Continue');
    const zap = sample.lineOf(zapLine);
    await w.stoppedAt(zap);
    await w.page.locator('.exception-widget').waitFor();
    await w.variablesShow(eventName(sample.text(zap)));
    await w.screenshot('06 first zap');
  });

  it('debugs a trace.dat from the explorer', async () => {
    const w = await open();
    await w.fromExplorer('trace.dat', 'Debug This Trace');
    await w.toolbar.waitFor();
    // The window of the first stop must have been opened: VS Code drops an editor that the next stop overtakes.
    await w.currentLineShown();
    await w.breakOn('Zap');
    await w.button('Continue');
    await w.page.locator('.exception-widget').waitFor();
    await w.editor.locator('.view-line', { hasText: 'kvm_mmu_prepare_zap_page' }).first().waitFor();
    await w.variablesShow('kvm_mmu_prepare_zap_page');
    await w.screenshot('07 trace.dat');
  });

  it('shows a text that is too long for an editor in windows, and finds over all of it', async () => {
    const large = writeLargeTrace(sample, 'large.txt');
    try {
      const w = await open();
      await w.page.locator('.explorer-folders-view .monaco-list-row', { hasText: 'large.txt' }).dblclick();
      await w.webview('panel').getByText('kvm_mmu_get_page').first().waitFor();
      await w.screenshot('20 summary of a large text');
      await w.start();
      await w.currentLineShown();
      await w.page.locator('.codelens-decoration', { hasText: 'later events' }).first().waitFor();
      await w.screenshot('21 first window');
      await w.command('Find in Trace');
      const input = w.page.locator('.quick-input-widget input.input');
      await w.page.locator('.quick-input-title', { hasText: 'Find in Trace: text' }).waitFor();
      await input.fill('kvm_mmu_prepare_zap_page');
      await w.screenshot('22 find');
      await w.press('Enter');
      const rows = w.page.locator('.quick-input-list .monaco-list-row', { hasText: 'kvm_mmu_prepare_zap_page' });
      await rows.nth(3).waitFor();
      await w.press('ArrowDown');
      await w.editor.locator('.view-line', { hasText: 'kvm_mmu_prepare_zap_page' }).first().waitFor();
      await w.screenshot('23 matches');
      await w.press('Enter');
      await w.variablesShow('kvm_mmu_prepare_zap_page');
      await w.screenshot('24 at a match');
      // The load is told about until it is over.
      await w.page.locator('.notification-toast').first().waitFor({ state: 'detached' });
    } finally {
      rmSync(large.file);
    }
  });

  it('shows what a trace.dat is and debugs it with F5', async () => {
    const w = await open();
    await w.openFromExplorer('trace.dat');
    // Early after the start VS Code does not know the extension's editor yet and shows its page for binary files; the command waits for it.
    await w.command('Open Trace Summary');
    const summary = w.webview('panel');
    await summary.getByText('kvm_mmu_get_page').first().waitFor();
    await w.screenshot('08 summary of trace.dat');
    await w.start();
    await w.currentLineShown();
    await w.variablesShow(eventName(sample.text(sample.first)));
  });

  for (const theme of Object.keys(themes) as Theme[]) {
    it(`shows what a step changed in the SPTE layout (${themes[theme]})`, async () => {
      const w = await open(theme);
      await w.goToLine(setSpte);
      await w.toggleBreakpoint(setSpte);
      await w.start();
      await w.stoppedAt(sample.first);
      await w.button('Continue');
      await w.stoppedAt(setSpte);
      // Room for the 512 entries in the side bar.
      for (const title of ['Watch', 'Call Stack', 'Breakpoints']) await w.toggleView(title, false);
      await w.toggleView('SPTE layout', true);
      const layout = w.webview('view');
      const changed = layout.locator('[role=gridcell][aria-label*="changed"]');
      await changed.first().waitFor();
      await w.variablesShow('kvm_mmu_set_spte');
      await w.screenshot(`10 ${theme} stopped`);

      await w.command('SPTE Layout as Panel');
      await w.webview('panel').locator('[role=gridcell][aria-label*="changed"]').first().waitFor();
      await w.screenshot(`11 ${theme} panel`);
    });
  }
});
