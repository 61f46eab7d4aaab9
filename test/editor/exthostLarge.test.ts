/** A text trace that is too long for a text editor: its summary, its windows, finding in it, and a load that is given up. */
import { strict as assert } from 'node:assert';
import { rmSync } from 'node:fs';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { after, afterEach, before, describe, it } from 'mocha';
import * as vscode from 'vscode';
import { Driver, until } from './exthostSession.js';
import { type LargeTrace, writeLargeTrace } from './largeTrace.js';
import { readSample } from './sample.js';

const WINDOW = 10_000;

const activeInput = (): unknown => vscode.window.tabGroups.activeTabGroup.activeTab?.input;
/** First event of the window that the active editor shows; undefined for other documents. */
const windowShown = (): number | undefined => {
  const uri = vscode.window.activeTextEditor?.document.uri;
  const from = uri?.scheme === 'debug' ? /events ([\d,]+)–/.exec(decodeURIComponent(uri.path))?.[1] : undefined;
  return from === undefined ? undefined : Number(from.replaceAll(',', ''));
};
const lineShown = (): string => {
  const editor = vscode.window.activeTextEditor;
  return editor ? editor.document.lineAt(editor.selection.active.line).text : '';
};

describe('a text trace that is too long for a text editor', () => {
  let driver: Driver;
  let trace: LargeTrace;

  before(() => {
    const [folder] = vscode.workspace.workspaceFolders ?? [];
    assert.ok(folder, 'no workspace is open');
    trace = writeLargeTrace(readSample(folder.uri.fsPath), 'large.txt');
  });
  after(() => rmSync(trace.file));

  afterEach(async () => {
    await driver?.end();
    driver?.dispose();
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  const debug = () => {
    driver = new Driver();
    return driver.stopAfter(() => vscode.commands.executeCommand('shadow-mmu.debugTrace', vscode.Uri.file(trace.file)));
  };
  const goTo = (event: number) => driver.stopAfter(() => driver.request('shadowMmu/goTo', { to: String(event) }));
  const command = (name: string) => vscode.commands.executeCommand(`shadow-mmu.${name}`);

  it('opens as its summary, and F5 there debugs it', async () => {
    await vscode.commands.executeCommand('vscode.open', vscode.Uri.file(trace.file));
    const asText = () =>
      vscode.window.tabGroups.all
        .flatMap((group) => group.tabs)
        .filter(({ input }) => input instanceof vscode.TabInputText && input.uri.fsPath === trace.file);
    await until('no summary', () => activeInput() instanceof vscode.TabInputCustom);
    await until('the text stays open beside its summary', () => asText().length === 0);
    driver = new Driver();
    const stop = await driver.stopAfter(() => command('debugTrace'));
    assert.equal(stop.reason, 'entry');
    assert.equal(driver.session.configuration['trace'], trace.file);
  });

  it('is shown in windows of its own lines, which hovers decode and breakpoints hold in from session to session', async () => {
    await debug();
    await until('no window', () => windowShown() === 0);
    await until('no line of the first event', () => lineShown() === trace.line(0));
    await goTo(25_000);
    await until('no window of the stop', () => windowShown() === 20_000 && lineShown() === trace.line(25_000));
    const { document } = vscode.window.activeTextEditor!;
    await until('the window is not in the language of traces', () => document.languageId === 'kvmmmu-trace');
    const at = (event: number) => new vscode.Position(event % WINDOW, 5);
    const hovers = await vscode.commands.executeCommand<vscode.Hover[]>('vscode.executeHoverProvider', document.uri, at(25_000));
    assert.match(hovers.flatMap(({ contents }) => contents.map((c) => (typeof c === 'string' ? c : c.value))).join(), /event 25,000/);

    const place = new vscode.Location(document.uri, at(25_010));
    vscode.debug.addBreakpoints([new vscode.SourceBreakpoint(place, true)]);
    await driver.request('setExceptionBreakpoints', { filters: [] });
    const stop = await driver.command('continue');
    assert.equal(stop.reason, 'breakpoint');
    assert.equal(await driver.evaluate('event.index'), '25010');

    await vscode.debug.stopDebugging();
    await until('the session does not end', () => vscode.debug.activeDebugSession === undefined);
    driver.dispose();
    await debug();
    await driver.request('setExceptionBreakpoints', { filters: [] });
    await driver.command('continue');
    assert.equal(await driver.evaluate('event.index'), '25010');
    await until('no window of the stop', () => windowShown() === 20_000 && lineShown() === trace.line(25_010));
  });

  it('has windows with neighbours', async () => {
    await debug();
    await goTo(15_000);
    await until('no window', () => windowShown() === 10_000);
    const { document } = vscode.window.activeTextEditor!;
    const lenses = async () => {
      const found = await vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', document.uri, 100);
      return found.map((lens) => `${lens.range.start.line}: ${lens.command?.title}`);
    };
    await until('no lenses', () => document.languageId === 'kvmmmu-trace');
    const [earlier, about, ...rest] = await lenses();
    assert.equal(earlier, '0: $(arrow-up) earlier events');
    assert.match(about ?? '', /^0: events 10,000–19,999 of [\d,]+$/);
    assert.deepEqual(rest, ['0: later events $(arrow-down)', '10000: $(arrow-up) earlier events', '10000: later events $(arrow-down)']);
    await command('nextWindow');
    await until('no next window', () => windowShown() === 20_000);
    await command('previousWindow');
    await command('previousWindow');
    await until('no previous window', () => windowShown() === 0);
    assert.equal(await driver.evaluate('event.index'), '15000');
  });

  it('is searched from its first to its last event', async () => {
    await debug();
    await goTo(15_000);
    await until('no window', () => windowShown() === 10_000 && lineShown() === trace.line(15_000));
    // Find begins with what is selected.
    const editor = vscode.window.activeTextEditor!;
    const { line } = editor.selection.active;
    const text = trace.line(15_000);
    const from = text.indexOf(': ') - 10;
    editor.selection = new vscode.Selection(line, from, line, from + 10);
    await command('findInTrace');
    const settle = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    await settle(500);
    await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
    await settle(2000);
    await driver.stopAfter(() => vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem'));
    const event = Number(await driver.evaluate('event.index'));
    assert.ok(trace.line(event).includes(text.slice(from, from + 10)), trace.line(event));
    // The next one is only shown.
    await command('findNext');
    assert.equal(await driver.evaluate('event.index'), String(event));
  });

  it('can be debugged as far as it was loaded when somebody cancels that', async () => {
    await debug();
    const { progressId, cancellable } = await driver.event<DebugProtocol.ProgressStartEvent['body']>('progressStart');
    assert.equal(cancellable, true);
    await driver.request('cancel', { progressId });
    const { message } = await driver.event<DebugProtocol.ProgressEndEvent['body']>('progressEnd');
    assert.match(message ?? '', /^stopped at [\d,]+/);
    await driver.command('stepOver');
    await driver.command('stepBack');
    assert.equal(await driver.evaluate('event.index'), '0');
  });
});
