/**
 * The workbench of VS Code as a person drives it: by mouse, keys and the palette, reading what is on the screen. Everything waits on a
 * condition; nothing sleeps for a while and hopes.
 */
import { writeFileSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { chromium, type Browser, type FrameLocator, type Locator, type Page } from 'playwright-core';
import { windowUrl } from '../host/windowUrl.mjs';

/** Slow machines get this long for each thing on the screen. */
const patience = 60_000;

function given(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run these tests with \`node test/run.mjs ui\``);
  return value;
}

export const themes = {
  dark: 'Default Dark Modern',
  light: 'Default Light Modern',
  'hc-dark': 'Default High Contrast',
  'hc-light': 'Default High Contrast Light',
} as const;
export type Theme = keyof typeof themes;

let browser: Promise<Browser> | undefined;
/** The one browser of the run. */
const theBrowser = () => (browser ??= chromium.connect(given('EDITOR_BROWSER')));

export class Workbench {
  /** exceptions in the page; there should be none */
  readonly errors: string[] = [];
  /** what VS Code logs, which it does into the console of its page */
  private readonly log: string[] = [];

  private constructor(readonly page: Page) {
    page.setDefaultTimeout(patience);
    page.on('pageerror', (error) => this.errors.push(error.message));
    page.on('console', (message) => this.log.push(`${message.type()}: ${message.text()}`));
  }

  /** A window of its own, with nothing remembered, and the text trace `file` of the sample folder open. */
  static async open(file: string, theme: Theme = 'dark', size = { width: 1600, height: 1200 }): Promise<Workbench> {
    const workbench = await Workbench.window(file, theme, size);
    await workbench.editor.locator('.view-line').first().waitFor();
    return workbench;
  }

  private static async window(file: string, theme: Theme, viewport: { width: number; height: number }): Promise<Workbench> {
    const settings = given('EDITOR_SETTINGS');
    writeFileSync(
      settings,
      JSON.stringify({ ...(JSON.parse(readFileSync(settings, 'utf8')) as object), 'workbench.colorTheme': themes[theme] }),
    );
    const context = await (await theBrowser()).newContext({ viewport });
    const workbench = new Workbench(await context.newPage());
    const folder = given('EDITOR_FOLDER');
    await workbench.page.goto(windowUrl(given('EDITOR_ORIGIN'), folder, [['openFile', path.join(folder, file)]]));
    await workbench.tab(file).waitFor();
    return workbench;
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }

  async screenshot(name: string): Promise<void> {
    await this.page.screenshot({ path: path.join(given('EDITOR_SCREENSHOTS'), `${name}.png`) });
  }

  /** A picture of where a test failed, and the log that led there. */
  async failed(title: string): Promise<void> {
    await this.screenshot(`FAILED ${title}`);
    writeFileSync(path.join(given('EDITOR_SCREENSHOTS'), `FAILED ${title}.log`), this.log.join('\n'));
  }

  notifications(): Promise<string[]> {
    return this.page.locator('.notification-toast').allInnerTexts();
  }

  tab(label: string): Locator {
    return this.page.locator('.tabs-container .tab', { hasText: label });
  }

  get editor(): Locator {
    return this.page.locator('.editor-instance .monaco-editor').first();
  }

  /** Runs a command by its title. The palette lists commands once per opening: one of an extension that is still loading needs another. */
  async command(title: string): Promise<void> {
    const input = this.page.locator('.quick-input-widget input.input');
    const row = this.page.locator('.quick-input-list .monaco-list-row').filter({ hasText: title }).first();
    await this.repeat(`no command "${title}"`, async () => {
      await this.page.keyboard.press('F1');
      if (!(await shows(input, 2000))) return false;
      await input.fill(`>${title}`);
      if (await shows(row, 1500)) {
        await row.click();
        return true;
      }
      await this.page.keyboard.press('Escape');
      return false;
    });
  }

  /** Chooses from the list that a command has opened. */
  async choose(text: string): Promise<void> {
    const input = this.page.locator('.quick-input-widget input.input');
    const row = this.page.locator('.quick-input-list .monaco-list-row').filter({ hasText: text }).first();
    await this.page.locator('.quick-input-list .monaco-list-row').first().waitFor();
    await input.fill(text);
    await row.click();
  }

