/** The page of facts about a trace that a text editor cannot show, with one button: debug it. Runs in the webview of the trace editor. */
import type { FromSummary, ToSummary, TraceSummary } from '../protocol.js';
import { el, fill } from './common/dom.js';
import { count, plural } from './common/format.js';

interface Host {
  postMessage(message: FromSummary): void;
}
declare function acquireVsCodeApi(): Host;

const FORMATS: Record<string, string> = {
  'trace-dat': 'trace.dat',
  'ftrace-text': 'text of the kernel’s trace file',
  'trace-cmd-report': 'text of trace-cmd report',
  'perf-script': 'text of perf script',
};

const ROLES: Record<TraceSummary['roles'], string> = {
  exact: 'exact: the whole role word is recorded',
  printed: 'as printed: the text lacks bits that the kernel does not print',
  partial: 'partial: the text gives less than the kernel prints',
};

const bytesText = (bytes: number): string => (bytes < 1 << 20 ? `${Math.ceil(bytes / 1024)} KB` : `${(bytes / (1 << 20)).toFixed(1)} MB`);

const fact = (name: string, value: string | undefined): HTMLElement[] =>
  value === undefined ? [] : [el('dt', {}, name), el('dd', { class: 'mono' }, value)];

function facts(summary: TraceSummary, bytes: number): HTMLElement {
  const vms = new Set(summary.vcpus.map(({ vm }) => vm)).size;
  return el(
    'dl',
    { class: 'facts' },
    ...fact('File', summary.file),
    ...fact('Format', `${FORMATS[summary.format] ?? summary.format}, ${bytesText(bytes)}`),
    ...fact('Kernel', summary.kernel),
    ...fact('Roles', ROLES[summary.roles]),
    ...fact('Events', `${count(summary.events)}${summary.lost > 0 ? `, and ${count(summary.lost)} lost` : ''}`),
    ...fact('Time', summary.first === undefined ? undefined : `${summary.first} – ${summary.last ?? '?'}`),
    ...fact('VMs', vms === 0 ? undefined : `${plural(vms, 'VM', 'VMs')}, ${plural(summary.vcpus.length, 'vCPU', 'vCPUs')}`),
  );
}

/** Why this page stands where the text could. */
function tooLong(): HTMLElement {
  const why =
    'A text editor shows a text of this length without hovers and breakpoints. While it is debugged, its lines are shown in windows of 10,000 events. Reopen Editor With … shows it as text.';
  return el('p', { class: 'dim' }, why);
}

/** Events by name, most frequent first, with a bar: where the trace's weight lies. */
function byName(summary: TraceSummary): HTMLElement | null {
  const rows = Object.entries(summary.byName).sort(([, a], [, b]) => b - a);
  const most = rows[0]?.[1] ?? 0;
  if (most === 0) return null;
  const body = rows.map(([name, n]) => {
    const bar = el('div', { class: 'bar' });
    bar.style.width = `${Math.max(0.5, (100 * n) / most)}%`;
    return el('tr', {}, el('td', { class: 'mono' }, name), el('td', { class: 'mono number' }, count(n)), el('td', { class: 'bars' }, bar));
  });
  return el('section', {}, el('h2', {}, 'Events'), el('table', {}, ...body));
}

function notes(summary: TraceSummary): HTMLElement | null {
  if (summary.notes.length === 0) return null;
  const items = summary.notes.map((note) => el('li', {}, typeof note === 'string' ? note : note.text));
  return el('section', {}, el('h2', {}, 'Notes'), el('ul', {}, ...items));
}

const host = acquireVsCodeApi();
const debug = (): void => host.postMessage({ type: 'debug' });
const button = el('button', { class: 'debug' }, 'Debug this trace');
const body = el('main', {}, el('p', { class: 'dim', role: 'status' }, 'Reading …'));
button.addEventListener('click', debug);

window.addEventListener('message', ({ data }: MessageEvent<ToSummary>) => {
  if (data.type === 'failed') fill(body, el('p', { class: 'error', role: 'alert' }, data.message));
  else fill(body, facts(data.summary, data.bytes), data.large ? tooLong() : null, notes(data.summary), byName(data.summary));
});
document.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && document.activeElement !== button) debug();
});

document.body.append(el('header', {}, button, el('span', { class: 'dim' }, 'or press Enter')), body);
button.focus();
host.postMessage({ type: 'ready' });
