import * as path from 'node:path';
import * as vscode from 'vscode';
import { DEBUG_TYPE } from './names.js';
import { absolute, activeTrace, pickTrace } from './traces.js';

export function configurationFor(trace: string): vscode.DebugConfiguration {
  return { type: DEBUG_TYPE, request: 'launch', name: `Debug ${path.basename(trace)}`, trace };
}

/** Starts a session on a trace without a launch.json. */
export function debugTrace(trace: string): Thenable<boolean> {
  const folder = vscode.workspace.getWorkspaceFolder(vscode.Uri.file(trace));
  return vscode.debug.startDebugging(folder, configurationFor(trace));
}

/** Fills in what a launch configuration leaves out; F5 without any launch.json comes here with an empty one. */
const resolver: vscode.DebugConfigurationProvider = {
  async resolveDebugConfiguration(_folder, configuration) {
    const empty = !configuration.type && !configuration.request && !configuration.name;
    if (!empty) return configuration;
    const trace = activeTrace() ?? (await pickTrace());
    return trace === undefined ? undefined : configurationFor(trace);
  },

  resolveDebugConfigurationWithSubstitutedVariables(folder, configuration) {
    const trace: unknown = configuration['trace'];
    if (typeof trace === 'string' && trace !== '') return { ...configuration, trace: absolute(trace, folder) };
    void vscode.window.showErrorMessage(
      `The launch configuration "${configuration.name}" names no trace: set "trace" to the path of a trace.dat or of a text trace.`,
    );
    return undefined;
  },
};

/** What the Run view offers without a launch.json: the trace that is open now. */
const dynamic: vscode.DebugConfigurationProvider = {
  provideDebugConfigurations: () => {
    const trace = activeTrace();
    return trace === undefined ? [] : [configurationFor(trace)];
  },
};

export function registerConfigurations(): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.debug.registerDebugConfigurationProvider(DEBUG_TYPE, resolver),
    vscode.debug.registerDebugConfigurationProvider(DEBUG_TYPE, dynamic, vscode.DebugConfigurationProviderTriggerKind.Dynamic),
  );
}
