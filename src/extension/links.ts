import * as vscode from 'vscode';
import type { PageModel } from '../protocol.js';
import { debugTrace } from './configurations.js';
import type { LayoutViews } from './layoutViews.js';
import { ask } from './session.js';
import type { SessionWatch } from './session.js';
import type { Sessions } from './sessions.js';
import { goTo } from './travel.js';

/** `2c00.1.0d` in links: gfn, level, quadrant, `d` for a direct page. */
export function pageInLink({ gfn, level, quadrant, tags }: PageModel): string {
  return `${gfn}.${level}.${quadrant}${tags.some((tag) => tag.text === 'direct') ? 'd' : ''}`;
}

export function linkTo(extensionId: string, trace: string, page: PageModel, index: number | undefined): string {
  const query = new URLSearchParams({ trace, event: String(page.event.event), page: pageInLink(page) });
  if (index !== undefined) query.set('spte', index.toString(16).padStart(3, '0'));
  return `${vscode.env.uriScheme}://${extensionId}/open?${query}`;
}

/** Opens `…/open?trace=…&event=…&page=…&spte=…`: the session that has the trace, or a new one, goes there. */
export class LinkHandler implements vscode.UriHandler {
  constructor(
    private readonly sessions: Sessions,
    private readonly views: LayoutViews,
  ) {}

  async handleUri(uri: vscode.Uri): Promise<void> {
    const query = new URLSearchParams(uri.query);
    const trace = query.get('trace');
    if (uri.path !== '/open' || trace === null) {
      void vscode.window.showErrorMessage(`This link leads nowhere: it should read ${vscode.env.uriScheme}://…/open?trace=PATH&event=N.`);
      return;
    }
    const watch = await this.sessionOn(trace);
    if (!watch) return;
    const event = query.get('event');
    if (event !== null) await goTo(watch.session, event);
    const page = query.get('page');
    if (page !== null) await this.openPage(watch, page, query.get('spte'));
  }

  private async sessionOn(trace: string): Promise<SessionWatch | undefined> {
    const there = this.sessions.stopped;
    if (there?.session.configuration['trace'] === trace) return there;
    // A link may come from anywhere, and opening a file is something to be asked about.
    const answer = await vscode.window.showInformationMessage(`Debug ${trace}?`, { modal: true }, 'Debug');
    if (answer !== 'Debug') return undefined;
    const stopped = this.sessions.nextStop();
    return (await debugTrace(trace)) ? stopped : undefined;
  }

  private async openPage(watch: SessionWatch, page: string, spte: string | null): Promise<void> {
    const [gfn, level, quadrant = ''] = page.split('.');
    const query = `${gfn} L${level} q${Number.parseInt(quadrant)}`;
    const { hits, message } = await ask(watch.session, 'shadowMmu/find', { query });
    const index = spte === null ? undefined : Number.parseInt(spte, 16);
    const direct = quadrant.endsWith('d');
    const hit = hits.find((h) => /\bdirect\b/.test(h.label) === direct) ?? hits[0];
    if (hit) await this.views.reveal({ page: hit.page.id }, index);
    else void vscode.window.showWarningMessage(message ?? `There is no page ${query} at this event.`);
  }
}
