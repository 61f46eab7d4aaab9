import type { EventIndex } from '../engine/ids.js';
import type { Replay } from '../replay/replay.js';
import { stateReport, type StateReport } from '../replay/reports.js';
import { Tasks, vmsOf } from '../replay/tasks.js';
import { firstFew, plural } from '../debug/forms/numbers.js';
import { UsageError, natural, onlyFile, print, warn, type Command, type Options } from './command.js';
import { openFile } from './opened.js';
import { memoryLimit, requireVm, shortOf, statusOf, warnWithoutKvm } from './trace.js';

export const state: Command = {
  usage: ['state FILE|S.mmu --at EVENT [--vm N] [--kernel ERA] [--without F]… [--memory-limit MB] [--json]', 'the MMU after an event'],
  takes: ['json', 'at', 'vm', 'kernel', 'without', 'memory-limit'],
  run: (files, options) => run(onlyFile('state', files), options),
};

async function run(file: string, options: Options): Promise<number> {
  const at = natural('at', options.at);
  const limit = memoryLimit(options);
  const replay = await openFile(file, { ...options, until: at + 1, limit });
  const short = shortOf(replay, limit);
  if (short !== undefined) warn(short);
  const { table } = replay;
  if (short !== undefined && at >= replay.replayed) return 1;
  if (at >= table.length) throw new UsageError(`${file} has ${table.length} events, numbered from 0: there is no event ${at}`);
  warnWithoutKvm(table);
  const vm = vmAt(replay, options.vm);
  const cursor = replay.cursor();
  cursor.seek(at as EventIndex);
  const report = stateReport(cursor, vm);
  print(options.json ? JSON.stringify(report) : stateText(report));
  return short === undefined ? statusOf(table) : 1;
}

/** The VM asked for. One who asks for none learns of the others: also of those that begin later, which no replay has reached. */
function vmAt(replay: Replay, option: string | undefined): number {
  const { table } = replay;
  const tasks = new Tasks(table);
  tasks.seeAll();
  const all = table.info.scenario ? replay.vms : vmsOf(tasks);
  if (option === undefined) {
    const list = all.map(({ vm, vcpus, pids }) => `VM ${vm} (${plural(vcpus.length, 'vCPU')}; pids ${pids.join(', ')})`);
    if (all.length > 1)
      warn(`${table.info.file}: the trace has ${all.length} VMs: ${firstFew(list, 8)}. VM 0 is shown; --vm N shows another`);
    return 0;
  }
  const vm = natural('vm', option);
  if (vm >= replay.vms.length && vm < all.length) throw new UsageError(`VM ${vm} begins later in the trace`);
  requireVm(replay, vm);
  return vm;
}

function stateText(report: StateReport): string {
  return [
    `after event ${report.event}: VM ${report.vm}, ${report.pages.length} pages, ${report.usedPages} used, generation ${report.gen}`,
    ...(report.doubt ? [`  ? ${report.doubt}`] : []),
    ...report.roots.map(
      ({ vcpu, pages, tables, doubt }) =>
        `  vCPU ${vcpu} root: ${[...(tables ?? []).map(({ name }) => `${name} →`), ...pages.map((id) => `#${id}`)].join(' ') || 'none'}${doubt ? ` ? ${doubt}` : ''}`,
    ),
    ...report.pages.map((page) => {
      const flags = [
        page.local && 'local',
        page.direct && 'direct',
        page.unsync && 'unsync',
        page.invalid && 'invalid',
        page.rootCount > 0 && `root ${page.rootCount}`,
      ].filter(Boolean);
      return `  #${page.id} gfn ${page.gfn.slice(2)} L${page.level} q${page.quadrant} ${page.gpteBytes}-byte ${page.access} ${flags.join(' ')} · ${page.entries.length} of 512${page.doubt ? ` ? ${page.doubt}` : ''}`;
    }),
  ].join('\n');
}
