import assert from 'node:assert/strict';
import type { EventIndex, PageId } from '../../src/engine/ids.js';
import type { Replay } from '../../src/replay/replay.js';
import { stateReport } from '../../src/replay/reports.js';
import { textOf, withGap } from './edits.js';
import { event, linesOf, replayed, replayedLines } from './recordings.js';
import { stateDifference, type Difference } from './stateDifference.js';

const RECORDINGS = ['k5.10-nonpae-small-all', 'k6.1-nonpae-small-all', 'k7.2-nonpae-small-all', 'k6.1-npt-tdpmmuY-nonpae-all'];
const CUTS = 5;
/** An event that only a vCPU has: before it nothing is known of the VM. */
const OF_VCPU = / (kvm_entry|kvm_exit|kvm_page_fault|fast_page_fault|kvm_mmu_pagetable_walk|kvm_mmu_get_page): /;

/** Places in the midst of a recording. */
function places(lines: readonly string[]): number[] {
  return Array.from({ length: CUTS }, (_, i) => Math.floor((lines.length * (i + 1)) / (CUTS + 1)));
}

/** Differences at some distances from the first event that tells of the VM, up to the end; nothing of them may go unmarked. */
function differences(truth: Replay, replay: Replay, first: number, placeOf: (at: EventIndex) => EventIndex, what: string): Difference[] {
  const ends = [0, 3, 30, 120, 400].map((distance) => first + distance);
  const found = ends.filter((end) => end < replay.table.length).map((end) => stateDifference(truth, replay, event(end), placeOf));
  for (const { unmarked } of found) assert.deepEqual(unmarked, [], what);
  return found;
}

const sum = (all: readonly Difference[], field: 'entries' | 'certain'): number => all.reduce((n, one) => n + one[field], 0);

describe('a trace that begins in mid-life of the VM', function () {
  this.timeout(60_000);
  for (const name of RECORDINGS) {
    it(`makes no finding of ${name}, and marks what may be otherwise`, async () => {
      const truth = await replayed(`${name}.txt.zst`);
      const lines = await textOf(`${name}.txt.zst`);
      const all: Difference[] = [];
      for (const cut of places(lines)) {
        const rest = lines.slice(cut);
        const replay = await replayedLines(rest);
        assert.deepEqual(replay.findings, [], `from event ${cut} on`);
        const first = rest.findIndex((line) => OF_VCPU.test(line));
        all.push(...differences(truth, replay, first, (at) => event(at + cut), `from event ${cut} on`));
        const cursor = replay.cursor();
        cursor.seek(event(rest.length - 1));
        assert.match(cursor.doubt(0)?.why ?? '', /^the trace begins in mid-life of the VM/);
      }
      assert.ok(sum(all, 'certain') > sum(all, 'entries') / 2, 'what events showed is certain');
    });
  }

  it('may begin with the load of a root', async () => {
    const lines = await textOf('k7.2-nonpae-small-all.txt.zst');
    const load = lines.findIndex((line) => line.includes('kvm_mmu_get_page: sp gen 0 gfn 101 l2 4-byte q0') && line.endsWith(' new'));
    assert.ok(load > 0);
    const replay = await replayedLines(lines.slice(load));
    assert.deepEqual(replay.findings, []);
    assert.ok((replay.accounts.reasons.get('mid-life') ?? 0) > 0);
  });

  it('is no trace of a VM from its birth on', async () => {
    for (const name of [...RECORDINGS.map((recording) => `${recording}.txt.zst`), 'k6.1-nonpae-small-all.dat']) {
      const replay = await replayed(name);
      const cursor = replay.cursor();
      cursor.seek(event(replay.table.length - 1));
      for (const { vm } of replay.vms) assert.equal(cursor.doubt(vm), undefined, name);
      assert.equal(replay.accounts.reasons.get('mid-life'), undefined, name);
    }
  });

  it('is what a text looks like whose events of the first pages cannot be read: the kernel is not blamed, and pages are said to be missing', async () => {
    const replay = await replayed('k6.1-fmt-nohash-ptr.txt.zst');
    assert.equal(replay.findings.length, 0);
    const cursor = replay.cursor();
    cursor.seek(event(replay.replayed - 1));
    assert.match(cursor.doubt(0)?.why ?? '', /pages that are not listed may be there/);
  });
});

