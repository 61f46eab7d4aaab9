import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { EntryState, entryState } from '../../src/engine/entry.js';
import type { EventIndex, PageId, SpteIndex } from '../../src/engine/ids.js';
import type { ShadowPages } from '../../src/engine/pages.js';
import { PRINTED_MASK } from '../../src/engine/role.js';
import { State } from '../../src/engine/state.js';
import type { Vcpu } from '../../src/engine/vcpu.js';
import { Replayer } from '../../src/replay/replayer.js';
import { transcript } from '../../src/replay/scenario/transcript.js';
import { runScenario } from '../../src/scenario/run.js';
import { tableOf } from '../../src/trace/textTable.js';

/** Two-level tables at gfn 1 and 2, PAE tables at gfn 8, for the same frames. */
const MEMORY = `
limit 64 pages
slot ram gfn 0x0..0x3ff pfn 0x10000
`;
const TABLES = `
set 0x1000[0] = 0x5000|P|W|U|A as 4 bytes
set 0x1000[0x200] = 0x6000|P|W|U|A as 4 bytes
set 0x2000[0] = 0x5000|P|W|U|A as 4 bytes
set 0x5000[0] = 0x10000|P|W|U|A|D as 4 bytes
set 0x5000[1] = 0x5000|P|W|U|A|D as 4 bytes
set 0x6000[0] = 0x20000|P|W|U|A|D as 4 bytes
set 0x8000[0] = 0x9001 as 8 bytes
set 0x8000[3] = 0xa001 as 8 bytes
set 0x9000[0] = 0xb000|P|W|U|A as 8 bytes
set 0xa000[0] = 0xb000|P|W|U|A as 8 bytes
set 0xb000[0] = 0x10000|P|W|U|A|D as 8 bytes
set 0xc000[0] = 0xd000|P|W|U|A as 8 bytes
set 0xd000[0] = 0x9000|P|W|U|A as 8 bytes
`;
const scenario = (paging: string, statements: string, kernel = 'rfc-local'): string =>
  `kernel ${kernel}\n${MEMORY}vcpu 0 paging ${paging}\n${TABLES}${statements}`;

/** What lives after an event: pages with their roles as printed, entries, and the roots of the vCPUs. */
function picture(pages: ShadowPages, vcpus: readonly Vcpu[], state: State): string[] {
  const lines = vcpus.map((vcpu) => `vCPU ${vcpu.id}: ${vcpu.roots(state).join(' ') || 'no root'}`);
  for (let id = 1 as PageId; id <= pages.last; id++) {
    if (pages.born(id) > state.event || !pages.isLive(state, id)) continue;
    const links: string[] = [];
    for (let index = 0; index < 512; index++) {
      const cell = pages.entryCell(id, index as SpteIndex);
      const kind = entryState(state.tag(cell));
      if (kind === EntryState.link) links.push(`${index}→${state.number(cell)}`);
      else if (kind !== EntryState.empty) links.push(`${index}`);
    }
    const role = ((pages.role(state, id) & PRINTED_MASK) >>> 0).toString(16);
    const kind = pages.isLocal(id) ? 'local ' : '';
    lines.push(`#${id} ${kind}gfn ${pages.gfn(state, id).toString(16)} ${role} root ${pages.rootCount(state, id)}: ${links.join(' ')}`);
  }
  return lines;
}