  /** Shows a page in the SPTE layout of the side bar. */
  async findInLayout(page: string): Promise<void> {
    await this.command('Find Address or gfn');
    const layout = this.webview('view');
    const input = layout.locator('search input');
    await input.fill(page);
    await input.press('Enter');
    const hit = layout.locator('search [role=option]').first();
    const heading = layout.locator('h1, [role=heading][aria-level="1"]', { hasText: page });
    // One hit is opened at once, several are listed.
    await heading.or(hit).first().waitFor();
    if (await hit.isVisible()) await hit.press('Enter');
    await heading.waitFor();
    await input.press('Escape').catch(() => undefined);
  }

  /** Opens a file from the explorer. */
  async openFromExplorer(file: string): Promise<void> {
    await this.page.locator('.explorer-folders-view .monaco-list-row', { hasText: file }).dblclick();
    await this.tab(file).waitFor();
  }

  /** Chooses from the context menu of a file in the explorer. */
  async fromExplorer(file: string, item: string): Promise<void> {
    await this.press('Control+Shift+e');
    const row = this.page.locator('.explorer-folders-view .monaco-list-row', { hasText: file });
    const action = this.page.locator('.monaco-menu .action-label', { hasText: item });
    await this.repeat(`no "${item}" in the menu of ${file}`, async () => {
      await row.click({ button: 'right' });
      if (await shows(action, 3000)) {
        await action.click();
        return true;
      }
      await this.press('Escape');
      return false;
    });
  }

  async press(key: string): Promise<void> {
    await this.page.keyboard.press(key);
  }

  /** Scrolls until the line is on the screen. */
  async goToLine(line: number): Promise<void> {
    await this.press('Control+g');
    const input = this.page.locator('.quick-input-widget input.input');
    await input.waitFor();
    await input.fill(`:${line}`);
    await this.press('Enter');
    await this.lineNumber(line).waitFor();
  }

  private lineNumber(line: number): Locator {
    return this.editor.locator('.margin-view-overlays .line-numbers', { hasText: new RegExp(`^${line}$`) });
  }

  /**
   * Hovers over the gutter of a line until the hint for a breakpoint shows. The debugger's part of the workbench comes in some time after
   * the editor; until then a click in the gutter does nothing, and F5 only opens the Run view.
   */
  private async hoverGutter(line: Locator): Promise<void> {
    await line.waitFor();
    const margin = this.editor.locator('.margin').first();
    await this.repeat('no breakpoint hint in the gutter', async () => {
      // While the editor draws itself anew, an element may be nowhere for a moment.
      const [row, column] = await Promise.all([line.boundingBox(), margin.boundingBox()]);
      if (!row || !column) return false;
      const middle = row.y + row.height / 2;
      await this.page.mouse.move(column.x + 200, middle);
      await this.page.mouse.move(column.x + 10, middle);
      const hint = await shows(this.editor.locator('.codicon-debug-hint').first(), 500);
      // CodeLenses that come in meanwhile push the lines down.
      return hint && (await line.boundingBox())?.y === row.y;
    });
  }

  /** Sets a breakpoint by a click into the gutter. */
  async toggleBreakpoint(line: number): Promise<void> {
    await this.hoverGutter(this.lineNumber(line));
    await this.page.mouse.down();
    await this.page.mouse.up();
    await this.breakpoints.first().waitFor();
  }

  get breakpoints(): Locator {
    return this.editor.locator('.codicon-debug-breakpoint, .codicon-debug-breakpoint-unverified');
  }

  /** Starts a session with F5 and waits for its toolbar. */
  async start(): Promise<void> {
    const lines = this.editor.locator('.margin-view-overlays .line-numbers');
    if ((await lines.count()) > 0 && (await this.breakpoints.count()) === 0) await this.hoverGutter(lines.last());
    await this.press('F5');
    await this.toolbar.waitFor();
  }

