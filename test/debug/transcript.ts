import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { DebugProtocol as P } from '@vscode/debugprotocol';
import type { Driver } from './driver.js';

/**
 * A debug session written down as a person would see it, and held against the one that was found right before.
 * `UPDATE_GOLDEN=1 npm run test:unit` writes them anew; then read the difference.
 */
export class Transcript {
  private readonly lines: string[] = [];

  constructor(private readonly driver: Driver) {
    this.stopped(driver.first);
  }

  async go(command: string): Promise<void> {
    this.lines.push('', `> ${command}`);
    this.stopped(await this.driver.go(command));
  }

  async goTo(to: string): Promise<void> {
    this.lines.push('', `> go to ${to}`);
    this.stopped(await this.driver.client.untilStopped('shadowMmu/goTo', { to }));
  }

  async request(command: string, args: unknown): Promise<void> {
    this.lines.push('', `> ${command} ${JSON.stringify(args)}`);
    await this.driver.client.request(command, args);
  }

  async callStack(): Promise<void> {
    this.lines.push('  call stack');
    for (const frame of await this.driver.frames()) this.lines.push(`    ${frame.name}, line ${frame.line}`);
  }

  async card(): Promise<void> {
    const info = await this.driver.client.request<P.ExceptionInfoResponse['body']>('exceptionInfo', { threadId: this.driver.thread() });
    this.lines.push(`  ${info.exceptionId}: ${info.description}`, ...indented(info.details!.stackTrace!, '    '));
  }

  /** A scope, opened along some names. */
  async scope(name: string, ...opened: string[]): Promise<void> {
    this.lines.push(`  ${name}`);
    const show = async (rows: P.Variable[], names: readonly string[], indent: string): Promise<void> => {
      for (const row of rows) {
        this.lines.push(`${indent}${row.name.padEnd(16)} ${row.value}`);
        if (row.name === names[0]) await show(await this.driver.children(row.variablesReference), names.slice(1), `${indent}  `);
      }
    };
    await show(await this.driver.scope(name), opened, '    ');
  }

  async evaluate(...expressions: string[]): Promise<void> {
    for (const expression of expressions) {
      const answer = await this.driver.evaluate(expression).then(
        ({ result }) => result,
        (error: Error) => `! ${error.message}`,
      );
      this.lines.push(`  ${expression} → ${answer}`);
    }
  }

  /** Compares with the file of that name. */
  matches(name: string): void {
    const file = path.resolve('test/debug/golden', `${name}.txt`);
    const text = `${this.lines.map((line) => line.trimEnd()).join('\n')}\n`;
    if (process.env.UPDATE_GOLDEN || !existsSync(file)) {
      assert.ok(process.env.UPDATE_GOLDEN, `there is no ${file}; UPDATE_GOLDEN=1 makes it`);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    assert.equal(text, readFileSync(file, 'utf8'));
  }

  private stopped({ reason, description, text }: P.StoppedEvent['body']): void {
    this.lines.push(`  stopped: ${description} [${reason}]`, `    ${text}`);
  }
}

function indented(text: string, by: string): string[] {
  return text.split('\n').map((line) => by + line);
}
