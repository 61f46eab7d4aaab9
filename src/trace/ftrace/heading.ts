import { eraNamed, eraOfKernel } from '../../engine/eras.js';
import { isFeature, type Feature } from '../../engine/features.js';
import type { ScenarioInfo } from '../info.js';

/** The line that names the rules of a run: a trace of it is replayed by them. */
export function scenarioHeader({ kernel, without, with: on }: ScenarioInfo): string {
  const list = (word: string, names: readonly string[]): string => (names.length ? ` ${word} ${names.join(', ')}` : '');
  return `#   shadow-mmu: kernel ${kernel}${list('without', without)}${list('with', on)}`;
}

const SCENARIO = /^#\s+shadow-mmu: kernel (\S+)(?: without (.+?))?(?: with (.+))?$/;

/**
 * What {@link scenarioHeader} writes, with the names in it that mean nothing here; undefined for any other line. Without its kernel there
 * is nothing to go by.
 */
export function parseScenarioHeader(
  line: string,
): { readonly scenario: ScenarioInfo | undefined; readonly unknown: readonly string[] } | undefined {
  const match = SCENARIO.exec(line.trimEnd());
  if (!match) return undefined;
  const [, kernel, without, on] = match as unknown as [string, string, string | undefined, string | undefined];
  const unknown: string[] = [];
  const known = (list: string | undefined): Feature[] => {
    const names = list?.split(/,\s*/).filter((name) => name !== '') ?? [];
    unknown.push(...names.filter((name) => !isFeature(name)));
    return names.filter(isFeature);
  };
  const era = eraNamed(kernel) ?? eraOfKernel(kernel);
  if (!era) unknown.push(`kernel ${kernel}`);
  const features = { without: known(without), with: known(on) };
  return { scenario: era && { kernel, ...features }, unknown };
}

/**
 * What stands above the events of a `trace` file.
 *
 * @param flags characters of the irq-info column
 */
export function columnHeader(events: number, cpus: number, flags: number): string[] {
  const bars = '|'.repeat(flags);
  const drawing =
    flags === 4
      ? ['_-----=> irqs-off', '/ _----=> need-resched', '| / _---=> hardirq/softirq', '|| / _--=> preempt-depth', '||| /     delay']
      : [
          '_-----=> irqs-off/BH-disabled',
          '/ _----=> need-resched',
          '| / _---=> hardirq/softirq',
          '|| / _--=> preempt-depth',
          '||| / _-=> migrate-disable',
          '|||| /     delay',
        ];
  return [
    '#',
    `# entries-in-buffer/entries-written: ${events}/${events}   #P:${cpus}`,
    '#',
    ...drawing.map((text, i) => `#${' '.repeat(Math.max(30, 32 - i))}${text}`),
    `#           TASK-PID     CPU#  ${bars}${flags === 4 ? '   ' : '  '}TIMESTAMP  FUNCTION`,
    `#              | |         |   ${bars}${flags === 4 ? '      ' : '     '}|         |`,
  ];
}
