import * as vscode from 'vscode';
import type { TextPosition, TextRange } from '../../protocol.js';

/** Places of a text: the adapter's, which are plain, and the editor's. */
export const toRange = ({ start, end }: TextRange): vscode.Range => new vscode.Range(start.line, start.character, end.line, end.character);

export const fromPosition = ({ line, character }: vscode.Position): TextPosition => ({ line, character });
