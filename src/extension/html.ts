/**
 * The documents of the webviews: an empty body, one style sheet, one script. Everything else is refused by the content security policy;
 * what the script shows comes in messages and goes into text nodes.
 */
export interface WebviewDocument {
  title: string;
  /** source that VS Code serves the extension's own files from */
  cspSource: string;
  nonce: string;
  style: string;
  script: string;
}

export function webviewHtml({ title, cspSource, nonce, style, script }: WebviewDocument): string {
  const policy = `default-src 'none'; style-src ${cspSource}; font-src ${cspSource}; script-src 'nonce-${nonce}';`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${style}">
<title>${title}</title>
</head>
<body>
<script nonce="${nonce}" src="${script}"></script>
</body>
</html>`;
}
