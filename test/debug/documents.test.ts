import assert from 'node:assert/strict';
import { readFileSync, truncateSync } from 'node:fs';
import { after, before, describe, it } from 'mocha';
import type { DebugProtocol as P } from '@vscode/debugprotocol';
import type { EventCard, WindowRef } from '../../src/protocol.js';
import type { EventTable } from '../../src/trace/table.js';
import { Driver } from './driver.js';
import { eventsOf, plain, recording } from './recordings.js';

/** Events in a window. */
const WINDOW = 10_000;

/** Lines that are no events: between windows and inside them. */
function withOtherLines(lines: string[]): void {
  const prefix = (at: number): string => lines[at]!.slice(0, /: (?=\w+: )/.exec(lines[at]!)!.index + 2);
  lines.splice(20_000, 0, `${prefix(19_999)}<stack trace>`, ' => mmu_set_spte', ' => kvm_mmu_page_fault');
  lines.splice(12_345, 0, '##### CPU 1 buffer started ####', '# a comment with <b>HTML</b> in it');
  lines[10_000] += '\r'; // as an editor on Windows would leave it
}

interface Kind {
  readonly what: string;
  readonly file: () => Promise<string> | string;
  /** bytes from which on a text is large */
  readonly largeText?: number;
  /** the document's lines are the file's own */
  readonly own?: boolean;
}

const KINDS: readonly Kind[] = [
  { what: 'a trace.dat', file: () => recording('k6.1-three-vms-all.dat') },
  { what: 'a compressed text', file: () => recording('k6.1-three-vms-all.txt.zst') },
  {
    what: 'a text that is too long for an editor',
    file: () => plain('k6.1-three-vms-all.txt.zst', 'long windows.txt', withOtherLines),
    largeText: 1_000_000,
    own: true,
  },
];