  get toolbar(): Locator {
    return this.page.locator('.debug-toolbar');
  }

  /** Presses a button of the debug toolbar, by the beginning of its label: Continue, Step Over, Step Back, Reverse … */
  async button(label: string): Promise<void> {
    await this.toolbar.locator(`.action-label[aria-label^="${label}"]:not(.disabled)`).click();
  }

  /** Waits until the editor marks `line` as the one where execution stands. */
  async stoppedAt(line: number): Promise<void> {
    await this.page.waitForFunction(
      (wanted) => {
        const mark = document.querySelector('.editor-instance .view-overlays .debug-top-stack-frame-line');
        if (!mark) return false;
        const { top } = mark.getBoundingClientRect();
        const numbers = [...document.querySelectorAll('.editor-instance .margin-view-overlays .line-numbers')];
        return numbers.find((number) => Math.abs(number.getBoundingClientRect().top - top) < 3)?.textContent === String(wanted);
      },
      line,
      { timeout: patience },
    );
  }

  /** Waits until the Variables view shows the event that execution stands at, too. */
  async variablesShow(event: string): Promise<void> {
    await this.expand('Event');
    await this.variable(new RegExp(`^name\\s*=\\s*${event}`)).waitFor();
  }

  /** The row of the Variables view whose text matches. */
  variable(text: string | RegExp): Locator {
    return this.page.locator('.debug-variables .monaco-list-row').filter({ hasText: text }).first();
  }

  /** Opens or closes a row of the Variables view. */
  async expand(text: string | RegExp, open = true): Promise<void> {
    const row = this.variable(text);
    await row.waitFor();
    await this.repeat(`${text} cannot be ${open ? 'opened' : 'closed'}`, async () => {
      if ((await row.getAttribute('aria-expanded')) === String(open)) return true;
      await row.locator('.monaco-tl-twistie').click();
      return false;
    });
  }

  /** Opens or closes a view of the debug side bar: VS Code begins with those of extensions closed. */
  async toggleView(title: string, open: boolean): Promise<void> {
    const header = this.page.locator(`.pane-header[aria-label^="${title}" i]`);
    await header.waitFor();
    await this.repeat(`the view ${title} cannot be toggled`, async () => {
      if ((await header.getAttribute('aria-expanded')) === String(open)) return true;
      await header.click();
      return false;
    });
  }

  /** What the Variables view shows, one string per row. */
  async variables(): Promise<string[]> {
    const rows = await this.page.locator('.debug-variables .monaco-list-row').allInnerTexts();
    return rows.map((row) => row.replace(/\s+/g, ' ').trim());
  }

  /** Ticks an exception filter in the Breakpoints view. */
  async breakOn(label: string | RegExp): Promise<void> {
    const box = this.page
      .locator('.debug-breakpoints .monaco-list-row')
      .filter({ hasText: label })
      .locator('input[type=checkbox], .monaco-checkbox')
      .first();
    await box.waitFor();
    if (!(await box.isChecked().catch(() => false))) await box.click();
  }

  /**
   * The document inside a webview of the extension. A webview is two frames deep; the outer one tells whose it is and, in a view, that it
   * is one.
   */
  webview(kind: 'view' | 'panel'): FrameLocator {
    const which = kind === 'view' ? '[src*="purpose=webviewView"]' : ':not([src*="purpose="])';
    return this.page
      .frameLocator(`iframe.webview.ready[src*="extensionId=shadow-mmu.shadow-mmu"]${which}`)
      .frameLocator('iframe#active-frame');
  }

  /** Waits for the mark of the current line. */
  async currentLineShown(): Promise<void> {
    await this.page.locator('.debug-top-stack-frame-line').first().waitFor();
  }

  private async repeat(complaint: string, attempt: () => Promise<boolean>): Promise<void> {
    for (const deadline = Date.now() + patience; ;) {
      if (await attempt()) return;
      if (Date.now() > deadline) throw new Error(complaint);
    }
  }
}

function shows(locator: Locator, timeout: number): Promise<boolean> {
  return locator.waitFor({ timeout }).then(
    () => true,
    () => false,
  );
}
