import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import type { Replay } from '../../src/replay/replay.js';
import { event, linesOf, replayed, replayedLines } from './recordings.js';

const LINE = /^ *(?<comm>\S+)-(?<pid>\d+) +(?<cpu>\[\d+\] \S+) +(?<seconds>\d+)\.(?<micros>\d+)(?<rest>: .*)$/;
/** The second VM begins so much later than the first, in microseconds: while that runs its guest. */
const LATER = 30_000;
const STOPS = 20;

/** A line of a trace of two VMs. */
interface Line {
  readonly of: 0 | 1;
  readonly pid: number;
  readonly time: number;
  readonly text: string;
}

/** The lines of a recording as another process's, which began at another time (in microseconds). */
function linesAt(of: 0 | 1, lines: readonly string[], pid: number, begin: number): Line[] {
  const parsed = lines.map((line) => LINE.exec(line)!.groups as Record<'comm' | 'pid' | 'cpu' | 'seconds' | 'micros' | 'rest', string>);
  const times = parsed.map(({ seconds, micros }) => Number(seconds) * 1_000_000 + Number(micros));
  return parsed.map(({ comm, cpu, rest }, i) => {
    const time = begin + times[i]! - times[0]!;
    const text = `${comm.padStart(16)}-${String(pid).padEnd(7)} ${cpu} ${Math.floor(time / 1_000_000)}.${String(time % 1_000_000).padStart(6, '0')}${rest}`;
    return { of, pid, time, text };
  });
}

/** All that is known of a VM's pages after an event, but for numbers that count over all VMs. */
function stateOf(replay: Replay, vm: number, at: number): unknown {
  const cursor = replay.cursor();
  cursor.seek(event(at));
  return cursor.livePages(vm).map((id) => {
    const { gfn, role, rootCount, unsync, invalid, gen, frame } = cursor.page(id);
    const entries = cursor.entries(id).map(({ index, state, value, grade, doubt, child }) => {
      return [index, state, value, grade, doubt?.what, doubt?.why, child && cursor.page(child).gfn];
    });
    return { gfn, role, rootCount, unsync, invalid, gen, frame, entries };
  });
}

describe('two VMs in a trace', function () {
  this.timeout(60_000);
  let tour: string[];
  before(async () => {
    tour = linesOf(await replayed('k6.1-nonpae-small-all.txt.zst'));
  });

  async function bothAsAlone(first: readonly string[], second: readonly string[]): Promise<void> {
    const lines = [...linesAt(0, first, 470, 7_000_000), ...linesAt(1, second, 9470, 7_000_000 + LATER)].sort((a, b) => a.time - b.time);
    const merged = await replayedLines(lines.map(({ text }) => text));
    assert.deepEqual(
      merged.vms.map(({ pids }) => pids),
      [[470], [9470]],
    );
    assert.deepEqual(merged.findings, []);
    for (const vm of [0, 1]) {
      const its = lines.flatMap((line, at) => (line.of === vm ? [at] : []));
      const alone = await replayedLines(its.map((at) => lines[at]!.text));
      for (let stop = 1; stop <= STOPS; stop++) {
        const at = Math.floor((its.length * stop) / STOPS) - 1;
        assert.deepEqual(stateOf(merged, vm, its[at]!), stateOf(alone, 0, at), `VM ${vm}, its event ${at}`);
      }
    }
  }

  it('are each what they are alone: twice the same guest', () => bothAsAlone(tour, tour));

  it('are each what they are alone: one beside a guest with nested paging', async () => {
    const nested = linesOf(await replayed('k6.1-npt-tdpmmuY-nonpae-all.txt.zst'));
    await bothAsAlone(tour, nested);
  });

  it('are each what they are alone: one process makes one after the other', async () => {
    const again = await replayedLines([...tour, ...tour]);
    assert.deepEqual(
      again.vms.map(({ vcpus, pids }) => [vcpus.map(({ vm, vcpu }) => [vm, vcpu]), pids]),
      [0, 1].map((vm) => [[[vm, 0]], again.vms[0]!.pids]),
    );
    assert.deepEqual(again.findings, []);
    const alone = await replayedLines(tour);
    for (let stop = 1; stop <= STOPS; stop++) {
      const at = Math.floor((tour.length * stop) / STOPS) - 1;
      for (const vm of [0, 1]) {
        assert.deepEqual(stateOf(again, vm, at + vm * tour.length), stateOf(alone, 0, at), `VM ${vm}, its event ${at}`);
        assert.equal(again.vmOf(event(at + vm * tour.length)), alone.vmOf(event(at)) === undefined && vm === 0 ? undefined : vm);
      }
    }
  });
});
