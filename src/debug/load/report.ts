import { EVENTS, type Kind } from '../../trace/vocabulary.js';
import { count, firstFew, plural } from '../forms/numbers.js';
import type { Client } from '../wire/client.js';
import { cutText, type Loader } from './loader.js';
import type { Recording } from './recording.js';

/** Notes that fit into a console without drowning what else is there. */
const MOST_NOTES = 20;

/** VMs of which one line has room. */
const MOST_VMS = 8;

/** What a user should know about a trace once all of it is loaded: VMs, roles, losses, damage. */
export function reportLoaded(client: Client, recording: Recording, loader: Loader, askedVm: number | undefined): void {
  const { info } = recording.table;
  const { replay, vm } = recording;
  if (loader.unread !== undefined) client.output(`Reading ended early: ${loader.unread}`, 'important');
  if (loader.cut) client.output(`${cutText(loader)}. The first ${count(recording.end)} events can be debugged.`, 'important');
  const { vms } = replay;
  if (!hasKvmEvents(recording)) {
    client.output(`${recording.path}: no kvm or kvmmmu events in it; record with \`trace-cmd record -e kvmmmu -e kvm\``, 'important');
  } else if (askedVm !== undefined && !vms.some((v) => v.vm === askedVm)) {
    const there = firstFew(
      vms.map((v) => `${v.vm}`),
      MOST_VMS,
    );
    client.output(`This trace has no VM ${askedVm}: there ${vms.length === 1 ? 'is' : 'are'} ${there}. Debugging VM ${vm}.`, 'important');
  } else if (vms.length > 1 && askedVm === undefined) {
    const list = vms.map((v) => `VM ${v.vm} (${plural(v.vcpus.length, 'vCPU')}; ${tasks(recording, v.pids)})`);
    client.output(
      `This trace has ${vms.length} VMs: ${firstFew(list, MOST_VMS)}. Debugging VM ${vm}; set "vm" in the launch configuration for another.`,
      'important',
    );
  }
  if (recording.statements) return reportRun(client, recording);
  const lost = info.lost > 0 ? `, ${plural(info.lost, 'event')} lost` : '';
  const roles = { exact: 'exact', printed: 'as printed: text traces leave some bits out', partial: 'partial' }[info.roles];
  client.output(
    `${plural(recording.end, 'event')}${lost}, kernel ${info.kernel.text}, roles ${roles}, ${plural(replay.findings.length, 'finding')}.`,
    'stdout',
  );
  for (const note of info.notes.slice(0, MOST_NOTES)) {
    const at = note.line !== undefined ? `line ${count(note.line)}: ` : note.offset !== undefined ? `byte ${count(note.offset)}: ` : '';
    client.output(`${at}${note.text}`);
  }
  if (info.notes.length > MOST_NOTES) client.output(`… and ${plural(info.notes.length - MOST_NOTES, 'more note')}.`);
}

/** A scenario has been run. */
function reportRun(client: Client, { end, replay, table }: Recording): void {
  const { scenario } = table.info;
  const features = (what: string, names: readonly string[] = []): string => (names.length > 0 ? ` ${what} ${names.join(', ')}` : '');
  const rules = `kernel ${replay.era.name}${features('without', scenario?.without)}${features('with', scenario?.with)}`;
  client.output(`${plural(end, 'event')}, ${rules}, ${plural(replay.findings.length, 'finding')}.`, 'stdout');
  for (const { message } of replay.findings) client.output(message, 'important');
}

function tasks({ lists, table }: Recording, pids: readonly number[]): string {
  const names = pids.slice(0, 3).map((pid) => `${table.comm(lists.ofTask(pid).first() ?? 0)}-${pid}`);
  return [...names, ...(pids.length > 3 ? ['…'] : [])].join(', ');
}

function hasKvmEvents({ lists }: Recording): boolean {
  return EVENTS.some((_, kind) => lists.ofKind(kind as Kind).length > 0) || lists.otherNames().some((name) => name.startsWith('kvm'));
}