for (const { what, file, largeText, own } of KINDS)
  describe(`the windows of ${what}`, () => {
    let driver: Driver;
    let table: EventTable;
    let path: string;
    before(async () => {
      path = await file();
      table = await eventsOf(path);
      driver = await Driver.loaded(path, largeText === undefined ? {} : { largeText });
    });
    after(() => driver.close());

    const sources = async (): Promise<P.Source[]> =>
      (await driver.client.request<P.LoadedSourcesResponse['body']>('loadedSources')).sources;
    const content = async (source: P.Source): Promise<string[]> => {
      const args = { source, sourceReference: source.sourceReference };
      const text = (await driver.client.request<P.SourceResponse['body']>('source', args)).content;
      assert.ok(text.endsWith('\n'));
      return text.slice(0, -1).split('\n');
    };
    const window = (event: number): Promise<WindowRef> => driver.client.request('shadowMmu/window', { event });

    it('hold every event on a line of its own, as the trace has it', async () => {
      const documents = await sources();
      assert.equal(documents.length, Math.ceil(table.length / WINDOW));
      let e = 0;
      for (const source of documents) {
        const lines = await content(source);
        for (; e < table.length && Math.floor(e / WINDOW) + 1 === source.sourceReference; e++) {
          const { line, sourceReference } = e % 997 === 0 || e % WINDOW < 2 ? await window(e) : { line: -1, sourceReference: -1 };
          if (line < 0) continue;
          assert.equal(sourceReference, source.sourceReference);
          assert.equal(lines[line - 1], table.lineText(e), `event ${e}`);
        }
      }
      assert.equal(e, table.length);
    });

    if (own)
      it('are, one after the other, the file', async () => {
        const lines = [];
        for (const source of await sources()) lines.push(...(await content(source)));
        assert.deepEqual(lines, readFileSync(path, 'utf8').trimEnd().split(/\r?\n/));
      });

    it('have names that say which events they hold, and neighbours', async () => {
      const second = await window(10_123);
      assert.match(second.name, / events 10,000–19,999$/);
      assert.deepEqual([second.first, second.last, second.events], [10_000, 19_999, table.length]);
      assert.deepEqual(await driver.client.request('shadowMmu/window', { sourceReference: 2 }), {
        ...second,
        line: (await window(10_000)).line,
      });
      const last = await window(table.length - 1);
      assert.equal(last.last, table.length - 1);
      await assert.rejects(driver.client.request('shadowMmu/window', { sourceReference: last.sourceReference + 1 }), /no document/);
    });

    it('take breakpoints, which know a window of another session by its name', async () => {
      const { name, sourceReference, line } = await window(10_123);
      const source = { name, path: name, sourceReference };
      const set = (breakpoints: P.SourceBreakpoint[]): Promise<P.SetBreakpointsResponse['body']> =>
        driver.client.request('setBreakpoints', { source, breakpoints });
      const { breakpoints } = await set([{ line }, { line: line + 1 }, { line: line + 2 }, { line: 1_000_000 }]);
      const there = breakpoints.filter(({ verified }) => verified);
      assert.ok(there.length > 0, JSON.stringify(breakpoints));
      assert.match(breakpoints[3]!.message!, /no event on this line/);
      const stop = await driver.go('continue');
      assert.deepEqual(stop.hitBreakpointIds, [there[0]!.id]);
      const [frame] = await driver.frames();
      assert.equal(frame!.source!.name, name);
      assert.equal(frame!.line, there[0]!.line);
      await set([]);
      const foreign = { ...source, name: name.replace(/ events/, '.old events') };
      const { breakpoints: elsewhere } = await driver.client.request<P.SetBreakpointsResponse['body']>('setBreakpoints', {
        source: foreign,
        breakpoints: [{ line }],
      });
      assert.match(elsewhere[0]!.message!, /not part of the trace/);
    });

    it('say where breakpoints can be, decode the lines, and are travelled to', async () => {
      const { name, sourceReference, line } = await window(12_345);
      const source = { name, sourceReference };
      const locations = await driver.client.request<P.BreakpointLocationsResponse['body']>('breakpointLocations', {
        source,
        line: line - 2,
        endLine: line,
      });
      // In the file, two lines before this one are no events.
      assert.deepEqual(
        locations.breakpoints.map((b) => b.line),
        own ? [line] : [line - 2, line - 1, line],
      );
      const card = await driver.client.request<EventCard>('shadowMmu/event', { sourceReference, line });
      assert.equal(card.at.event, 12_345);
      assert.equal(card.line, table.lineText(12_345));
      assert.equal((await driver.client.request('shadowMmu/event', { sourceReference, line: line - 1 })) === null, own === true);
      const { targets } = await driver.client.request<P.GotoTargetsResponse['body']>('gotoTargets', { source, line: line - 1 });
      assert.equal(targets[0]!.line, own ? line : line - 1);
      await driver.client.untilStopped('goto', { threadId: driver.thread(), targetId: targets[0]!.id });
      assert.equal(await driver.index(), own ? 12_345 : 12_344);
      await driver.client.untilStopped('shadowMmu/goTo', { to: '20000' });
      const [frame] = await driver.frames();
      assert.equal(frame!.source!.sourceReference, 3);
      assert.equal(frame!.line, (await window(20_000)).line);
    });

    if (own)
      it('are not in the way of the file itself, where somebody opens it all the same', async () => {
        const source = { path };
        const line = table.line(12_345)!;
        const card = await driver.client.request<EventCard>('shadowMmu/event', { source: path, line });
        assert.equal(card.at.event, 12_345);
        const args = { source, breakpoints: [{ line: table.line(0)! }] };
        const { breakpoints } = await driver.client.request<P.SetBreakpointsResponse['body']>('setBreakpoints', args);
        assert.deepEqual([breakpoints[0]!.line, breakpoints[0]!.source?.path], [table.line(0), path]);
      });
  });

describe('a text trace', () => {
  it('is its own document up to the size that editors share with extensions', async () => {
    const file = await plain('k6.1-nonpae-small-all.txt.zst', 'short.txt');
    const driver = await Driver.loaded(file);
    const { sources } = await driver.client.request<P.LoadedSourcesResponse['body']>('loadedSources');
    assert.deepEqual(sources, [{ name: 'short.txt', path: file }]);
    assert.equal((await driver.client.request<WindowRef>('shadowMmu/window', { event: 5 })).sourceReference, 0);
    driver.close();
  });

  it('that is shorter than it was says so, where its lines are asked for', async () => {
    const file = await plain('k6.1-three-vms-all.txt.zst', 'shrinking.txt');
    const driver = await Driver.loaded(file, { largeText: 1000 });
    truncateSync(file, 100_000);
    await assert.rejects(
      driver.client.request('source', { sourceReference: 2 }),
      /shrinking\.txt: has no line \d+ any more.*debug it again/,
    );
    driver.close();
  });

  it('serves a window as a whole, though it is still being loaded', async () => {
    const file = await plain('k6.1-three-vms-all.txt.zst', 'loading.txt');
    const driver = await Driver.start(file, { largeText: 1000 });
    const { content } = await driver.client.request<P.SourceResponse['body']>('source', { sourceReference: 1 });
    assert.equal(content.trimEnd().split('\n').length, 2 + WINDOW);
    driver.close();
  });
});
