import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DuckDBInstance, type DuckDBConnection, type DuckDBValue } from '@duckdb/node-api';
import { before, describe, it } from 'mocha';
import type { EventIndex } from '../../src/engine/ids.js';
import type { CheckReport } from '../../src/replay/reports.js';
import { Kind, SpSlot } from '../../src/trace/vocabulary.js';
import { replayed } from '../replay/recordings.js';
import { recording as tableOf } from '../trace/files.js';
import { recording, scratchFolder, shadowMmu } from './program.js';

const NONPAE = 'k6.1-nonpae-small-all.dat';
const THREE_VMS = 'k6.1-three-vms-all.dat';
const LOST = 'k6.1-lost-overwrite.txt.zst';

describe('export', function () {
  this.timeout(60_000); // each table is written by a process of its own
  const folder = scratchFolder();
  let engine: DuckDBConnection;
  before(async () => void (engine = await (await DuckDBInstance.create(':memory:')).connect()));

  const out = (name: string): string => path.join(folder, name);
  const ask = async (sql: string): Promise<DuckDBValue[][]> => (await engine.runAndReadAll(sql)).getRows();
  const count = async (table: string, where: string): Promise<number> =>
    Number((await ask(`select count(*) from '${table}' where ${where}`))[0]![0]);

  /** Writes the table of a recording if there is none yet, and answers where it is. */
  function table(name: string, ...options: string[]): string {
    const file = out(`${name}${options.join('')}.parquet`);
    if (existsSync(file)) return file;
    const { status, errors } = shadowMmu('export', recording(name), '--to', file, ...options);
    assert.deepEqual(errors, []);
    assert.ok(status !== 2);
    return file;
  }

  function check(name: string): CheckReport {
    return JSON.parse(shadowMmu('check', recording(name), '--json').stdout) as CheckReport;
  }

  it('answers which gfn was zapped most', async () => {
    const trace = await tableOf(NONPAE);
    const zapped = new Map<bigint, number>();
    for (let e = 0; e < trace.length; e++) {
      if (trace.kind(e) === Kind.prepareZap) zapped.set(trace.word(e, SpSlot.gfn), (zapped.get(trace.word(e, SpSlot.gfn)) ?? 0) + 1);
    }
    const most = [...zapped].sort(([, a], [, b]) => b - a)[0]!;
    const rows = await ask(
      `select gfn, count(*) as zaps from '${table(NONPAE)}' where name = 'kvm_mmu_prepare_zap_page' group by gfn order by zaps desc limit 1`,
    );
    assert.deepEqual(rows, [[most[0], BigInt(most[1])]]);
  });

  it('has a row for each event, sorted, and the outcomes that check counts', async () => {
    const file = table(NONPAE);
    const { events, outputs, findingsTotal, kernel, reasons } = check(NONPAE);
    assert.deepEqual(
      await ask(`select event from '${file}'`),
      Array.from({ length: events }, (_, e) => [e]),
    );
    assert.deepEqual(await ask(`select distinct file, kernel, file_incomplete from '${file}'`), [[recording(NONPAE), kernel, false]]);
    for (const [name, { recorded, exact, learned, unpredictable }] of Object.entries(outputs)) {
      const of = (what: string): Promise<number> => count(file, `name = '${name}' and ${what}`);
      assert.deepEqual(
        [await of('true'), await of(`outcome = 'exact'`), await of(`outcome = 'learned'`), await of(`outcome = 'unpredictable'`)],
        [recorded, exact, learned, unpredictable],
        name,
      );
    }
    const why = await ask(`select r, count(*)::integer from (select unnest(reasons) as r from '${file}') group by r order by r`);
    assert.deepEqual(
      why,
      Object.entries(reasons).sort(([a], [b]) => (a < b ? -1 : 1)),
    );
    assert.equal(await count(file, 'finding is not null'), findingsTotal);
  });

  it('has what the trace and the replay say of each event', async () => {
    const replay = await replayed(NONPAE);
    const { table: trace } = replay;
    const rows = await ask(
      `select time_ns, pid, comm, name, vm, vcpu, sp, spte_index, fault_event, fault_address, exit_event from '${table(NONPAE)}'`,
    );
    const orNull = <T>(value: T | undefined): T | null => value ?? null;
    for (const [event, row] of rows.entries()) {
      const e = event as EventIndex;
      assert.deepEqual(
        row,
        [
          trace.time(e),
          trace.pid(e),
          trace.comm(e),
          trace.name(e),
          orNull(replay.vmOf(e)),
          orNull(replay.vcpuOf(e)?.vcpu),
          replay.pageOf(e) || null,
          orNull(replay.spteOf(e)?.index),
          orNull(replay.faultOf(e)?.first),
          orNull(replay.faultOf(e)?.address),
          orNull(replay.exitOf(e)),
        ],
        `event ${event}`,
      );
    }
    // A page is the one that was made when its life began.
    const births = await ask(
      `select count(*)::integer from '${table(NONPAE)}' a join '${table(NONPAE)}' b on a.sp = b.sp and b.event = a.sp_born
       where b.name = 'kvm_mmu_get_page' and b.created and a.sp_gfn = b.gfn and a.sp_quadrant = b.role_quadrant and a.sp_role = b.role`,
    );
    assert.deepEqual(births, [[await count(table(NONPAE), 'sp is not null')]]);
  });

  it('keeps all 64 bits as numbers', async () => {
    const file = table(THREE_VMS);
    const trace = await tableOf(THREE_VMS);
    const large: [number, bigint][] = [];
    for (let e = 0; e < trace.length; e++) {
      if (trace.kind(e) === Kind.setSpte && trace.word(e, 1) >> 63n) large.push([e, trace.word(e, 1)]);
    }
    assert.ok(large.length > 0);
    const rows = await ask(`select event, spte from '${file}' where spte >= 9223372036854775808 and name = 'kvm_mmu_set_spte'`);
    assert.deepEqual(rows, large);
    const types = await ask(`select distinct column_type from (describe select gfn, spte, addr, fault_address, cr2_or_gpa from '${file}')`);
    assert.deepEqual(types, [['UBIGINT']]);
  });

  it('tells VMs apart, and has the rows of one on request', async () => {
    const file = table(THREE_VMS);
    const byVm = await ask(`select vm, count(*)::integer from '${file}' where vm is not null group by vm order by vm`);
    assert.deepEqual(
      byVm.map(([vm]) => vm),
      [0, 1, 2],
    );
    assert.deepEqual(await ask(`select vm, count(*)::integer from '${table(THREE_VMS, '--vm', '1')}' group by vm`), [byVm[1]]);
    const { status, errors } = shadowMmu('export', recording(THREE_VMS), '--to', out('none.parquet'), '--vm', '3');
    assert.deepEqual([status, errors], [2, ['shadow-mmu: there is no VM 3: the trace has 3, numbered from 0']]);
    assert.ok(!readdirSync(folder).some((name) => name.includes('none')));
  });

  it('shows losses where they are', async () => {
    const { findings, lost } = check(LOST);
    const { status, stdout } = shadowMmu('export', recording(LOST), '--to', out('lost.parquet'));
    assert.equal(status, 1);
    assert.match(stdout, new RegExp(`: \\d+ events, ${findings.length} findings?, `));
    const rows = await ask(`select event, finding, finding_text from '${out('lost.parquet')}' where finding is not null`);
    assert.deepEqual(
      rows,
      findings.map(({ event, kind, message }) => [event, kind, message]),
    );
    const known = await ask(
      `select sum(lost_before)::integer, bool_and(file_incomplete) from '${out('lost.parquet')}' where lost_before > 0 or event = 0`,
    );
    assert.deepEqual(known, [[lost, true]]);
  });

  it('takes any name of a task, and a trace without events', async () => {
    const comms = [`a"b'c`, '<b>&amp;', 'ünï – ∞', '-1 [000] x', '\\N,NULL'];
    const lines = comms.map(
      (comm, i) => `${comm.padStart(16)}-${100 + i}     [000] .....     1.00000${i}: kvm_mmu_set_accessed_bit: gpa ${i}`,
    );
    writeFileSync(out('odd.txt'), `# tracer: nop\n#\n${lines.join('\n')}\n`);
    assert.equal(shadowMmu('export', out('odd.txt'), '--to', out('odd.parquet'), '--text').status, 0);
    const rows = await ask(`select comm, pid, line, text from '${out('odd.parquet')}'`);
    assert.deepEqual(
      rows,
      comms.map((comm, i) => [comm, 100 + i, 3 + i, `gpa ${i}`]),
    );

    writeFileSync(out('empty.txt'), '# tracer: nop\n#\n');
    assert.equal(shadowMmu('export', out('empty.txt'), '--to', out('empty.parquet')).status, 0);
    assert.equal(await count(out('empty.parquet'), 'true'), 0);
  });

  it('lays tables out by kernel in a folder, and they are one', async () => {
    const names = ['k5.10-nonpae-small-all.dat', NONPAE, 'k6.1-nonpae-small-all.txt.zst', 'k7.2-nonpae-small-all.dat'];
    for (const name of names) assert.deepEqual(shadowMmu('export', recording(name), '--to', out('fleet/')).errors, []);
    const tables = out('fleet/*/*.parquet');
    const rows = await ask(
      `select kernel, file, count(*)::integer from read_parquet('${tables}', hive_partitioning = true) where kernel = '6.1' group by all order by file`,
    );
    assert.deepEqual(
      rows,
      [NONPAE, names[2]!].map((name) => ['6.1', recording(name), check(name).events]),
    );
    assert.deepEqual(readdirSync(out('fleet')).sort(), ['kernel=5.10', 'kernel=6.1', 'kernel=7.2']);

    // The trace of another folder may have the same name: nothing is overwritten that nobody named.
    const { status, errors } = shadowMmu('export', recording(NONPAE), '--to', out('fleet'));
    assert.equal(status, 2);
    assert.match(errors.join('\n'), /^shadow-mmu: .*kernel=6\.1.*\.parquet is there already: remove it, or .*$/);
    assert.deepEqual(readdirSync(out('fleet')).sort(), ['kernel=5.10', 'kernel=6.1', 'kernel=7.2']);
  });

  it('says what is wrong with a target in one line, and leaves nothing behind', () => {
    mkdirSync(out('a.folder'));
    writeFileSync(out('a.file'), '');
    const refused = (to: string[], message: RegExp): void => {
      const { status, stdout, errors } = shadowMmu('export', recording(NONPAE), ...to);
      assert.deepEqual([status, stdout, errors.length], [2, '', 1]);
      assert.match(errors[0]!, message);
    };
    refused([], /'export' needs --to/);
    refused(['--to', out('no/such/x.parquet')], /cannot write .*x\.parquet: there is no such folder/);
    refused(['--to', out('a.file/x.parquet')], /cannot write .*: a part of the path is a file/);
    refused(['--to', recording(NONPAE)], /is the trace itself: name another file/);
    refused(['--to', '/dev/null'], /is no regular file/);
    const { status, errors } = shadowMmu('export', 'README.md', '--to', out('readme.parquet'));
    assert.deepEqual([status, errors.length], [2, 1]);
    assert.ok(!readdirSync(folder).some((name) => name.startsWith('.') || name.includes('readme')));
    assert.equal(shadowMmu('export', recording(NONPAE), '--to', out('a.file')).status, 0, 'a file that was named is written anew');
  });

  it('explains every column', async () => {
    const { stdout } = shadowMmu('export', '--help');
    const said = stdout.split('\n').flatMap((line) => /^ {2}(\w+) +([A-Z[\]]+) +\S/.exec(line)?.slice(1) ?? []);
    assert.deepEqual(said, (await ask(`select column_name, column_type from (describe select * from '${table(NONPAE)}')`)).flat());
  });
});
