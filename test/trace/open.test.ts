import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, it } from 'mocha';
import { TraceError, type TraceErrorCode } from '../../src/trace/errors.js';
import { openTrace } from '../../src/trace/open.js';
import { summarize } from '../../src/trace/info.js';
import { DATA, readFile, recording, scratch, unpackedRecording } from './files.js';

const file = scratch();
const TEXT = 'k6.1-nonpae-small-all.txt.zst';

async function refusal(path: string): Promise<TraceError> {
  const outcome = await readFile(path).catch((error: unknown) => error);
  assert.ok(outcome instanceof TraceError, String(outcome));
  assert.ok(outcome.message.startsWith(path), outcome.message);
  assert.match(outcome.message, /; ./, 'says what to do');
  return outcome;
}

describe('opening a trace', () => {
  describe('that is none', () => {
    const cases: readonly (readonly [name: string, content: Uint8Array | string, code: TraceErrorCode, says: RegExp])[] = [
      ['empty', '', 'empty', /is empty/],
      ['picture.png', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13), 'other-format', /PNG/],
      ['program', Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0), 'other-format', /ELF/],
      ['capture.pcap', Uint8Array.of(0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0), 'other-format', /pcap/],
      ['utf16.txt', Uint8Array.of(0xff, 0xfe, 0x23, 0, 0x20, 0), 'other-format', /UTF-16/],
      ['perf.data', 'PERFILE2 and so on', 'perf-data', /perf script/],
      ['prose.txt', 'Dear diary,\ntoday: nothing happened.\n', 'not-a-trace', /neither/],
      ['zeros', new Uint8Array(5000), 'not-a-trace', /neither/],
      ['future.dat', Uint8Array.of(0x17, 0x08, 0x44, ...Buffer.from('tracing8\0\0'), 8, 0, 16, 0, 0), 'dat-version', /version 8/],
      ['short.dat', Uint8Array.of(0x17, 0x08, 0x44, ...Buffer.from('tracing7\0')), 'dat-damaged', /byte/],
      ['junk.gz', Uint8Array.of(0x1f, 0x8b, 1, 2, 3, 4, 5, 6, 7, 8, 9), 'compression', /gzip/],
      ['junk.zst', Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), 'compression', /zstd/],
    ];
    for (const [name, content, code, says] of cases) {
      it(`says what ${name} is`, async () => {
        const error = await refusal(file(name, content));
        assert.equal(error.code, code);
        assert.match(error.message, says);
      });
    }

    it('tells a missing file from a directory and one that may not be read', async () => {
      assert.equal((await refusal(path.join(DATA, 'no-such-file'))).code, 'missing');
      assert.equal((await refusal(DATA)).code, 'directory');
      assert.equal((await refusal('/dev/null')).code, 'special');
      const secret = file('secret', 'x');
      chmodSync(secret, 0);
      // root may read everything
      if (process.getuid?.() !== 0) assert.equal((await refusal(secret)).code, 'denied');
    });

    it('takes a trace without kvm events', async () => {
      const table = await readFile(file('sched.txt', '# tracer: nop\n#\n          <idle>-0       [001] d..2.     7.5: x\n'));
      assert.equal(table.length, 0);
      const sched = '          <idle>-0       [001] d..2.     7.500000: sched_switch: prev_comm=swapper/1 prev_pid=0\n';
      assert.equal((await readFile(file('sched2.txt', sched))).name(0), 'sched_switch');
      assert.equal(
        (await readFile(file('nothing.txt', '# tracer: nop\n#\n# entries-in-buffer/entries-written: 0/0   #P:2\n'))).info.damaged,
        false,
      );
    });
  });

  describe('that is packed', () => {
    it('unpacks .gz and .zst, around text and around trace.dat', async () => {
      const text = await unpackedRecording(TEXT);
      const dat = readFileSync(path.join(DATA, 'k6.1-nonpae-small-all.dat'));
      for (const [name, content] of [
        ['a.txt.gz', gzipSync(text)],
        ['b.dat.gz', gzipSync(dat)],
        ['two-members.gz', Buffer.concat([gzipSync(text.subarray(0, 100_000)), gzipSync(text.subarray(100_000))])],
      ] as const) {
        const table = await readFile(file(name, content));
        assert.deepEqual([table.length, table.info.compressed, table.info.damaged], [2152, true, false], name);
      }
      const zst = readFileSync(path.join(DATA, TEXT));
      assert.equal((await readFile(file('twice.zst', Buffer.concat([zst, zst])))).length, 2 * 2152);
    });

    it('keeps what came out before the packed data ends', async () => {
      const text = await unpackedRecording('k6.1-three-vms-all.txt.zst');
      const zst = readFileSync(path.join(DATA, 'k6.1-three-vms-all.txt.zst'));
      for (const [name, content] of [
        ['cut.gz', gzipSync(text).subarray(0, 100_000)],
        ['cut.zst', zst.subarray(0, 100_000)],
        ['wrong.zst', Buffer.concat([zst.subarray(0, 100_000), Buffer.alloc(5000, 0xff), zst.subarray(105_000)])],
      ] as const) {
        const table = await readFile(file(name, content));
        assert.ok(table.length > 5000 && table.length < 25067, `${name}: ${table.length}`);
        assert.equal(table.info.damaged, true);
        assert.ok(
          table.info.notes.some((note) => note.offset !== undefined && /data (ends too early|is damaged)/.test(note.text)),
          name,
        );
      }
    });
  });

  it('hands over the first events before it has read the rest', async () => {
    const lengths: number[] = [];
    const trace = await openTrace(path.join(DATA, 'k6.1-three-vms-all.txt.zst'), {
      inline: true,
      onBatch: (table) => lengths.push(table.length),
    });
    assert.equal(trace.table.length, 2000);
    await trace.done;
    assert.deepEqual([lengths[0], lengths.at(-1)], [2000, 25067]);
    assert.equal(trace.bytesRead, trace.bytesTotal);
    const dat = await openTrace(path.join(DATA, 'k6.1-three-vms-all.dat'), { inline: true });
    assert.equal(dat.table.length, 2000);
    assert.ok(dat.bytesRead < dat.bytesTotal);
    await dat.done;
    assert.equal(dat.bytesRead, dat.bytesTotal);
  });

  it('stops when it is told to', async () => {
    const name = path.join(DATA, 'k6.1-three-vms-all.txt.zst');
    const abort = new AbortController();
    const trace = await openTrace(name, { inline: true, signal: abort.signal });
    abort.abort(new Error('enough'));
    await assert.rejects(trace.done, /enough/);
    assert.ok(trace.table.length < 25067);
    await assert.rejects(openTrace(name, { inline: true, signal: AbortSignal.abort(new Error('never')) }), /never/);
    const closed = await openTrace(name, { inline: true });
    closed.close();
    await assert.rejects(closed.done, /closed/);
  });

  it('sums a trace up', async () => {
    const { byName, tasks, ...rest } = summarize(await recording('k6.1-nonpae-small-all.dat'));
    assert.deepEqual(rest, {
      file: path.join(DATA, 'k6.1-nonpae-small-all.dat'),
      format: 'trace-dat',
      kernel: '6.1',
      roles: 'exact',
      events: 2152,
      lost: 0,
      first: '7.492017',
      last: '7.636755',
      notes: [],
    });
    assert.equal(byName['kvm_mmu_get_page'], 101);
    assert.equal(byName['kvm_mmu_prepare_zap_page'], 71);
    assert.deepEqual(tasks, [{ pid: 470, comm: 'kvmguest', events: 2152 }]);
  });

  it('is not confused by a directory that looks like a file', async () => {
    const dir = file('x', '').replace(/x$/, 'trace.dat');
    mkdirSync(dir);
    assert.equal((await refusal(dir)).code, 'directory');
  });
});
