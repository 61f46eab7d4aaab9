/**
 * The address of a window on a folder, with a file open in it.
 * @param {string} origin
 * @param {string} folder
 * @param {[string, string][]} payload pairs as the workbench reads them: `openFile`, `extensionTestsPath` … and a path on the server
 */
export function windowUrl(origin, folder, payload = []) {
  const { host } = new URL(origin);
  const uris = payload.map(([key, file]) => [key, `vscode-remote://${host}${encodeURI(file)}`]);
  return `${origin}/?folder=${encodeURIComponent(folder)}` + (uris.length ? `&payload=${encodeURIComponent(JSON.stringify(uris))}` : '');
}
