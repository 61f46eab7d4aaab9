/**
 * Loads the built webview script as VS Code would — same document, same policy, same messages — in a headless Chromium, with page models
 * instead of an adapter behind it.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, LaunchOptions, Page } from 'playwright-core';
import { chromium } from 'playwright-core';
import { webviewHtml } from '../../src/extension/html.js';
import type { FromLayout, PageModel, ToLayout } from '../../src/protocol.js';
import { entryDetail } from './fixture.js';

export const THEMES = {
  dark: 'vscode-dark',
  light: 'vscode-light',
  hc: 'vscode-high-contrast',
  hcl: 'vscode-high-contrast-light vscode-high-contrast',
} as const;
export type Theme = keyof typeof THEMES;

const ORIGIN = 'http://view.test';
const root = process.cwd();
const shots = path.join(root, 'out/screenshots');

/** The browser that the editor tests use too; found at run time, because the tests are bundled away from where it is. */
export async function startBrowser(): Promise<Browser> {
  const finder = pathToFileURL(path.join(root, 'test/host/chromium.mjs')).href;
  const { findChromium } = (await import(finder)) as { findChromium: () => Promise<LaunchOptions> };
  return chromium.launch(await findChromium());
}

/** One open view. */
export class View {
  readonly sent: FromLayout[] = [];
  readonly violations: string[] = [];

  private constructor(readonly page: Page) {}

  static async open(
    browser: Browser,
    {
      theme = 'dark',
      width = 320,
      height = 1180,
      forcedColors = false,
    }: { theme?: Theme; width?: number; height?: number; forcedColors?: boolean } = {},
  ): Promise<View> {
    const context = await browser.newContext({ viewport: { width, height }, ...(forcedColors ? { forcedColors: 'active' as const } : {}) });
    const page = await context.newPage();
    const view = new View(page);
    page.on('pageerror', (error) => view.violations.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') view.violations.push(message.text());
    });
    await page.exposeFunction('fromView', (message: FromLayout | null) => message && view.receive(message));
    await page.addInitScript(`
      let state;
      window.acquireVsCodeApi = () => ({ postMessage: (m) => window.fromView(m), getState: () => state, setState: (s) => { state = s; } });
    `);
    const file = (name: string, contentType: string) => ({ body: readFileSync(path.join(root, name)), contentType });
    await page.route(`${ORIGIN}/layout.js`, (route) => route.fulfill(file('dist/webview/layout.js', 'text/javascript')));
    await page.route(`${ORIGIN}/layout.css`, (route) => route.fulfill(file('media/layout.css', 'text/css')));
    await page.route(`${ORIGIN}/palettes.css`, (route) => route.fulfill(file('test/webview/palettes.css', 'text/css')));
    const html = webviewHtml({
      title: 'SPTE layout',
      cspSource: ORIGIN,
      nonce: 'n0nce',
      style: `${ORIGIN}/layout.css`,
      script: `${ORIGIN}/layout.js`,
    });
    await page.route(`${ORIGIN}/`, (route) =>
      route.fulfill({
        contentType: 'text/html',
        body: html.replace('<body>', `<body class="${THEMES[theme]}"><link rel="stylesheet" href="${ORIGIN}/palettes.css">`),
      }),
    );
    await page.goto(`${ORIGIN}/`);
    await view.post({ type: 'status', status: 'stopped', locked: false });
    return view;
  }

  private receive(message: FromLayout): void {
    this.sent.push(message);
    if (message.type !== 'detail') return;
    const detail = entryDetail(message.page, message.index);
    if (detail && !this.page.isClosed())
      void this.post({ type: 'entry', page: message.page, event: 300_045, detail }).catch(() => undefined); // the view may be closed by then
  }

  async post(message: ToLayout): Promise<void> {
    await this.page.evaluate((data) => window.postMessage(data, '*'), message);
    // the message is delivered as a task of its own
    await this.page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
  }

  async show(model: PageModel, index?: number): Promise<void> {
    await this.post({ type: 'page', page: model, ...(index === undefined ? {} : { index }), focus: true });
    await this.settled();
  }

  /** Until the details of the selected entry are there. */
  async settled(): Promise<void> {
    await this.page.waitForFunction(() => {
      const cell = document.querySelector<HTMLElement>('[role=gridcell][tabindex="0"]');
      const shown = document.querySelector('.entry h2')?.textContent ?? '';
      return cell !== null && shown.startsWith(`[${Number(cell.dataset['cell']).toString(16).padStart(3, '0')}]`);
    });
  }

  async press(...keys: string[]): Promise<void> {
    for (const key of keys) await this.page.keyboard.press(key);
    // Messages arrive in the order they were sent: after this empty one, all that the keys led to are here.
    await this.page.evaluate('window.fromView(null)');
  }

  last<T extends FromLayout['type']>(type: T): Extract<FromLayout, { type: T }> | undefined {
    return this.sent.findLast((message): message is Extract<FromLayout, { type: T }> => message.type === type);
  }

  /** Index of the selected cell. */
  async selected(): Promise<number> {
    return Number(await this.page.locator('[role=gridcell][tabindex="0"]').getAttribute('data-cell'));
  }

  async text(selector: string): Promise<string> {
    return (await this.page.locator(selector).innerText()).replace(/\s+/g, ' ').trim();
  }

  async screenshot(name: string): Promise<void> {
    mkdirSync(shots, { recursive: true });
    await this.page.screenshot({ path: path.join(shots, `${name}.png`) });
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}
