import * as vscode from 'vscode';
import type { PageModel } from '../protocol.js';

/**
 * Sets or removes a breakpoint on changes of an entry, or of the page when no index is given.
 *
 * Extensions cannot make data breakpoints (microsoft/vscode#195151). The adapter takes a place as the name of a function breakpoint, which
 * shows up in the Breakpoints view like any other. The page goes by its number: names come back when a table is shadowed again.
 */
export function breakOnChange({ page }: PageModel, index: number | undefined): void {
  const entry = index === undefined ? '' : `[${index.toString(16).padStart(3, '0')}]`;
  const functionName = index === undefined ? `page:#${page.id}` : `spte:#${page.id}${entry}`;
  const there = vscode.debug.breakpoints.find((b) => b instanceof vscode.FunctionBreakpoint && b.functionName === functionName);
  if (there) vscode.debug.removeBreakpoints([there]);
  else vscode.debug.addBreakpoints([new vscode.FunctionBreakpoint(functionName)]);
  const what = `changes of ${[page.name, entry].join(' ').trim()}`;
  vscode.window.setStatusBarMessage(there ? `No longer breaks on ${what}` : `Breaks on ${what} (${functionName})`, 4000);
}
