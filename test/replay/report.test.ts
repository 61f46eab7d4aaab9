import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { NO_PAGE } from '../../src/engine/ids.js';
import { SpSlot, Kind } from '../../src/trace/vocabulary.js';
import type { Replay } from '../../src/replay/replay.js';
import { event, replayed } from './recordings.js';

const outcomes = ({ accounts }: Replay, outcome: 'wrong' | 'unpredicted' | 'missing' | 'unpredictable' | 'exact'): number =>
  [...accounts.outputs.values()].reduce((sum, tally) => sum + tally[outcome], 0);

describe('a report of a healthy kernel', function () {
  this.timeout(60_000);

  for (const kernel of ['k5.10', 'k6.1', 'k7.2']) {
    it(`of ${kernel} replays without findings, and takes no event that names no page for one about another page`, async () => {
      const report = await replayed(`${kernel}-nonpae-small-all.report.txt.zst`);
      const truth = await replayed(`${kernel}-nonpae-small-all.dat`);
      assert.deepEqual(report.findings, []);
      for (const outcome of ['wrong', 'unpredicted', 'missing'] as const) assert.equal(outcomes(report, outcome), 0, outcome);
      let anonymous = 0;
      let told = 0;
      for (let e = 0; e < truth.table.length; e++) {
        const kind = truth.table.kind(e);
        if (kind > Kind.prepareZap) continue;
        const page = report.pageOf(event(e));
        if (!report.table.has(e, SpSlot.gfn)) {
          anonymous++;
          if (page === NO_PAGE) continue;
          told++;
        }
        assert.equal(report.history.pages.birth(page).gfn, truth.table.num(e, SpSlot.gfn), `event ${e}`);
      }
      // None of these is counted as foreseen: the record does not say that it was that page.
      assert.equal(report.accounts.reasons.get('hidden-role'), anonymous);
      assert.ok(told > anonymous / 2, `${told} of ${anonymous}`);
      assert.ok(anonymous > 90 && outcomes(report, 'exact') > 150);
    });
  }

  it('of a guest that goes back to cached roots unseen ties no event to another page than the text that names them', async () => {
    const report = await replayed('k6.12-long-small-all.report.txt.zst');
    const truth = await replayed('k6.12-long-small-all.txt.zst');
    assert.deepEqual(report.findings, []);
    assert.equal(report.table.length, truth.table.length);
    const tied = new Map<string, number>();
    for (let e = 0; e < truth.table.length; e++) {
      const kind = truth.table.kind(e);
      if (kind > Kind.prepareZap && kind !== Kind.setSpte) continue;
      const page = report.pageOf(event(e));
      const name = truth.table.name(e);
      // Where it may be one of several pages, none is named.
      if (page === NO_PAGE) assert.ok(kind !== Kind.getPage && kind <= Kind.prepareZap, `event ${e}`);
      else {
        assert.equal(report.history.pages.born(page), truth.history.pages.born(truth.pageOf(event(e))), `event ${e}`);
        tied.set(name, (tied.get(name) ?? 0) + 1);
      }
    }
    assert.equal(tied.get('kvm_mmu_unsync_page'), 10);
  });

  it('with whole role words is as good as the trace.dat', async () => {
    const report = await replayed('k7.2-nonpae-small-all.report-N.txt.zst');
    const truth = await replayed('k7.2-nonpae-small-all.dat');
    assert.deepEqual([...report.accounts.outputs], [...truth.accounts.outputs]);
    assert.deepEqual(report.findings, []);
  });
});
