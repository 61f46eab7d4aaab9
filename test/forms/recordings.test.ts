import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'mocha';
import type { EventIndex } from '../../src/engine/ids.js';
import { openTrace } from '../../src/trace/open.js';
import { Replay } from '../../src/replay/replay.js';
import { compileCondition, ConditionError, evaluate, type EventScope } from '../../src/replay/query/index.js';
import {
  entryDetail,
  eventCard,
  eventFrame,
  find,
  pageLine,
  pageModel,
  parentsText,
  plainValue,
  roleFormOf,
  roleLine,
  spteLine,
  type FormContext,
} from '../../src/debug/forms/index.js';

const DATA = path.resolve('test/data');

async function replayed(file: string): Promise<Replay> {
  const trace = await openTrace(path.join(DATA, file), { inline: true });
  await trace.done;
  const replay = new Replay(trace.table);
  replay.advance(Infinity);
  return replay;
}

/** Numbers of the events for which a condition holds. */
function hits(replay: Replay, text: string): number[] {
  const condition = compileCondition(text);
  assert.ok(!(condition instanceof ConditionError), text);
  const scope: EventScope = { replay, event: 0 as EventIndex };
  const found: number[] = [];
  for (let e = 0; e < replay.replayed; e++) {
    scope.event = e as EventIndex;
    if (condition.test(scope)) found.push(e);
  }
  return found;
}

