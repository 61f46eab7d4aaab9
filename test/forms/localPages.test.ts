import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import {
  find,
  mapsText,
  pageLine,
  pageModel,
  parentsText,
  roleFormOf,
  roleLine,
  rootText,
  spteLine,
  type FormContext,
} from '../../src/debug/forms/index.js';
import { tableText } from '../../src/debug/forms/pages.js';
import type { EventIndex, PageId } from '../../src/engine/ids.js';
import type { Cursor } from '../../src/replay/cursor.js';
import { Replay } from '../../src/replay/replay.js';
import { stateReport } from '../../src/replay/reports.js';
import { ScenarioHistory } from '../../src/replay/scenario/history.js';
import { runScenario } from '../../src/scenario/run.js';

/** A guest with 4-byte tables after it has read at 0 and at 2 GiB, under a kernel. */
function after(kernel: string, paging: string): FormContext & { cursor: Cursor } {
  const text = [
    `kernel ${kernel}`,
    'slot ram gfn 0..0xff pfn 0x10000',
    `vcpu 0 paging ${paging} cr3 0x1000`,
    'set 0x1000[0] = 0x5000|P|W|U|A',
    'set 0x1000[0x200] = 0x5000|P|W|U|A',
    'set 0x5000[0] = 0x10000|P|W|U|A|D',
    'read 0x0',
    'read 0x80000000',
  ].join('\n');
  const history = new ScenarioHistory(runScenario(text, 'local.mmu'), 'local.mmu');
  const replay = new Replay(history.table, {}, history);
  const cursor = replay.cursor();
  cursor.seek((history.table.length - 1) as EventIndex);
  return { replay, cursor };
}

describe('forms of local pages', () => {
  it('a local root says what it is, where it leads and what of the guest it serves', () => {
    const ctx = after('rfc-local', '32');
    const [{ pages, tables }] = ctx.cursor.roots(0) as [ReturnType<Cursor['roots']>[number]];
    const root = ctx.cursor.page(pages[0]!);
    assert.deepEqual(tables, []);
    assert.equal(rootText(ctx, pages), 'local, 1 × L3');
    assert.match(pageLine(ctx, root), /^0 L3 q0 {2}local wux root×1 sync gen 0 · 2 of 512/u);
    assert.equal(mapsText(ctx, root), '00000000–ffffffff, 1G each');
    assert.equal(parentsText(ctx, root), 'none (root of vCPU 0)');
    assert.match(roleLine(roleFormOf(ctx, root)), /level 3|L3/u);
    // Page frame, P and the bit that says "present" to the MMU: the CPU reserves the others.
    const [zero, two] = ctx.cursor.entries(root.id);
    assert.deepEqual([zero!.value! & 0xfffn, two!.index], [0x801n, 2]);
    assert.match(spteLine(ctx, root, zero!), /1 L2 q0/u);
    const model = pageModel(ctx, root.id, null);
    assert.deepEqual([model.tags[0]?.text, model.oneToOne], ['local', 'local: no guest table behind it, a page of one vCPU']);
    const report = stateReport(ctx.cursor, 0);
    assert.deepEqual(report.roots, [{ vcpu: 0, pages: [root.id], prev: [] }]);
    assert.deepEqual(
      report.pages.map(({ id, local }) => [id, local]),
      report.pages.map(({ id }) => [id, id === root.id ? true : undefined]),
    );
  });

  it('is found by its name and on the way of an address, and is in no hash bucket', () => {
    const ctx = after('rfc-local', '32');
    assert.deepEqual(
      find(ctx, '0 L3 q0').hits.map(({ page }) => page.name),
      ['0 L3 q0'],
    );
    assert.match(find(ctx, '80000000').hits[0]!.label, /^vCPU 0: 5 L1 q0 \[000\]/u);
    const hashed = ctx.cursor.hashBuckets(0).flatMap(({ pages }) => pages);
    assert.ok(hashed.length > 0 && hashed.every((id: PageId) => !ctx.cursor.page(id).local));
  });

  it('tables without a page header are named with what they lead to', () => {
    const ctx = after('6.1.0', 'npt-32 root-levels 5');
    const [{ tables, pages }] = ctx.cursor.roots(0) as [ReturnType<Cursor['roots']>[number]];
    assert.deepEqual(
      tables.map((table) => `${table.name}: ${tableText(ctx, table)}`),
      [
        'pml5_root: no page header: [000] → pml4_root',
        'pml4_root: no page header: [000] → pae_root',
        'pae_root: no page header: [000] → 1 L2 q0, [001] → 1 L2 q1, [002] → 1 L2 q2, [003] → 1 L2 q3',
      ],
    );
    const [report] = stateReport(ctx.cursor, 0).roots;
    assert.deepEqual([report!.pages, report!.tables![0]], [pages, { name: 'pml5_root', level: 5, entries: [[0, { table: 'pml4_root' }]] }]);
    // Below tables of four or five levels an entry of pae_root is an ordinary one: W, U and A are set.
    const [, pdpte] = report!.tables![2]!.entries[0]!;
    assert.match(typeof pdpte === 'string' ? pdpte : '', /27$/u);
  });
});