/** The trace of a scenario without what its markers and kvm_cr tell of the registers: what a kernel with the patches would record. */
function withoutRegisters(text: string): string[] {
  const run = runScenario(text, 'local.mmu');
  const lines = transcript(run)
    .split('\n')
    .filter((line) => !/tracing_mark_write|kvm_cr:/u.test(line));
  const table = tableOf(lines.join('\n'), 'local.txt');
  const replay = new Replayer(table);
  while (replay.replayed < table.length) replay.step();
  assert.deepEqual(
    replay.findings.all.map(({ event, message }) => `${table.lineText(event)}: ${message}`),
    [],
  );
  const roots = replay.vcpus[0]!.roots();
  assert.deepEqual(
    roots.map((page) => [replay.pages.isLocal(page), replay.pages.level(page)]),
    [[true, 3]],
  );
  return picture(replay.pages, replay.vcpus, replay.state).map((line) => line.replace(/#\d+ /u, '').replace(/→\d+/gu, '→'));
}

/** Runs a scenario, replays its text, and compares after each event; answers the event names. */
function roundTrip(text: string, at?: string): string[] {
  const run = runScenario(text, 'local.mmu');
  assert.deepEqual(
    run.failures.map(({ line, message }) => `${line}: ${message}`),
    [],
  );
  const table = tableOf(transcript(run), 'local.txt');
  const replay = new Replayer(table);
  const past = new State(run.machine.journal);
  const vcpus = run.machine.kvm.vcpus;
  const names: string[] = [];
  for (let event = 0; event < table.length; event++) {
    replay.step();
    past.seek(event as EventIndex);
    names.push(table.name(event));
    if (at !== undefined && names[event] !== at) continue;
    const wanted = picture(run.machine.pages, vcpus, past).filter((line) => !line.endsWith('no root'));
    const found = picture(replay.pages, replay.vcpus, replay.state).filter((line) => !line.endsWith('no root'));
    assert.deepEqual(found, wanted, `after event ${event}, ${table.lineText(event)}`);
  }
  assert.deepEqual(
    replay.findings.all.map(({ event, message }) => `${event}: ${message}`),
    [],
  );
  for (const [name, { wrong, unpredicted, missing }] of replay.accounts.outputs)
    assert.deepEqual({ wrong, unpredicted, missing }, { wrong: 0, unpredicted: 0, missing: 0 }, name);
  return names;
}

describe('the trace of a kernel with local pages', () => {
  it('shows no root load, and gives the same states: faults, a zap of everything, the wrap-around', () => {
    const names = roundTrip(
      scenario(
        '32 cr3 0x1000',
        'read 0x0\nread 0x80000000\nzap all\nread 0x0\nzap all\nzap all\nread 0x0\nexpect page level 3 local root 1\n',
      ),
    );
    assert.ok(names.indexOf('kvm_mmu_get_page') > names.indexOf('kvm_page_fault'));
  });

  it('CR3: another table, the same again, and a flush that syncs', () => {
    roundTrip(
      scenario(
        '32 cr3 0x1000',
        'read 0x0\ncr3 0x2000\nread 0x0\ncr3 0x1000\nwrite 0x1ff8 = 5\ncr3 0x1000\nread 0x80000000\ninvlpg 0x1000\n',
      ),
    );
  });

  it('CR0 and CR4: other rights, no paging, PAE and back', () => {
    roundTrip(
      scenario(
        '32 cr3 0x1000',
        'read 0x0\nvcpu 0 nowp\nread 0x0\nvcpu 0 wp\nread 0x0\nvcpu 0 paging off\nread 0x10000\nvcpu 0 paging 32\nread 0x0\nvcpu 0 paging pae cr3 0x8000\nread 0xc0000000\n',
      ),
    );
  });

  it('roots of other levels between them', () => {
    roundTrip(
      scenario(
        '32 cr3 0x1000',
        'read 0x0\nvcpu 0 paging 4-level cr3 0xc000\nread 0x0\nvcpu 0 paging 32 cr3 0x1000\nread 0x0\nzap all\nread 0x0\n',
      ),
      'kvm_entry',
    );
  });

  it('two vCPUs, one preempted across two zaps', () => {
    roundTrip(
      scenario(
        '32 cr3 0x1000',
        'read 0x0\nvcpu 1 paging 32 cr3 0x2000\nread 0x0\nvcpu 0\nzap all\nvcpu 1\nread 0x0\nzap all\nvcpu 0\nread 0x0\n',
      ),
    );
  });

  it('without a word about registers, the first walk shows that a root was loaded', () => {
    const found = withoutRegisters(
      scenario(
        '32 cr3 0x1000',
        'read 0x0\nread 0x80000000\ncr3 0x2000\nread 0x0\nzap all\nread 0x0\nvcpu 0 paging pae cr3 0x8000\nread 0xc0000000\n',
      ),
    );
    assert.deepEqual(found.slice(1), [
      'gfn 2 2f12 root 0: 0→',
      'gfn 5 2f11 root 0: 0 1',
      'local gfn 0 2f03 root 1: 3→',
      'gfn a 2f02 root 0: 0→',
      'gfn b 2f01 root 0: 0',
    ]);
  });

  it('nested page tables of a 32-bit hypervisor: three local levels, freed by a switch', () => {
    roundTrip(
      scenario(
        'npt-32 root-levels 5 cr3 0x1000',
        'read 0x0\nread 0x80000000\nzap all\nzap all\nread 0x0\nvcpu 0 cr3 0x2000\nread 0x0\nvcpu 0 paging off\nread 0x10000\n',
      ),
    );
  });
});
