import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { requiredText } from '../../src/debug/search/required.js';
import { LineFilter } from '../../src/debug/search/lineFilter.js';
import type { Requests } from '../../src/protocol.js';
import type { EventTable } from '../../src/trace/table.js';
import { Driver } from './driver.js';
import { eventsOf, plain, recording } from './recordings.js';

type Arguments = Requests['shadowMmu/search']['args'];
type Answer = Requests['shadowMmu/search']['body'];

/** Every form of a line that there is: binary and text, all clocks and columns, three kernels, messages kept as bytes. */
const RECORDINGS = [
  'k5.10-nonpae-small-all.dat',
  'k5.10-nonpae-small-all.txt.zst',
  'k6.1-fmt-clock-x86-tsc.txt.zst',
  'k6.1-fmt-latency-format.txt.zst',
  'k6.1-fmt-nocontext-info.txt.zst',
  'k6.1-fmt-nohash-ptr.txt.zst',
  'k6.1-fmt-noirq-info.txt.zst',
  'k6.1-fmt-record-tgid.txt.zst',
  'k6.1-three-vms-all.dat',
  'k6.1-npt-tdpmmuY-nonpae-all.txt.zst',
  'k7.2-nonpae-small-all.dat',
  'k7.2-nonpae-small-all.txt.zst',
];

describe('what a line can be', () => {
  for (const name of RECORDINGS)
    it(`is never thought too little of: ${name}`, async () => {
      const table = await eventsOf(recording(name));
      // A few pieces of lines all over the trace, asked of their own lines.
      for (let e = 0, n = 1; e < table.length; e += 1 + Math.floor(table.length / 400), n++) {
        const line = table.lineText(e);
        const from = (n * 7919) % line.length;
        const text = line.slice(from, from + 1 + ((n * 31) % 40));
        assert.ok(new LineFilter(table, text, true).mayHave(e), `'${text}' in '${line}'`);
        assert.ok(new LineFilter(table, text.toLowerCase(), false).mayHave(e), `'${text}' in '${line}'`);
      }
    });

  it('excludes the events of other names', async () => {
    for (const name of ['k6.1-three-vms-all.dat', 'k6.1-three-vms-all.txt.zst']) {
      const table = await eventsOf(recording(name));
      const filter = new LineFilter(table, 'kvm_mmu_prepare_zap_page', false);
      const possible = Array.from({ length: table.length }, (_, e) => e).filter((e) => filter.mayHave(e));
      // What is kept as text, or printed by a function of the kernel, could be anything.
      const names = new Set(possible.map((e) => table.name(e)).filter((each) => each.startsWith('kvm_mmu')));
      assert.deepEqual([...names], ['kvm_mmu_prepare_zap_page'], name);
    }
  });

  it('follows from what every match of an expression has in it', () => {
    const texts: [string, string][] = [
      ['kvm_mmu_(set|get)_.*', ''],
      ['spte [0-9a-f]+ \\(rwx', 'spte '],
      ['gfn 10?2', 'gfn 1'],
      ['a{2}bc*d', 'b'],
      ['prepare_zap+ed', 'prepare_zap'],
      ['(optional)?zap', 'zap'],
      ['\\bgfn\\s+102\\b', 'gfn'],
      ['\\(-\\)', '(-)'],
      ['^ *kvm', 'kvm'],
      ['[^]kvm[\\]x]y', 'kvm'],
      ['\\x6bvm', ''],
      ['kvm(?=exit)', ''],
    ];
    for (const [source, required] of texts) assert.equal(requiredText(source), required, source);
  });
});

