/** In the extension host, through VS Code's API: commands, sessions, stops, variables. The same file runs on the desktop and on a server. */
import { strict as assert } from 'node:assert';
import path from 'node:path';
import { afterEach, before, describe, it } from 'mocha';
import * as vscode from 'vscode';
import { breakAt, Driver } from './exthostSession.js';
import { pageName, readSample, type Sample, zapLine } from './sample.js';

interface Manifest {
  contributes: { commands: { command: string }[] };
}

describe('the extension', () => {
  let driver: Driver;
  let sample: Sample;
  const extension = vscode.extensions.getExtension('shadow-mmu.shadow-mmu');

  before(() => {
    const [folder] = vscode.workspace.workspaceFolders ?? [];
    assert.ok(folder, 'no workspace is open');
    sample = readSample(folder.uri.fsPath);
  });

  afterEach(async () => {
    await driver?.end();
    driver?.dispose();
  });

  const debugSample = () => {
    driver = new Driver();
    return driver.stopAfter(() => vscode.commands.executeCommand('shadow-mmu.debugTrace', vscode.Uri.file(sample.file)));
  };

  it('registers every command it contributes', async () => {
    assert.ok(extension, 'the extension is not there');
    await extension.activate();
    const registered = new Set(await vscode.commands.getCommands(true));
    const { commands } = (extension.packageJSON as Manifest).contributes;
    assert.deepEqual(
      commands.map(({ command }) => command).filter((command) => !registered.has(command)),
      [],
    );
  });

  it('starts on a trace without a launch.json and stops at the first event', async () => {
    const stop = await debugSample();
    assert.equal(stop.reason, 'entry');
    assert.equal(await driver.line(), sample.first);
    assert.equal(await driver.evaluate('event.index'), '0');
  });

  it('fills in the trace for an empty configuration: F5 on an open trace', async () => {
    driver = new Driver();
    await vscode.window.showTextDocument(vscode.Uri.file(sample.file));
    await driver.stopAfter(() => vscode.commands.executeCommand('workbench.action.debug.start'));
    assert.equal(await driver.line(), sample.first);
  });

  it('stops at a line, and n steps forward and n back are the identity', async () => {
    const line = sample.lineOf(/kvm_mmu_get_page: .* new$/, sample.lineOf(/kvm_mmu_set_spte: /));
    breakAt(sample.file, line);
    await debugSample();
    const stop = await driver.command('continue');
    assert.equal(stop.reason, 'breakpoint');
    assert.equal(await driver.line(), line);
    const lines = [];
    for (let n = 0; n < 5; n++) {
      lines.push(await driver.line());
      await driver.command('stepOver');
    }
    for (const expected of lines.reverse()) {
      await driver.command('stepBack');
      assert.equal(await driver.line(), expected);
    }
  });

  it('goes back to where it stopped before', async () => {
    const first = sample.lineOf(/kvm_mmu_set_spte: /);
    const second = sample.lineOf(/kvm_mmu_set_spte: /, first);
    breakAt(sample.file, first);
    breakAt(sample.file, second);
    await debugSample();
    await driver.command('continue');
    await driver.command('continue');
    assert.equal(await driver.line(), second);
    await driver.command('reverseContinue');
    assert.equal(await driver.line(), first);
  });

  it('stops only where a condition holds', async () => {
    const page = sample.lineOf(/kvm_mmu_get_page: .* new$/);
    breakAt(sample.file, page, 'level == 7');
    const root = sample.lineOf(/kvm_mmu_get_page: .* new$/, page);
    breakAt(sample.file, root, 'event.name == "kvm_mmu_get_page"');
    await debugSample();
    await driver.command('continue');
    assert.equal(await driver.line(), root);
  });

  it('stops on the first zap through the exception filter', async () => {
    await debugSample();
    await driver.request('setExceptionBreakpoints', { filters: ['zap'] });
    const stop = await driver.command('continue');
    assert.equal(stop.reason, 'exception');
    assert.equal(await driver.line(), sample.lineOf(zapLine));
  });

  it('shows the event and the tree of shadow pages', async () => {
    const line = sample.lineOf(/kvm_mmu_get_page: .* new$/);
    breakAt(sample.file, line);
    await debugSample();
    await driver.command('continue');
    const event = await driver.variables('Event');
    const [, gfn] = /gfn ([0-9a-f]+)/.exec(sample.text(line)) ?? [];
    assert.match(event.find(({ name }) => name === 'gfn')?.value ?? '', new RegExp(`\\b(0x)?${gfn}\\b`));
    const roots = await driver.variables('Shadow pages', /^vCPU 0/);
    assert.ok(
      roots.some(({ value }) => value.startsWith(pageName(sample.text(line)))),
      `${pageName(sample.text(line))} is not among ${roots.map(({ name, value }) => `${name} ${value}`).join('; ')}`,
    );
  });

  it('debugs a trace.dat, whose lines the adapter serves', async () => {
    driver = new Driver();
    const file = vscode.Uri.file(path.join(path.dirname(sample.file), 'trace.dat'));
    await driver.stopAfter(() => vscode.commands.executeCommand('shadow-mmu.debugTrace', file));
    await driver.request('setExceptionBreakpoints', { filters: ['zap'] });
    await driver.command('continue');
    const { source, line } = await driver.top();
    assert.ok(source?.sourceReference, 'the source has no reference');
    const { content } = await driver.request<{ content: string }>('source', { source, sourceReference: source.sourceReference });
    assert.match(content.split('\n')[line - 1] ?? '', zapLine);
  });

  it('opens the SPTE layout as a panel', async () => {
    await debugSample();
    await vscode.commands.executeCommand('shadow-mmu.openLayoutPanel');
    const layout = () => vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs).find(({ label }) => label === 'SPTE layout');
    for (const deadline = Date.now() + 10_000; !layout() && Date.now() < deadline;) await new Promise((resolve) => setTimeout(resolve, 50));
    assert.ok(layout()?.input instanceof vscode.TabInputWebview);
  });

  it('says why a trace cannot be debugged, and debugs the next one', async () => {
    driver = new Driver();
    const missing = { type: 'shadow-mmu', request: 'launch', name: 'missing', trace: `${sample.file}.missing` };
    // The message that VS Code would show in a dialog; in tests it refuses to.
    const started = await vscode.debug.startDebugging(undefined, missing).then(
      (answer) => answer,
      () => false,
    );
    assert.equal(started, false);
    await debugSample();
    assert.equal(await driver.line(), sample.first);
  });
});
