import * as vscode from 'vscode';

interface Choice {
  enum: string[];
  enumDescriptions: string[];
}
interface Manifest {
  contributes: {
    debuggers: {
      configurationAttributes: { launch: { properties: { kernel: { anyOf: [Choice, unknown] }; without: { items: Choice } } } };
    }[];
  };
}

const items = ({ enum: names, enumDescriptions }: Choice): vscode.QuickPickItem[] =>
  names.map((label, at) => ({ label, detail: enumDescriptions[at] ?? '' }));

/** The engine's features and eras as package.json tells them to launch.json: the extension has no other list of them. */
export class Choices {
  private readonly features: vscode.QuickPickItem[];
  private readonly kernels: vscode.QuickPickItem[];

  constructor(manifest: unknown) {
    const [debuggers] = (manifest as Manifest).contributes.debuggers;
    const { kernel, without } = debuggers!.configurationAttributes.launch.properties;
    this.features = items(without.items);
    this.kernels = items(kernel.anyOf[0]).filter(({ label }) => label !== 'auto');
  }

  async feature(title: string): Promise<string | undefined> {
    return (await pick(this.features, title, 'Feature to switch off'))?.label;
  }

  /** Another era, or any version that is typed. */
  async kernel(title: string): Promise<string | undefined> {
    return (await pick(this.kernels, title, 'Kernel whose rules to follow'))?.label;
  }
}

function pick(choices: vscode.QuickPickItem[], title: string, placeHolder: string): Thenable<vscode.QuickPickItem | undefined> {
  return vscode.window.showQuickPick(choices, { title, placeHolder, matchOnDetail: true });
}