for (const what of ['a trace.dat', 'a compressed text', 'a text in windows'])
  describe(`finding in ${what}`, () => {
    let driver: Driver;
    let table: EventTable;
    before(async () => {
      const file =
        what === 'a trace.dat'
          ? recording('k6.1-three-vms-all.dat')
          : what === 'a compressed text'
            ? recording('k6.1-three-vms-all.txt.zst')
            : await plain('k6.1-three-vms-all.txt.zst', 'searched.txt');
      table = await eventsOf(file);
      driver = await Driver.loaded(file, { largeText: 1000 });
    });
    after(() => driver.close());

    const search = (args: Arguments): Promise<Answer> => driver.client.request('shadowMmu/search', args);
    const lines = (): string[] => Array.from({ length: table.length }, (_, e) => table.lineText(e));
    /** All pages of a search, one after the other. */
    const all = async (args: Omit<Arguments, 'from'>): Promise<{ events: number[]; found: number }> => {
      const events: number[] = [];
      let found = 0;
      for (let from: number | null = args.direction === -1 ? table.length - 1 : 0; from !== null;) {
        const answer: Answer = await search({ ...args, from });
        events.push(...answer.hits.map(({ event }) => event));
        found += answer.found;
        from = answer.next;
      }
      return { events, found };
    };
    const where = (test: (line: string, e: number) => boolean): number[] => lines().flatMap((line, e) => (test(line, e) ? [e] : []));

    it('a text finds the lines that have it, whatever the case', async () => {
      const expected = where((line) => line.includes('gfn 102 '));
      assert.ok(expected.length > 3);
      assert.deepEqual((await all({ text: 'GFN 102 ', as: 'text', limit: 7 })).events, expected);
      assert.deepEqual((await all({ text: 'GFN 102 ', as: 'text', matchCase: true })).events, []);
      assert.deepEqual((await all({ text: 'gfn 102 ', as: 'text', matchCase: true, direction: -1 })).events, expected.reverse());
    });

    it('a text over the whole line, the time and the task too', async () => {
      const line = table.lineText(12_345);
      const text = line.slice(line.indexOf('-') - 3, line.indexOf(': kvm') + 6);
      assert.deepEqual(
        (await all({ text, as: 'text' })).events,
        where((each) => each.includes(text)),
      );
    });

    it('a regular expression, with the place of its match', async () => {
      const regex = /set_spte: gfn [0-9a-f]+ spte 0 /;
      const expected = where((line) => regex.test(line));
      const { hits } = await search({ text: regex.source, as: 'regex', from: 0, limit: 3 });
      assert.deepEqual(
        hits.map(({ event }) => event),
        expected.slice(0, 3),
      );
      for (const { text, match } of hits) assert.match(text.slice(match![0], match![0] + match![1]), /^set_spte: gfn [0-9a-f]+ spte 0 $/);
      await assert.rejects(search({ text: '(', as: 'regex', from: 0 }), /Invalid regular expression/);
    });

    it('a condition', async () => {
      const expected = where((line) => / kvm_mmu_get_page: .* l1 .* new$/.test(line) && / gfn 102 /.test(line));
      const found = await all({ text: 'event.name == "kvm_mmu_get_page" && gfn == 0x102 && role.level == 1 && created', as: 'condition' });
      assert.deepEqual(found.events, expected);
      await assert.rejects(search({ text: 'quadrent == 1', as: 'condition', from: 0 }), /did you mean role\.quadrant\?/);
      await assert.rejects(search({ text: ' ', as: 'text', from: 0 }), /nothing to find/);
    });

    it('counts what it does not list', async () => {
      const { events, found } = await all({ text: 'kvm_exit', as: 'text', limit: 2, count: true });
      assert.equal(found, where((line) => /kvm_exit/i.test(line)).length);
      assert.ok(events.length < found);
    });

    it('begins anywhere and goes either way', async () => {
      const zaps = where((line) => line.includes('kvm_mmu_prepare_zap_page'));
      const middle = zaps[Math.floor(zaps.length / 2)]!;
      const query = { text: 'kvm_mmu_prepare_zap_page', as: 'text', limit: 1 } as const;
      assert.equal((await search({ ...query, from: middle })).hits[0]!.event, middle);
      const next = await search({ ...query, from: middle + 1 });
      assert.deepEqual([next.hits[0]!.event, next.next], [zaps[zaps.indexOf(middle) + 1], next.hits[0]!.event + 1]);
      const previous = await search({ ...query, from: middle - 1, direction: -1 });
      assert.equal(previous.hits[0]!.event, zaps[zaps.indexOf(middle) - 1]);
      const { hits, next: none } = await search({ ...query, from: zaps.at(-1)! + 1 });
      assert.deepEqual([hits, none], [[], null]);
    });
  });

describe('finding while a trace is loaded', () => {
  it('looks at what is there, says so, and goes on', async () => {
    const file = await plain('k6.1-three-vms-all.txt.zst', 'growing.txt', (lines) => {
      const once = [...lines];
      for (let n = 0; n < 4; n++) for (const line of once) lines.push(line);
    });
    const driver = await Driver.start(file);
    const first = await driver.client.request<Answer>('shadowMmu/search', {
      text: 'kvm_mmu_zap_all_fast',
      as: 'text',
      from: 0,
      count: true,
    });
    assert.ok(!first.complete && first.next !== null && first.next <= first.events);
    let { found, events } = first;
    for (let next: number | null = first.next; next !== null;) {
      const answer: Answer = await driver.client.request('shadowMmu/search', {
        text: 'kvm_mmu_zap_all_fast',
        as: 'text',
        from: next,
        count: true,
      });
      found += answer.found;
      ({ next, events } = answer);
    }
    const table = await eventsOf(file);
    assert.equal(events, table.length);
    assert.equal(found, Array.from({ length: table.length }, (_, e) => table.name(e)).filter((n) => n === 'kvm_mmu_zap_all_fast').length);
    driver.close();
  });

  it('is withdrawn like any request', async () => {
    const file = await plain('k6.1-three-vms-all.txt.zst', 'cancelled.txt');
    const driver = await Driver.loaded(file);
    const here = await driver.index();
    const seq = driver.client.send('shadowMmu/search', { text: 'x.*y.*z.*never', as: 'regex', from: 0 });
    await driver.client.request('cancel', { requestId: seq });
    assert.equal(await driver.index(), here);
    driver.close();
  });
});
