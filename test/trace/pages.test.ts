import assert from 'node:assert/strict';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, it } from 'mocha';
import { BatchBuilder, type Batch } from '../../src/trace/batch.js';
import { PAGE_EVENTS, UNIT_PAGE_UNITS } from '../../src/trace/pages.js';
import { readTrace } from '../../src/trace/read.js';
import { EventTable } from '../../src/trace/table.js';
import { Kind } from '../../src/trace/vocabulary.js';
import { DATA, dump } from './files.js';
import type { Context, Shape } from '../../src/trace/shape.js';
import type { TraceInfo } from '../../src/trace/info.js';

const INFO = { file: 'made', format: 'trace-dat', notes: [] } as unknown as TraceInfo;
const CONTEXT: Context = { pid: 1, comm: 'kvmguest', tgid: undefined, cpu: 0, flags: 'd..1.', style: 'seconds', pidWidth: 7 };

/** gfn (64 bits), errno (signed), and one unit that is no argument */
const SPLIT: Shape = {
  kind: Kind.splitHugePage,
  name: 'kvm_mmu_split_huge_page',
  slots: [{ at: 0, wide: true, signed: false }, null, null, { at: 2, wide: false, signed: true }],
  extras: { more: { at: 3, wide: false, signed: false } },
  units: 4,
  text: { from: 'bytes', named: true },
};

class Made {
  readonly builder = new BatchBuilder();
  readonly table = new EventTable(INFO);
  readonly context = this.builder.context(CONTEXT);
  readonly shape = this.builder.shape(SPLIT);

  event(gfnLow: number, gfnHigh: number, errno: number, time = 0n, context = this.context, text = ''): void {
    const bytes = new TextEncoder().encode(text);
    const at = this.builder.reserve(5 + bytes.length);
    const units = this.builder.units;
    units.set([gfnLow, gfnHigh, errno, 7, bytes.length], at);
    for (let i = 0; i * 4 < bytes.length; i++) {
      units[at + 5 + i] = bytes.subarray(i * 4, i * 4 + 4).reduce((word, byte, b) => word | (byte << (b * 8)), 0);
    }
    this.builder.add(this.shape, context, Number(time & 0xffff_ffffn), Number(time >> 32n), 5 + ((bytes.length + 3) >>> 2));
    if (this.builder.isFull) this.take();
  }

  take(): Batch {
    const batch = this.builder.take(INFO, 0);
    this.table.append(batch);
    return batch;
  }
}

describe('pages of events', () => {
  it('go on from one to the next, with arguments of any spread', () => {
    const made = new Made();
    const gfn = (e: number): number => Math.imul(e, 0x9e3779b1) >>> 0;
    const count = 2 * PAGE_EVENTS + 3;
    for (let e = 0; e < count; e++) made.event(gfn(e), e % 3, -(e % 5), BigInt(e) * 1000n);
    made.take();
    const { table } = made;
    assert.equal(table.length, count);
    for (let e = 0; e < count; e++) {
      const right =
        table.low(e, 0) === gfn(e) &&
        table.high(e, 0) === e % 3 &&
        table.num(e, 0) === (e % 3) * 2 ** 32 + gfn(e) &&
        table.num(e, 3) === -(e % 5) &&
        table.kind(e) === Kind.splitHugePage;
      if (!right) assert.fail(`event ${e}: gfn ${table.word(e, 0)}, errno ${table.num(e, 3)}`);
    }
    for (const e of [0, 1999, 2000, PAGE_EVENTS - 1, PAGE_EVENTS, PAGE_EVENTS + 1, count - 1]) {
      assert.deepEqual(
        [table.time(e), table.word(e, 0), table.has(e, 1)],
        [BigInt(e) * 1000n, (BigInt(e % 3) << 32n) | BigInt(gfn(e)), false],
      );
    }
    assert.deepEqual(table.tally().names, new Map([['kvm_mmu_split_huge_page', count]]));
    assert.equal(table.formPage(1)[1], table.formOf(PAGE_EVENTS + 1));
  });

  it('store only what differs from event to event', () => {
    const made = new Made();
    for (let e = 0; e < 10_000; e++) made.event(e, 0xffff_ffff, e % 4 === 0 ? -1 : 0);
    made.take();
    const { table } = made;
    assert.equal(table.placeOf(9999) - table.placeOf(9998), 2, 'the lower half of the gfn, and a length');
    assert.ok(table.formCount < 200, `${table.formCount} forms`);
    assert.deepEqual([table.word(9999, 0), table.num(9996, 3), table.num(9997, 3)], [(0xffff_ffffn << 32n) | 9999n, -1, 0]);
  });

  it('keep times that stand still, go back, or jump, to the nanosecond', () => {
    const made = new Made();
    const times = [5n << 40n, 5n << 40n, (5n << 40n) + 0xffff_ffffn, (5n << 40n) + 0x1_0000_0000n, 3n, 0n, (1n << 64n) - 1n, 5n << 40n];
    for (const time of times) made.event(1, 0, 0, time);
    for (let e = times.length; e < PAGE_EVENTS; e++) made.event(1, 0, 0, 1n);
    made.event(1, 0, 0, 2n);
    made.take();
    assert.deepEqual(
      times.map((_, e) => made.table.time(e)),
      times,
    );
    assert.deepEqual([made.table.time(PAGE_EVENTS - 1), made.table.time(PAGE_EVENTS)], [1n, 2n]);
  });

  it('keep more contexts than 16 bits can number, and longer texts than 16 bits can reach over', () => {
    const made = new Made();
    const long = 'x'.repeat(4 * UNIT_PAGE_UNITS + 5);
    for (let e = 0; e < 70_000; e++) made.event(e, 0, 0, 0n, made.builder.context({ ...CONTEXT, pid: e }));
    made.event(70_000, 0, 0, 0n, made.context, long);
    made.event(70_001, 0, 0, 0n, made.context, 'short');
    made.take();
    const { table } = made;
    for (const e of [0, 65_535, 65_536, 69_999]) assert.deepEqual([table.pid(e), table.num(e, 0)], [e, e]);
    assert.equal(table.message(70_000), long);
    assert.deepEqual([table.message(70_001), table.num(70_001, 0), table.pid(70_001)], ['short', 70_001, 1]);
  });

  it('are filled after they were handed over, and only what a message told of counts', () => {
    const made = new Made();
    made.event(1, 0, 0);
    const batch = made.take();
    assert.deepEqual([batch.newPages.length, made.table.length], [1, 1]);
    made.event(2, 0, 0);
    assert.equal(made.table.length, 1);
    const next = made.take();
    assert.deepEqual([next.newPages.length, made.table.length, made.table.num(1, 0)], [0, 2, 2]);
  });
});

describe('a table in two threads', () => {
  it('is the same from the same batches, on the same pages', async () => {
    const name = path.join(DATA, 'k6.1-nonpae-small-all.dat');
    const worker = new Worker(fileURLToPath(new URL('./tableThread.mjs', import.meta.url)));
    try {
      const dumped = new Promise<unknown>((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      });
      const here = new EventTable(INFO);
      await readTrace(name, {
        batch: (batch) => {
          here.append(batch);
          worker.postMessage(batch);
        },
      });
      worker.postMessage('dump');
      assert.equal(here.length, 2152);
      assert.deepEqual(await dumped, dump(here));
    } finally {
      await worker.terminate();
    }
  });
});
