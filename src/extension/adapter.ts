import * as vscode from 'vscode';
import { DEBUG_TYPE } from './names.js';

/** Environment in which the editor's own executable is plain Node; where it is Node already, this changes nothing. */
export const asNode = { ELECTRON_RUN_AS_NODE: '1' };

export const adapterProgram = (extension: vscode.Uri): string => vscode.Uri.joinPath(extension, 'dist/debugAdapter.js').fsPath;

/**
 * Runs the adapter in the Node that the extension host runs in: nobody has to have one on PATH, and it is where the trace is, also when
 * the window is a remote one. (The command "node", which VS Code would fork itself, loads the program through require(), and the adapter
 * is an ES module.)
 */
export function registerAdapter(extension: vscode.Uri): vscode.Disposable {
  const program = adapterProgram(extension);
  return vscode.debug.registerDebugAdapterDescriptorFactory(DEBUG_TYPE, {
    createDebugAdapterDescriptor: () => new vscode.DebugAdapterExecutable(process.execPath, [program], { env: asNode }),
  });
}
