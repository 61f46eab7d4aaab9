import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import { Replay } from '../../src/replay/replay.js';
import { stateReport } from '../../src/replay/reports.js';
import { TraceError } from '../../src/trace/errors.js';
import type { EventTable } from '../../src/trace/table.js';
import { dump, readFile, scratch, unpackedRecording } from '../trace/files.js';
import { event } from './recordings.js';

const file = scratch();

/** What can happen to a file: at a place and of a size that are given as parts of its length. */
const MISHAPS: Readonly<Record<string, (bytes: Buffer, at: number, size: number) => Buffer>> = {
  'bits flip': (bytes, at, size) => {
    const copy = Buffer.from(bytes);
    for (let i = at; i < bytes.length; i += 1 + size) copy[i]! ^= 1 << (i % 8);
    return copy;
  },
  'the end is missing': (bytes, at) => bytes.subarray(0, at),
  'a block is missing': (bytes, at, size) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + size)]),
  'a block comes twice': (bytes, at, size) => Buffer.concat([bytes.subarray(0, at + size), bytes.subarray(at)]),
  'junk is in it': (bytes, at, size) =>
    Buffer.concat([bytes.subarray(0, at), bytes.subarray(0, size).map((b) => (b * 7) ^ 0xa5), bytes.subarray(at)]),
  'zeros are in it': (bytes, at, size) => Buffer.concat([bytes.subarray(0, at), Buffer.alloc(size), bytes.subarray(at)]),
  'a line has no end': (bytes, at, size) => Buffer.concat([bytes.subarray(0, at), Buffer.alloc(size * 10, 'x'), bytes.subarray(at)]),
  'lines end as on Windows': (bytes) => Buffer.from(bytes.toString('latin1').replaceAll('\n', '\r\n'), 'latin1'),
  'it comes twice': (bytes) => Buffer.concat([bytes, bytes]),
};

/** The events, or the error that a user is shown. */
async function opened(path: string): Promise<EventTable | string> {
  try {
    return await readFile(path);
  } catch (error) {
    if (!(error instanceof TraceError)) throw error;
    assert.match(error.message, /^[^\n]+; [^\n]+$/);
    assert.ok(error.message.startsWith(path));
    return error.message.slice(path.length);
  }
}

/** What is readable of a table is: every event is replayed, and the state can be shown. */
function isUsable(table: EventTable): void {
  const replay = new Replay(table);
  replay.advance(table.length);
  const cursor = replay.cursor();
  for (const part of [0, 0.3, 0.7, 1]) {
    cursor.seek(event(Math.floor((table.length - 1) * part)));
    for (const { vm } of replay.vms) assert.ok(JSON.stringify(stateReport(cursor, vm)).length > 0);
  }
  for (const { text } of table.info.notes) assert.doesNotMatch(text, /\n/);
  for (const { message } of replay.findings) assert.doesNotMatch(message, /\n|undefined|NaN/);
}

describe('a damaged text', function () {
  this.timeout(120_000);

  for (const name of ['k6.1-nonpae-small-all.txt.zst', 'k6.1-nonpae-small-all.report.txt.zst', 'k7.2-nonpae-small-all.report-N.txt.zst']) {
    it(`is read and replayed as far as it goes, packed or not: ${name}`, async () => {
      const whole = Buffer.from(await unpackedRecording(name));
      let readable = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...Object.keys(MISHAPS)),
          fc.double({ min: 0, max: 0.999, noNaN: true }),
          fc.integer({ min: 1, max: 9000 }),
          async (what, at, size) => {
            const bytes = MISHAPS[what]!(whole, Math.floor(whole.length * at), size);
            const plain = await opened(file('damaged.txt', bytes));
            const packed = await opened(file('damaged.txt.gz', gzipSync(bytes, { level: 1 })));
            if (typeof plain === 'string' || typeof packed === 'string') return assert.equal(packed, plain);
            const events = (table: EventTable): unknown => (dump(table) as { events: unknown }).events;
            assert.deepEqual(events(packed), events(plain));
            if (plain.length === 0) return;
            readable++;
            isUsable(plain);
          },
        ),
        { numRuns: 12, seed: 5 },
      );
      assert.ok(readable > 6, `${readable} readable`);
    });
  }
});
