import { setTimeout as sleep } from 'node:timers/promises';
import * as vscode from 'vscode';

/** How long VS Code may take, and how often it is asked, in milliseconds. */
const PATIENCE = 30_000;
const PAUSE = 100;

/** Nothing is left to wait for: they are known, or VS Code was waited for once as long as that makes sense. */
let settled = false;

/**
 * Waits until VS Code knows the documents that debuggers serve. Of a window that has just opened it does not yet: the window of a stop
 * would be an editor that says that it cannot be opened, and stays so.
 */
export async function debugDocumentsKnown(): Promise<void> {
  for (const end = Date.now() + PATIENCE; !settled;) {
    // Of a scheme that nobody serves VS Code says the same, whatever its words are.
    const [debug, nobody] = await Promise.all([complaintAbout('debug'), complaintAbout('shadow-mmu-nobody')]);
    settled = debug !== nobody || Date.now() > end;
    if (!settled) await sleep(PAUSE);
  }
}

/** Why a document of a scheme cannot be opened, without the scheme's name. */
async function complaintAbout(scheme: string): Promise<string> {
  try {
    await vscode.workspace.openTextDocument(vscode.Uri.from({ scheme, path: 'none' }));
    return '';
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).replaceAll(`${scheme}:`, '');
  }
}
