import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'mocha';

interface Property {
  type: string | string[];
  default?: unknown;
  exclusiveMinimum?: number;
  markdownDescription: string;
}
interface Contributed {
  configuration: { properties: Record<string, Property> };
  debuggers: { configurationAttributes: { launch: { properties: Record<string, Property> } } }[];
  commands: { command: string }[];
  keybindings: { command: string; when: string }[];
  menus: Record<string, { command: string; when: string }[]>;
  grammars: { path: string }[];
  languages: { configuration: string; icon: { light: string; dark: string } }[];
  snippets: { path: string }[];
  views: { debug: { icon: string }[] };
  walkthroughs: { steps: { media: { markdown: string } }[] }[];
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { contributes: Contributed; icon: string; activationEvents: string[] };
const { contributes } = manifest;
const commands = new Set(contributes.commands.map(({ command }) => command));

describe('What the extension contributes', () => {
  it('refers only to commands that it has', () => {
    const used = [...contributes.keybindings, ...Object.values(contributes.menus).flat()].map(({ command }) => command);
    assert.deepEqual(
      used.filter((command) => command.startsWith('shadow-mmu.') && !commands.has(command)),
      [],
    );
  });

  it('has a setting for the memory of a trace, which a launch configuration can overrule', () => {
    const setting = contributes.configuration.properties['shadowMmu.memoryLimit']!;
    const attribute = contributes.debuggers[0]!.configurationAttributes.launch.properties['memoryLimit']!;
    assert.deepEqual([setting.type, setting.default, setting.exclusiveMinimum], [['number', 'null'], null, 0]);
    assert.deepEqual([attribute.type, attribute.exclusiveMinimum], ['number', 0]);
    assert.ok(attribute.markdownDescription.includes('#shadowMmu.memoryLimit#'));
  });

  it('takes no key from other work', () => {
    const free = contributes.keybindings.filter(
      ({ when }) => !/debugType == 'shadow-mmu'|activeCustomEditorId == 'shadowMmu|binaryFileEditor/.test(when),
    );
    assert.deepEqual(free, []);
  });

  it('hides from the palette what makes no sense without a session', () => {
    const restricted = new Set(contributes.menus['commandPalette']?.map(({ command }) => command));
    assert.deepEqual(
      [...commands].filter((command) => !restricted.has(command)),
      ['shadow-mmu.debugTrace', 'shadow-mmu.openSummary', 'shadow-mmu.newScenario', 'shadow-mmu.compareRuns', 'shadow-mmu.saveRange'],
    );
  });

  it('names only files that are there', () => {
    const files = [
      manifest.icon,
      ...contributes.grammars.map(({ path }) => path),
      ...contributes.snippets.map(({ path }) => path),
      ...contributes.languages.flatMap(({ configuration, icon }) => [configuration, icon.light, icon.dark]),
      ...contributes.views.debug.map(({ icon }) => icon),
      ...contributes.walkthroughs.flatMap(({ steps }) => steps.map(({ media }) => media.markdown)),
    ];
    assert.deepEqual(
      files.filter((file) => !existsSync(file)),
      [],
    );
  });

  it('is started only when it is needed', () => {
    assert.deepEqual(
      manifest.activationEvents.filter((event) => event === '*' || event.startsWith('onStartup')),
      [],
    );
  });
});

interface Rule {
  match?: string;
  captures?: Record<string, { name: string }>;
}

describe('The grammar of trace text', () => {
  const { repository } = JSON.parse(readFileSync('media/kvmmmu-trace.tmLanguage.json', 'utf8')) as { repository: Record<string, Rule> };
  const ruleOf = (name: string) => new RegExp(repository[name]?.match ?? '(?!)');

  /** Scopes of the pieces that a rule finds in a line, without the ending they all have. */
  function scopes(name: string, line: string): Record<string, string> {
    const found = ruleOf(name).exec(line);
    const captures = Object.entries(repository[name]?.captures ?? {});
    return Object.fromEntries(
      captures
        .map(([n, capture]): [string, string] => [capture.name.replace('.kvmmmu-trace', ''), found?.[Number(n)] ?? ''])
        .filter(([, text]) => text !== ''),
    );
  }

  it('knows a line with all its columns', () => {
    assert.deepEqual(scopes('line', '        kvmguest-470     [000] ...1.     7.552773: kvm_mmu_get_page: sp gen 0 gfn 100 l2'), {
      'variable.other.task': 'kvmguest',
      'constant.numeric.pid': '470',
      'constant.other.cpu': '[000]',
      'comment.line.flags': '...1.',
      'comment.line.time': '7.552773',
      'entity.name.function.event': 'kvm_mmu_get_page',
    });
  });

  it('knows tasks with spaces and slashes, thread groups, and lines without irq-info', () => {
    const { 'variable.other.task': task } = scopes('line', '       CPU 0/KVM-132     [001] d..2.    34.467238: kvm_exit: vcpu 0');
    assert.equal(task, 'CPU 0/KVM');
    assert.match(
      scopes('line', '        kvmguest-838     (    838) [000] .....    23.043305: kvm_fpu: load')['constant.numeric.tgid'] ?? '',
      /838/,
    );
    assert.equal(scopes('line', '        kvmguest-1542    [001]     41.621921: kvm_fpu: load')['comment.line.time'], '41.621921');
  });

  it('knows the latency format and lines without context', () => {
    assert.equal(
      scopes('latencyLine', 'kvmguest-1894      0d..1. 396608us*: kvm_track_tsc: vcpu_id 0')['support.function.event'],
      'kvm_track_tsc',
    );
    assert.equal(
      scopes('bareLine', 'kvm_mmu_pagetable_walk: addr 10000 pferr 10 F')['entity.name.function.event'],
      'kvm_mmu_pagetable_walk',
    );
  });

  it('knows lost events', () => {
    assert.match('CPU:1 [LOST 646 EVENTS]', ruleOf('lost'));
  });
});
