/** Scenarios in the extension host: checked while typing, run, debugged, compared. */
import { strict as assert } from 'node:assert';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, before, describe, it } from 'mocha';
import * as vscode from 'vscode';
import { breakAt, Driver } from './exthostSession.js';
import { HALVES, lineOf, TELLING } from './halves.js';

/** Waits for something that comes by itself. */
async function until<T>(what: string, look: () => T | undefined | false): Promise<T> {
  for (const deadline = Date.now() + 30_000; ;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    assert.ok(Date.now() < deadline, `${what} did not come`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const tabNamed = (label: RegExp) => vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs).find((tab) => label.test(tab.label));

describe('a scenario in the editor', () => {
  let folder: string;
  let driver: Driver | undefined;
  let count = 0;

  before(() => {
    const [workspace] = vscode.workspace.workspaceFolders ?? [];
    assert.ok(workspace, 'no workspace is open');
    folder = workspace.uri.fsPath;
  });

  afterEach(async () => {
    await driver?.end();
    driver?.dispose();
    driver = undefined;
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  async function open(text = HALVES): Promise<vscode.TextDocument> {
    const file = path.join(folder, `scenario-${++count}.mmu`);
    writeFileSync(file, text);
    const document = await vscode.workspace.openTextDocument(file);
    await vscode.window.showTextDocument(document);
    return document;
  }

  const problems = ({ uri }: vscode.TextDocument) =>
    vscode.languages.getDiagnostics(uri).map(({ range, message }) => [range.start.line + 1, range.start.character + 1, message] as const);

  async function replace(document: vscode.TextDocument, line: number, text: string): Promise<void> {
    const edit = new vscode.WorkspaceEdit();
    edit.replace(document.uri, document.lineAt(line - 1).range, text);
    await vscode.workspace.applyEdit(edit);
  }

  it('is checked while it is typed', async () => {
    const document = await open();
    assert.equal(document.languageId, 'mmu-scenario');
    const read = lineOf('read 0x200000');
    await replace(document, read, 'reed 0x200000');
    const [line, column, message] = await until('the problem', () => problems(document)[0]);
    assert.deepEqual([line, column], [read, 1]);
    assert.match(message, /'reed'; did you mean 'read'\?/);
    await replace(document, read, 'read 0x200000');
    await until('the end of the problem', () => problems(document).length === 0);
    await document.save();
  });

  it('has an outline, and what can be done with it above its first line', async () => {
    const document = await open();
    const symbols = await vscode.commands.executeCommand<vscode.DocumentSymbol[]>('vscode.executeDocumentSymbolProvider', document.uri);
    assert.deepEqual(
      symbols.map(({ name }) => name),
      [
        'A write to the second half of a page table.',
        'ram',
        'vcpu 0 paging 32 cr3 0x1000',
        'Both halves of the table at 0x2000 are in use: each has a shadow page of its own.',
      ],
    );
    const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', document.uri);
    assert.deepEqual(
      lenses.map(({ range, command }) => [range.start.line, command?.command]),
      ['debugScenario', 'runScenario', 'debugScenarioWithout', 'compareScenario'].map((name) => [0, `shadow-mmu.${name}`]),
    );
  });

  it('begins with a snippet that is right', async () => {
    await vscode.commands.executeCommand('shadow-mmu.newScenario');
    const document = await until('the scenario', () => {
      const shown = vscode.window.activeTextEditor?.document;
      return shown?.languageId === 'mmu-scenario' && shown.getText().includes('kernel 6.1') && shown;
    });
    assert.ok(document.isUntitled);
    const symbols = await vscode.commands.executeCommand<vscode.DocumentSymbol[]>('vscode.executeDocumentSymbolProvider', document.uri);
    assert.ok(symbols.some(({ name }) => name === 'ram'));
    assert.deepEqual(problems(document), []);
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
  });

  it('completes features and explains them', async () => {
    const document = await open(`without quad\n${HALVES.replace('kernel 2.6.22\n', '')}`);
    const { items } = await vscode.commands.executeCommand<vscode.CompletionList>(
      'vscode.executeCompletionItemProvider',
      document.uri,
      new vscode.Position(0, 'without quad'.length),
    );
    const labels = items.map(({ label }) => (typeof label === 'string' ? label : label.label));
    assert.ok(labels.includes('quadrant-filter'), labels.join(', '));
    await replace(document, 1, 'without quadrant-filter');
    const hovers = await vscode.commands.executeCommand<vscode.Hover[]>(
      'vscode.executeHoverProvider',
      document.uri,
      new vscode.Position(0, 12),
    );
    const text = hovers
      .flatMap(({ contents }) => contents.map((content) => (typeof content === 'string' ? content : content.value)))
      .join('\n');
    assert.match(text, /quadrant/);
    await document.save();
  });

  it('is laid out', async () => {
    const document = await open('kernel   6.1\nslot ram gfn 0..0xff\nvcpu 0    paging 32   cr3 0x1000   # the guest\n');
    const edits = await vscode.commands.executeCommand<vscode.TextEdit[]>('vscode.executeFormatDocumentProvider', document.uri, {
      tabSize: 4,
      insertSpaces: true,
    });
    const edit = new vscode.WorkspaceEdit();
    edit.set(document.uri, edits);
    await vscode.workspace.applyEdit(edit);
    assert.match(document.getText(), /^kernel 6\.1\n/);
    assert.match(document.getText(), /^vcpu 0 paging 32 cr3 0x1000 +# the guest$/m);
    await document.save();
  });

  it('is run, and what fails is marked', async () => {
    const document = await open(HALVES.replace('is leaf gfn 0x10', 'is leaf gfn 0x11'));
    // The message about it waits for an answer.
    void vscode.commands.executeCommand('shadow-mmu.runScenario', document.uri);
    const [line, , message] = await until('the failed expect', () => problems(document)[0]);
    assert.equal(line, lineOf(TELLING));
    assert.match(message, /10/);
  });

  it('shows its trace as a document', async () => {
    const document = await open();
    await vscode.commands.executeCommand('shadow-mmu.showScenarioTrace', document.uri);
    const shown = vscode.window.activeTextEditor?.document;
    assert.equal(shown?.languageId, 'kvmmmu-trace');
    assert.match(shown?.getText() ?? '', /^# tracer: nop\n/);
    assert.match(shown?.getText() ?? '', /: kvm_mmu_get_page: /);
  });

  it('is debugged with F5: breakpoints on its lines, steps in both directions, pages', async () => {
    const document = await open();
    driver = new Driver();
    const file = document.uri.fsPath;
    breakAt(file, lineOf('read 0x200000'));
    await driver.stopAfter(() => vscode.commands.executeCommand('workbench.action.debug.start'));
    const stop = await driver.command('continue');
    assert.equal(stop.reason, 'breakpoint');
    assert.equal(await driver.line(), lineOf('read 0x200000'));
    assert.ok((await driver.top()).source?.path?.endsWith(file), 'the source is another file');
    await driver.command('stepOver');
    assert.equal(await driver.line(), lineOf('emulate'));
    await driver.command('stepBack');
    assert.equal(await driver.line(), lineOf('read 0x200000'));
    const roots = await driver.variables('Shadow pages', /^vCPU 0/);
    assert.ok(
      roots.some(({ value }) => value.startsWith('1 L2 q0')),
      roots.map(({ value }) => value).join('; '),
    );
  });

  it('is debugged without a feature', async () => {
    const document = await open();
    driver = new Driver();
    breakAt(document.uri.fsPath, lineOf(TELLING));
    const launch = {
      type: 'shadow-mmu',
      request: 'launch',
      name: 'without',
      trace: document.uri.fsPath,
      without: ['quadrant-filter'],
      stopOnEntry: false,
    };
    await driver.stopAfter(() => vscode.debug.startDebugging(undefined, launch));
    assert.equal(await driver.line(), lineOf(TELLING));
    const { hits } = await driver.request<{ hits: { page: { id: number } }[] }>('shadowMmu/find', { query: '2 L1 q0' });
    const { page } = await driver.request<{ page: { entries: { index: number }[] } }>('shadowMmu/page', { page: hits[0]?.page.id });
    assert.deepEqual(
      page.entries.map(({ index }) => index),
      [],
      'the SPTE of the first half is gone, too',
    );
  });

  it('is compared with and without a feature in a view', async () => {
    const document = await open();
    void vscode.commands.executeCommand('shadow-mmu.compareScenario', document.uri);
    // The list of features: the first one is the quadrant filter.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
    await until('the view', () => tabNamed(/ ↔ .* without /));
  });
});
