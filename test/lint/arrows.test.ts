import { strict as assert } from 'node:assert';
import { Linter } from 'eslint';
import { describe, it } from 'mocha';
import { arrows } from './arrows.mjs';

const linter = new Linter();

/** What the linter says about one line of code in `file`; empty when nothing. */
function lint(file: string, code: string): string {
  const found = linter.verify(
    code,
    { files: ['**/*.ts'], plugins: { rooms: { rules: { arrows } } }, rules: { 'rooms/arrows': 'error' } },
    { filename: file },
  );
  return found.map((message) => message.message).join('\n');
}

describe('the arrows between the rooms', () => {
  for (const [file, source] of [
    ['src/engine/mmu.ts', '../trace/table.js'],
    ['src/engine/mmu.ts', '../replay/replay.js'],
    ['src/engine/mmu.ts', '../protocol.js'],
    ['src/engine/mmu.ts', 'node:fs'],
    ['src/engine/mmu.ts', 'vscode'],
    ['src/trace/open.ts', '../engine/mmu.js'],
    ['src/trace/text/line.ts', '../../replay/replay.js'],
    ['src/trace/open.ts', '../debug/session.js'],
    ['src/replay/replay.ts', '../debug/session.js'],
    ['src/replay/replay.ts', '../protocol.js'],
    ['src/replay/query/parser.ts', '../../debug/session.js'],
    ['src/replay/replay.ts', 'node:fs'],
    ['src/debug/session.ts', '../engine/mmu.js'],
    ['src/debug/session.ts', '../extension/extension.js'],
    ['src/debug/session.ts', 'vscode'],
    ['src/extension/extension.ts', '../debug/session.js'],
    ['src/extension/views/layout.ts', '../../replay/view.js'],
    ['src/extension/extension.ts', '../engine/role.js'],
    ['src/extension/extension.ts', '../webview/grid.js'],
    ['src/webview/grid.ts', '../extension/extension.js'],
    ['src/webview/grid.ts', '../engine/role.js'],
    ['src/webview/grid.ts', 'node:path'],
    ['src/webview/grid.ts', 'vscode'],
    ['src/protocol.ts', './engine/ids.js'],
    ['src/cli.ts', './extension/extension.js'],
    ['src/cli.ts', 'vscode'],
    ['src/cli/check.ts', '../extension/extension.js'],
    ['src/scenario/machine.ts', '../trace/table.js'],
    ['src/scenario/machine.ts', '../replay/replay.js'],
    ['src/scenario/machine.ts', 'node:fs'],
    ['src/debug/session.ts', '../scenario/run.js'],
  ] as const) {
    it(`${file} may not import ${source}`, () => {
      assert.match(lint(file, `import { thing } from '${source}';`), /may not import/);
    });
  }

  for (const [file, source] of [
    ['src/engine/mmu.ts', './pages.js'],
    ['src/trace/table.ts', '../engine/ids.js'],
    ['src/trace/text/line.ts', '../vocabulary.js'],
    ['src/trace/open.ts', 'node:worker_threads'],
    ['src/replay/query/scope.ts', '../../engine/ids.js'],
    ['src/replay/replay.ts', '../trace/table.js'],
    ['src/replay/replay.ts', '../scenario/run.js'],
    ['src/scenario/run.ts', '../engine/eras.js'],
    ['src/debug/handlers/language.ts', '../../scenario/language/parser.js'],
    ['src/cli.ts', './cli/check.js'],
    ['src/cli/check.ts', './command.js'],
    ['src/debug/session.ts', '../replay/replay.js'],
    ['src/debug/session.ts', '../protocol.js'],
    ['src/debug/session.ts', '@vscode/debugadapter'],
    ['src/extension/extension.ts', 'vscode'],
    ['src/extension/extension.ts', '../protocol.js'],
    ['src/webview/grid.ts', '../protocol.js'],
    ['src/cli.ts', './debug/main.js'],
    ['test/replay/replay.test.ts', '../../src/replay/replay.js'],
  ] as const) {
    it(`${file} may import ${source}`, () => {
      assert.equal(lint(file, `import { thing } from '${source}';`), '');
    });
  }

  it('holds for every form of import', () => {
    for (const code of [`export * from 'vscode';`, `export { a } from 'vscode';`, `await import('vscode');`])
      assert.match(lint('src/engine/mmu.ts', code), /may not import/, code);
  });
});
