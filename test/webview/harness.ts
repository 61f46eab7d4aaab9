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
import type { FromCompare, FromLayout, FromSummary, PageModel, ToCompare, ToLayout, ToSummary } from '../../src/protocol.js';
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

interface Look {
  theme?: Theme;
  width?: number;
  height?: number;
  forcedColors?: boolean;
}

/** A page with one of the webviews in it. What its script says goes to `receive`; what goes wrong in it is collected. */
async function openWebview<Message>(
  browser: Browser,
  name: 'layout' | 'summary' | 'compare',
  { theme = 'dark', width = 320, height = 1180, forcedColors = false }: Look,
  receive: (message: Message) => void,
): Promise<{ page: Page; violations: string[] }> {
  const context = await browser.newContext({ viewport: { width, height }, ...(forcedColors ? { forcedColors: 'active' as const } : {}) });
  const page = await context.newPage();
  const violations: string[] = [];
  page.on('pageerror', (error) => violations.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') violations.push(message.text());
  });
  // null says nothing: it only shows that everything said before it has arrived
  await page.exposeFunction('fromView', (message: Message | null) => {
    if (message !== null) receive(message);
  });
  await page.addInitScript(`
    let state;
    window.acquireVsCodeApi = () => ({ postMessage: (m) => window.fromView(m), getState: () => state, setState: (s) => { state = s; } });
  `);
  const serve = (url: string, file: string, contentType: string) =>
    page.route(`${ORIGIN}/${url}`, (route) => route.fulfill({ body: readFileSync(path.join(root, file)), contentType }));
  await serve('view.js', `dist/webview/${name}.js`, 'text/javascript');
  await serve('view.css', `media/${name}.css`, 'text/css');
  await serve('palettes.css', 'test/webview/palettes.css', 'text/css');
  const html = webviewHtml({
    title: name,
    cspSource: ORIGIN,
    nonce: 'n0nce',
    style: `${ORIGIN}/view.css`,
    script: `${ORIGIN}/view.js`,
  }).replace('<body>', `<body class="${THEMES[theme]}"><link rel="stylesheet" href="${ORIGIN}/palettes.css">`);
  await page.route(`${ORIGIN}/`, (route) => route.fulfill({ contentType: 'text/html', body: html }));
  await page.goto(`${ORIGIN}/`);
  return { page, violations };
}

/** Delivers a message as VS Code does; it has been handled when this resolves. */
async function deliver(page: Page, message: ToLayout | ToSummary | ToCompare): Promise<void> {
  await page.evaluate((data) => window.postMessage(data, '*'), message);
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
}

export async function screenshot(page: Page, name: string): Promise<void> {
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: path.join(shots, `${name}.png`) });
}

/** The page of facts about a trace. */
export async function openSummary(browser: Browser, answer: ToSummary): Promise<{ page: Page; violations: string[]; sent: FromSummary[] }> {
  const sent: FromSummary[] = [];
  const { page, violations } = await openWebview<FromSummary>(browser, 'summary', { width: 900, height: 700 }, (message) =>
    sent.push(message),
  );
  await deliver(page, answer);
  return { page, violations, sent };
}

/** The view of two runs. `tell` delivers what the extension says to it. */
export async function openCompare(browser: Browser, look: Look = {}) {
  const sent: FromCompare[] = [];
  const size = { width: 1000, height: 600, ...look };
  const { page, violations } = await openWebview<FromCompare>(browser, 'compare', size, (message) => sent.push(message));
  return { page, violations, sent, tell: (message: ToCompare) => deliver(page, message) };
}

/** One open SPTE layout. */
export class View {
  readonly sent: FromLayout[] = [];
  violations: string[] = [];
  page!: Page;
  /** only then is there an adapter to answer */
  private stopped = false;

  static async open(browser: Browser, look: Look = {}): Promise<View> {
    const view = new View();
    Object.assign(view, await openWebview<FromLayout>(browser, 'layout', look, (message) => view.receive(message)));
    await view.post({ type: 'status', status: 'stopped', locked: false });
    return view;
  }

  private receive(message: FromLayout): void {
    this.sent.push(message);
    if (message.type !== 'detail' || !this.stopped) return;
    const detail = entryDetail(message.page, message.index);
    if (detail && !this.page.isClosed())
      void this.post({ type: 'entry', page: message.page, event: 300_045, detail }).catch(() => undefined); // the view may be closed by then
  }

  post(message: ToLayout): Promise<void> {
    if (message.type === 'status') this.stopped = message.status === 'stopped';
    return deliver(this.page, message);
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

  screenshot(name: string): Promise<void> {
    return screenshot(this.page, name);
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}
