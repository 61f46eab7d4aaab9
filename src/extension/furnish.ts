import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import { webviewHtml } from './html.js';

/** Gives a webview its document; only dist/webview and media can be read from in there. */
export function furnish(webview: vscode.Webview, extension: vscode.Uri, name: 'layout' | 'summary' | 'compare', title: string): void {
  const script = vscode.Uri.joinPath(extension, 'dist/webview');
  const media = vscode.Uri.joinPath(extension, 'media');
  webview.options = { enableScripts: true, localResourceRoots: [script, media] };
  webview.html = webviewHtml({
    title,
    cspSource: webview.cspSource,
    nonce: randomBytes(16).toString('base64'),
    style: webview.asWebviewUri(vscode.Uri.joinPath(media, `${name}.css`)).toString(),
    script: webview.asWebviewUri(vscode.Uri.joinPath(script, `${name}.js`)).toString(),
  });
}
