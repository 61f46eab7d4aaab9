import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { EventIndex, Gfn, PageId, SpteIndex } from '../../src/engine/ids.js';
import type { ChangeTarget } from '../../src/replay/changes.js';
import { HistoryIndex } from '../../src/replay/historyIndex.js';
import { Replay } from '../../src/replay/replay.js';
import { State } from '../../src/engine/state.js';
import { openTrace } from '../../src/trace/open.js';

const RECORDINGS = ['k6.1-three-vms-all.dat', 'k6.1-oracle-nonpae.txt.zst', 'k6.1-nonpae-small-all.dat', 'k6.1-lost-overwrite.txt.zst'];

async function tableOf(name: string): Promise<Replay['table']> {
  const { table, done } = await openTrace(`test/data/${name}`, { inline: true });
  await done;
  return table;
}

/** Every event of a history that changed a target, found by looking at each write, or each event. */
function changed({ history }: Replay, target: ChangeTarget): EventIndex[] {
  const { journal, pages, notes, table, tasks } = history;
  const every = Array.from({ length: history.replayed }, (_, e) => e as EventIndex);
  if (target.kind === 'gfn') {
    return every.filter((e) => {
      if (tasks.place(table.pid(e), e)?.vm !== target.vm) return false;
      const page = notes.pageOf(e);
      return notes.spteOf(e) ? history.leafGfn(e) === target.gfn : page !== 0 && pages.birth(page).gfn === target.gfn;
    });
  }
  const runs = runsOf(history, target);
  const whole = target.kind === 'page' || target.kind === 'spte';
  const [first, last] = whole ? [pages.born(target.page), pages.died(target.page)] : [-1, Infinity];
  const found = new Set<EventIndex>();
  for (let record = 1; record < journal.length; record++) {
    const [event, cell] = [journal.event(record), journal.cell(record)];
    if (event < first || event > last || !runs.some(([from, count]) => cell >= from && cell < from + count)) continue;
    if (!journal.sameValue(record, journal.previous(record))) found.add(event);
  }
  return [...found];
}

function runsOf(history: Replay['history'], target: Exclude<ChangeTarget, { kind: 'gfn' }>): readonly (readonly [number, number])[] {
  const { pages } = history;
  switch (target.kind) {
    case 'page':
      return pages.cellRuns(target.page);
    case 'spte':
      return [[pages.entryCell(target.page, target.index), 1]];
    case 'rootCount':
      return [[pages.rootCountCell(target.page), 1]];
    case 'invalid':
      return [[pages.lifeCell(target.page), 1]];
    case 'unsync':
      return [[pages.unsyncCell(target.page), 1]];
    case 'root':
      return [history.vcpu(target.vm, target.vcpu)!.rootCells];
  }
}

/** Some of each kind: early and late pages, SPTEs that were set, frames that were mapped or shadowed. */
function targets({ history, lastPage, vms }: Replay): ChangeTarget[] {
  const some = Array.from({ length: lastPage }, (_, i) => (i + 1) as PageId).filter((id) => id % Math.ceil(lastPage / 12) === 0);
  const places = Array.from({ length: history.replayed }, (_, e) => history.notes.spteOf(e as EventIndex)).filter((p) => p !== undefined);
  const sptes = places.filter((_, i) => i % Math.ceil(places.length / 12) === 0);
  return [
    ...some.map((page) => ({ kind: 'page', page }) as const),
    ...some.flatMap((page) => (['rootCount', 'invalid', 'unsync'] as const).map((kind) => ({ kind, page }))),
    ...sptes.map(({ page, index }) => ({ kind: 'spte', page, index }) as const),
    ...some.map((page) => ({ kind: 'spte', page, index: 511 as SpteIndex }) as const),
    ...vms.flatMap(({ vm, vcpus }) => vcpus.map(({ vcpu }) => ({ kind: 'root', vm, vcpu }) as const)),
    ...[...some.map((id) => history.pages.birth(id).gfn), 0x1234567 as Gfn].map((gfn) => ({ kind: 'gfn', vm: 0, gfn }) as const),
  ];
}

describe('looking into a history', () => {
  for (const name of RECORDINGS) {
    it(`finds the changes of a place that a look at every write finds, while it grows: ${name}`, async () => {
      const replay = new Replay(await tableOf(name));
      const { length } = replay.table;
      const known = new Map<string, { target: ChangeTarget; changes: ReturnType<Replay['changesOf']> }>();
      for (const end of [Math.floor(length / 3), Math.floor(length / 2), length]) {
        replay.advance(end - replay.replayed);
        for (const target of targets(replay)) known.set(JSON.stringify(target), { target, changes: replay.changesOf(target) });
        for (const [what, { target, changes }] of known) {
          const expected = changed(replay, target);
          const forwards: EventIndex[] = [];
          for (let e = changes.next(-1 as EventIndex); e !== undefined; e = changes.next(e)) forwards.push(e);
          assert.deepEqual(forwards, expected, `${what} of ${end} events, forwards`);
          const backwards: EventIndex[] = [];
          for (let e = changes.previous(end as EventIndex); e !== undefined; e = changes.previous(e)) backwards.unshift(e);
          assert.deepEqual(backwards, expected, `${what} of ${end} events, backwards`);
          const middle = Math.floor(end / 2) as EventIndex;
          assert.equal(
            changes.next(middle),
            expected.find((e) => e > middle),
          );
          assert.equal(
            changes.previous(middle),
            expected.findLast((e) => e < middle),
          );
        }
      }
    });

    it(`knows which pages live at any place: ${name}`, async () => {
      const replay = new Replay(await tableOf(name));
      const { history } = replay;
      const index = new HistoryIndex(history);
      const state = new State(history.journal);
      const { length } = replay.table;
      for (const end of [Math.floor(length / 2), length]) {
        replay.advance(end - replay.replayed);
        for (let at = -1; at < end; at += Math.ceil(end / 150)) {
          state.seek(at as EventIndex);
          const all = Array.from({ length: replay.lastPage }, (_, i) => (i + 1) as PageId);
          const live = all.filter((id) => history.pages.born(id) <= at && history.pages.isLive(state, id));
          assert.deepEqual([...index.live.at(state)], live, `after event ${at}`);
        }
      }
    });
  }
});