describe('events lost in the midst of a trace', function () {
  this.timeout(60_000);
  for (const name of RECORDINGS) {
    it(`are the only finding of ${name}, and what they may have changed is marked`, async () => {
      const truth = await replayed(`${name}.txt.zst`);
      const lines = await textOf(`${name}.txt.zst`);
      const all: Difference[] = [];
      for (const [i, cut] of places(lines).entries()) {
        const lost = 50 + 20 * i;
        if (cut + lost >= lines.length) continue;
        const replay = await replayedLines(withGap(lines, cut, cut + lost));
        assert.deepEqual(
          replay.findings.map(({ kind, event: at }) => [kind, at]),
          [['lost-events', cut]],
        );
        const placeOf = (at: EventIndex): EventIndex => event(at < cut ? at : at + lost);
        assert.equal(stateDifference(truth, replay, event(cut - 1), placeOf).marked, 0);
        all.push(...differences(truth, replay, cut, placeOf, `${lost} events lost before event ${cut}`));
      }
      assert.ok(sum(all, 'certain') > 0 && sum(all, 'certain') < sum(all, 'entries'));
    });
  }

  it('do not hide a flipped quadrant that follows from what came since', async () => {
    const [cut, lost] = [600, 80];
    const lines = withGap(await textOf('k6.1-nonpae-small-all.txt.zst'), cut, cut + lost);
    const loads = lines.flatMap((line, at) =>
      at > cut && line.includes('kvm_mmu_get_page') && / l2 4-byte q[123]/.test(line) ? [at] : [],
    );
    assert.ok(loads.length > 20);
    let found = 0;
    for (const at of loads) {
      const replay = await replayedLines(lines.with(at, lines[at]!.replace(/ q\d/, ' q0')));
      const findings = replay.findings.slice(1).map(({ kind, event: where }) => [kind, where]);
      // The line of the loss is no event.
      if (findings.length > 0) assert.deepEqual(findings, [['quadrant-mismatch', at - 1]]);
      found += findings.length;
    }
    assert.ok(found > loads.length / 3, `${found} of ${loads.length}`);
  });

  it('leave in doubt what is known from before, until it is proven again', async () => {
    const lines = await textOf('k6.1-nonpae-small-all.txt.zst');
    const [cut, lost] = [600, 80];
    const replay = await replayedLines(withGap(lines, cut, cut + lost));
    const cursor = replay.cursor();

    cursor.seek(event(cut - 1));
    const before = stateReport(cursor, 0);
    assert.deepEqual([before.doubt, before.roots[0]!.doubt, before.pages.find(({ doubt }) => doubt)], [undefined, undefined, undefined]);

    cursor.seek(event(cut));
    const after = stateReport(cursor, 0);
    assert.match(after.doubt!, /^events are missing before event 600: /);
    assert.match(after.roots[0]!.doubt!, /^events are missing: /);
    assert.ok(after.pages.length > 10);
    for (const { doubt, id } of after.pages) if (replay.history.pages.born(id as PageId) < cut) assert.match(doubt!, /may be there$/);

    const load = Array.from({ length: replay.table.length }, (_, at) => event(at)).find(
      (at) => at > cut && replay.table.name(at) === 'kvm_mmu_get_page' && / l2 4-byte q3 /.test(replay.table.message(at)),
    )!;
    cursor.seek(load);
    assert.equal(cursor.roots(0)[0]!.doubt, undefined, 'a root was loaded');
    assert.notEqual(cursor.header(replay.history.notes.pageOf(load)).doubt?.what, 'gone');

    cursor.seek(event(replay.table.length - 1));
    const made = cursor.livePages(0).filter((id) => !cursor.header(id).bornBefore && cursor.header(id).born > load);
    for (const id of made) assert.equal(cursor.header(id).doubt, undefined, 'every event about it is there');
  });
});

describe('a message that cannot be read', function () {
  this.timeout(60_000);
  const NAMES =
    /kvm_mmu_(get_page|prepare_zap_page|zap_all_fast|unsync_page|sync_page|spte_requested|pagetable_walk|paging_element)|kvm_exit/;
  for (const name of RECORDINGS) {
    it(`is no fault of the kernel in ${name}`, async () => {
      const truth = await replayed(`${name}.txt.zst`);
      const lines = linesOf(truth);
      const seen = new Map<string, number>();
      for (const [at, line] of lines.entries()) {
        const kind = NAMES.exec(line)?.[0];
        if (kind === undefined) continue;
        const count = seen.get(kind) ?? 0;
        seen.set(kind, count + 1);
        // The first of a kind of input may be of one that was not recorded.
        if ((count === 0 && !/page$|fast$/.test(kind)) || (count % 20 && kind !== 'kvm_mmu_zap_all_fast')) continue;
        const garbled = `${line.slice(0, line.indexOf(kind))}${kind}: not to be read`;
        const { findings } = await replayedLines(lines.with(at, garbled));
        assert.deepEqual(findings, truth.findings, `event ${at}: ${line}`);
      }
      assert.ok(seen.size > 4);
    });
  }

  it('leaves in doubt what it may have changed, where nothing says what it was', async () => {
    const lines = await textOf('k6.1-nonpae-small-all.txt.zst');
    const zap = lines.findIndex((line) => line.includes('kvm_mmu_prepare_zap_page') && line.includes('q1') && line.includes('root 1'));
    const garbled = lines[zap]!.replace(/(prepare_zap_page:).*/, '$1 not to be read');
    const replay = await replayedLines(lines.with(zap, garbled));
    const cursor = replay.cursor();
    cursor.seek(event(zap));
    assert.equal(cursor.doubt(0), undefined);
    cursor.seek(event(zap + 1));
    assert.match(cursor.doubt(0)!.why, /^events are missing before event \d+: /);
  });
});