/** A text for people has no traces of programs in it. */
function readable(what: string, text: string): void {
  assert.doesNotMatch(text, /undefined|NaN|\[object|\bnull\b/u, what);
}

describe('forms over recordings', function () {
  this.timeout(60_000);

  for (const file of [
    'k6.1-nonpae-small-all.dat',
    'k6.1-nonpae-small-all.txt.zst',
    'k5.10-nonpae-small-all.dat',
    'k7.2-nonpae-small-all.txt.zst',
    'k6.1-three-vms-all.dat',
    'k6.1-lost-pipe.txt.zst',
    'k6.1-npt-tdpmmuY-nonpae-all.txt.zst',
  ]) {
    it(`${file}: every page, entry and kind of event has its form`, async () => {
      const replay = await replayed(file);
      const { table } = replay;
      const [here, earlier] = [replay.cursor(), replay.cursor()];
      const ctx: FormContext = { replay, cursor: here };
      const seen = new Map<string, number>();
      for (let e = 0; e < table.length; e++) {
        const n = (seen.get(table.name(e)) ?? 0) + 1;
        seen.set(table.name(e), n);
        if (n > 4 && n % 301 !== 0) continue;
        const event = e as EventIndex;
        here.seek(event);
        earlier.seek((e - 1) as EventIndex);
        const card = eventCard(ctx, { replay, cursor: earlier }, event, table.lineText(e));
        readable(`event ${e}`, [card.summary, ...card.fields.flat(), eventFrame(table, event)].join(' '));
        assert.match(card.summary, /[.]$/u);
      }
      for (let i = 1; i <= 4; i++) {
        const event = Math.floor(((table.length - 1) * i) / 4) as EventIndex;
        const before = Math.max(0, event - 300) as EventIndex;
        here.seek(event);
        for (const id of replay.vms.flatMap(({ vm }) => here.livePages(vm))) {
          const page = here.page(id);
          readable('page', [pageLine(ctx, page), parentsText(ctx, page), roleLine(roleFormOf(ctx, page))].join(' '));
          const model = pageModel(ctx, id, before);
          readable('copy', model.text);
          assert.equal(model.entries.length, here.entries(id).length);
          assert.equal(Buffer.from(model.memory, 'base64').length, 4096);
          for (const index of model.changed) readable('changed', entryDetail(ctx, id, index as never, before).text);
          for (const entry of here.entries(id).slice(0, 3)) {
            readable('line', spteLine(ctx, page, entry));
            const detail = entryDetail(ctx, id, entry.index, before);
            readable('rows', JSON.stringify([detail.rows, detail.bits, detail.guestEntry]));
            assert.equal(detail.bits.filter((b) => b.short).length <= 12, true);
          }
        }
      }
    });
  }

  it('a condition holds for the same events in text and in trace.dat', async () => {
    const [text, binary] = [await replayed('k6.1-nonpae-small-all.txt.zst'), await replayed('k6.1-nonpae-small-all.dat')];
    for (const condition of [
      'gfn == 0x102 && level == 1',
      'role.quadrant == 1 && role.access == wux',
      'event.name ~ "*zap*" && !unsync',
      'event.time >= 7.56 && event.time < 7.57',
      'spte & 2 && u == 1',
      'exit_reason == "PF excp" && vcpu == 0',
      'sp.unsync',
      'spte.w && sp.level == 1',
      'fault.address & 0xfff00000',
      'insn ~ "0f 01*"',
    ]) {
      const expected = hits(text, condition);
      assert.ok(expected.length > 0, condition);
      assert.deepEqual(hits(binary, condition), expected, condition);
    }
  });

  it('counts agree with the names of the events', async () => {
    const { table, ...rest } = await replayed('k6.1-nonpae-small-all.dat').then((replay) => ({ table: replay.table, replay }));
    const news = hits(rest.replay, 'event.name == kvm_mmu_get_page && created');
    const expected = Array.from({ length: table.length }, (_, e) => e).filter(
      (e) => table.name(e) === 'kvm_mmu_get_page' && table.message(e).trimEnd().endsWith('new'),
    );
    assert.deepEqual(news, expected);
    assert.deepEqual(hits(rest.replay, 'role.word == 0x3732').length > 0, true);
  });

  it('watch expressions at a stop', async () => {
    const replay = await replayed('k6.1-nonpae-small-all.dat');
    const event = hits(replay, 'event.name == kvm_mmu_set_spte')[0]! as EventIndex;
    const cursor = replay.cursor();
    cursor.seek(event);
    const ctx: FormContext = { replay, cursor };
    const shown = (text: string): string => plainValue(ctx, evaluate(text, { replay, cursor, event }));
    assert.equal(shown('event.index'), String(event));
    assert.equal(shown('sp'), '102 L1 q0  4-byte wux sync gen 0 · 1 of 512: 1R');
    assert.equal(shown('spte'), 'R r-x- a-- h-  gfn 10 → pfn 9410 · 9410a21');
    assert.equal(shown('sp[010]'), shown('spte'));
    assert.equal(shown('role'), '0x3711  level 1, 4-byte, q0, wux, efer_nx, cr0_wp');
    assert.equal(shown('role.quadrant'), '0');
    assert.equal(shown('gfn == 0x10 && level == 1'), 'true');
  });
});

/** The recording of ui.md is too large for the repository; where the shared recordings are at hand, their folder can be named. */
const RECORDINGS = process.env['SHADOW_MMU_RECORDINGS'] ?? '';
const UI_RECORDING = path.join(RECORDINGS, 'k6.1-i386-linux-nonpae-smp2.dat');

(RECORDINGS !== '' && existsSync(UI_RECORDING) ? describe : describe.skip)('the state that ui.md shows', function () {
  this.timeout(120_000);
  const STOP = 300_045 as EventIndex;
  const PREVIOUS = 300_011 as EventIndex;

  async function stopped(): Promise<FormContext> {
    const trace = await openTrace(UI_RECORDING, { inline: true });
    await trace.done;
    const replay = new Replay(trace.table);
    replay.advance(STOP + 100);
    const cursor = replay.cursor();
    cursor.seek(STOP);
    return { replay, cursor };
  }

  it('looks as it does there', async () => {
    const ctx = await stopped();
    const page = (name: string) => find(ctx, name).hits[0]!.page.id as never;
    const line = (name: string, index: number): string =>
      spteLine(ctx, ctx.cursor.page(page(name)), ctx.cursor.entry(page(name), index as never));
    const pd = ctx.cursor.page(page('2cd2 L2 q3'));
    assert.equal(ctx.cursor.livePages(0).length, 266);
    assert.equal(pageLine(ctx, pd), '2cd2 L2 q3  4-byte wux root×1 sync gen 0 · 18 of 512: 10T 3W 5R');
    assert.equal(roleLine(roleFormOf(ctx, pd)), '0x3772  level 2, 4-byte, q3, wux, efer_nx, cr0_wp');
    assert.equal(line('2cd2 L2 q3', 0x008), 'R r-x- a-- h-  gfn 1000 → pfn 16bc00 2M · 16bc00aa1');
    assert.equal(line('2cd2 L2 q3', 0x016), 'T → 2c00 L1 q0 direct w-x · 488 of 512: 480W 8P · 1694a8827 ~');
    assert.equal(line('2cd2 L2 q3', 0x1ff), 'T → 1e73 L1 q1 · ?827');
    const half = pageModel(ctx, page('2c00 L1 q0'), PREVIOUS);
    assert.equal(`${half.maps} ${half.role} ${half.born?.event}`, 'c2c00000–c2dfffff 4K each 0x3391 161528');
    assert.deepEqual(half.parents.map((p) => p.page.name)[0], '2cd2 L2 q3');
    assert.equal(half.parents.length, 7);
    assert.deepEqual(half.changed, [0xed, 0x152]);
    assert.equal(`${half.quadrants?.caption}   ${half.quadrants?.note}`, 'guest 4 MiB page gPDE 30b   02c001e3 → 2 pages');
    assert.deepEqual(
      half.quadrants?.boxes.map((b) => `${b.address} ${b.counts}`),
      ['c2c00000 480W 8P', 'c2e00000 127W 1P'],
    );
    const detail = entryDetail(ctx, page('2c00 L1 q0'), 0xed as never, PREVIOUS);
    assert.equal(detail.historyTotal, 41);
    assert.deepEqual(
      detail.history.slice(0, 5).map((h) => `${h.at.event} ${h.value} ${h.what}`),
      [
        '300019 16ceede63 made writable',
        '299928 16ceeda61 W, mw cleared',
        '299912 16ceede63 made writable',
        '299834 16ceeda61 W, mw cleared',
        '299717 16ceede63 made writable',
      ],
    );
    assert.match(detail.text, /^2c00 L1 q0 \[0ed\] c2ced000 {2}16ceede63 {2}W rwx- ad- hm {2}gfn 2ced -> pfn 16ceed\n/u);
    const table = pageModel(ctx, page('2ced L1 q0'), PREVIOUS);
    assert.deepEqual(table.changed, [304, 305, 306, 307, 308, 309, 310, 311]);
    assert.deepEqual(
      table.quadrants?.boxes.map((b) => `${b.address} ${b.counts}`),
      ['08000000 10R', '08200000 1W'],
    );
  });
});
