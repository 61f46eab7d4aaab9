import * as path from 'node:path';
import * as vscode from 'vscode';
import { debugDocumentsKnown } from './debugDocuments.js';
import { DEBUG_TYPE } from './names.js';
import { savedScenario } from './scenario/documents.js';
import { isShownInWindows } from './traceFiles.js';
import { absolute, activeTrace, pickTrace } from './traces.js';

/** Rules to run under, where they are not those of the file. */
export interface Rules {
  kernel?: string;
  without?: readonly string[];
  with?: readonly string[];
}

export function configurationFor(trace: string, { kernel, without = [], with: more = [] }: Rules = {}): vscode.DebugConfiguration {
  const rules = [kernel, ...without.map((feature) => `without ${feature}`), ...more.map((feature) => `with ${feature}`)].filter(Boolean);
  return {
    type: DEBUG_TYPE,
    request: 'launch',
    name: `Debug ${[path.basename(trace), ...rules].join(' ')}`,
    trace,
    ...(kernel !== undefined && { kernel }),
    ...(without.length > 0 && { without: [...without] }),
    ...(more.length > 0 && { with: [...more] }),
  };
}

/** Starts a session on a trace or a scenario without a launch.json. */
export function debugTrace(trace: string, rules: Rules = {}): Thenable<boolean> {
  const folder = vscode.workspace.getWorkspaceFolder(vscode.Uri.file(trace));
  return vscode.debug.startDebugging(folder, configurationFor(trace, rules));
}

/** Fills in what a launch configuration leaves out; F5 without any launch.json comes here with an empty one. */
const resolver: vscode.DebugConfigurationProvider = {
  async resolveDebugConfiguration(_folder, configuration) {
    const empty = !configuration.type && !configuration.request && !configuration.name;
    if (!empty) return configuration;
    const trace = (await savedScenario()) ?? activeTrace() ?? (await pickTrace());
    return trace === undefined ? undefined : configurationFor(trace);
  },

  async resolveDebugConfigurationWithSubstitutedVariables(folder, configuration) {
    const given: unknown = configuration['trace'];
    if (typeof given === 'string' && given !== '') {
      const trace = absolute(given, folder);
      if (isShownInWindows(trace)) await debugDocumentsKnown();
      return { ...memoryLimit(folder), ...configuration, trace };
    }
    void vscode.window.showErrorMessage(
      `The launch configuration "${configuration.name}" names no trace: set "trace" to the path of a trace.dat, a text trace or a .mmu scenario.`,
    );
    return undefined;
  },
};

/** The setting, for a configuration that says nothing else. */
function memoryLimit(folder: vscode.WorkspaceFolder | undefined): { memoryLimit?: number } {
  const megabytes = vscode.workspace.getConfiguration('shadowMmu', folder).get<number | null>('memoryLimit');
  return typeof megabytes === 'number' ? { memoryLimit: megabytes } : {};
}

/** What the Run view offers without a launch.json: the trace or scenario that is open now. */
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
