import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import {
  entryDetail,
  eventFrame,
  eventSentence,
  faultFrame,
  find,
  pageModel,
  stopDescription,
  argumentFields,
  cardText,
} from '../../src/debug/forms/index.js';
import { at } from '../query/world.js';
import { largePageHalf, mockup, pageDirectory, pageTable } from './mockup.js';

const STOP = at(300011);

describe('models of the SPTE layout', () => {
  const ctx = mockup();

  it('a half of a 4 MiB page', () => {
    const m = pageModel(ctx, largePageHalf, STOP);
    assert.equal(m.page.name, '2c00 L1 q0');
    assert.deepEqual(
      m.tags.map((t) => t.text),
      ['direct', 'w-x'],
    );
    assert.equal(m.maps, 'c2c00000–c2dfffff 4K each');
    assert.equal(m.role, '0x3391');
    assert.deepEqual(m.born, { event: 161528 });
    assert.deepEqual(m.parents, [{ page: { id: pageDirectory, name: '2cd2 L2 q3' }, index: 0x16, vcpu: 0 }]);
    assert.equal(m.quadrants?.caption, 'guest 4 MiB page gPDE 30b');
    assert.equal(m.quadrants?.note, '02c001e3 → 2 pages');
    assert.deepEqual(m.quadrants?.ranges, ['+0 MiB', '+2 MiB']);
    assert.deepEqual(
      m.quadrants?.boxes.map((b) => [b.address, b.counts]),
      [
        ['c2c00000', '480W 8P'],
        ['c2e00000', '1W'],
      ],
    );
    assert.deepEqual(m.changed, [0xed, 0x152]);
    assert.deepEqual(m.before, [
      [0xed, '16ceeda61'],
      [0x152, '16cf52e63'],
    ]);
    const entry = m.entries.find((e) => e.index === 0xed)!;
    assert.equal(entry.wide, 'Wx-d');
    assert.equal(entry.hover, '[0ed] c2ced000 W gfn 2ced → pfn 16ceed rwx- d, set by 300,019');
    assert.equal(Buffer.from(m.memory, 'base64').readBigUInt64LE(0xed * 8), 0x16ceede63n);
  });

  it('a root page directory', () => {
    const m = pageModel(ctx, pageDirectory, STOP);
    assert.deepEqual(
      m.tags.map((t) => t.text),
      ['4-byte', 'wux', 'root ×1'],
    );
    assert.deepEqual(m.rootOf, ['vCPU 0, PDPTE 3, CR3 gfn 2cd2']);
    assert.equal(m.quadrants?.caption, 'guest page directory 2cd2');
    assert.equal(m.quadrants?.note, '1024 × 4 B → 4 pages');
    assert.deepEqual(m.quadrants?.ranges, ['000–0ff', '100–1ff', '200–2ff', '300–3ff']);
    assert.deepEqual(
      m.quadrants?.boxes.map((b) => `${b.address} ${b.counts}`),
      ['00000000 empty', '40000000 empty', '80000000 empty', 'c0000000 10T 3W 5R'],
    );
    const wide = (index: number): string => m.entries.find((e) => e.index === index)!.wide;
    assert.deepEqual([0x008, 0x00e, 0x00f, 0x016, 0x017].map(wide), ['Rx-a', 'Tq0', 'Tq1', 'Td0', 'Td1']);
    assert.equal(m.entries.find((e) => e.index === 0x1ff)!.flags, '827');
  });

  it('a page table, unsync', () => {
    const m = pageModel(ctx, pageTable, null);
    assert.deepEqual(m.tags, [{ text: '4-byte' }, { text: 'wux' }, { text: 'unsync', warn: true }]);
    assert.equal(m.quadrants?.caption, 'guest page table 2ced');
    assert.deepEqual(
      m.quadrants?.boxes.map((b) => b.counts),
      ['empty', 'no page'],
    );
    assert.deepEqual(m.changed, []);
    assert.equal(m.previousStop, null);
  });

  it('an entry made writable', () => {
    const d = entryDetail(ctx, largePageHalf, 0xed as never, STOP);
    assert.equal(d.address, 'c2ced000');
    assert.equal(d.guestEntry, 'gPDE 30b + 0ed pages');
    assert.deepEqual(
      d.rows.map((r) => [r.label, r.text]),
      [
        ['Maps', 'gfn 2ced → pfn 16ceed'],
        ['Rights', 'rwx- NX 0, dirty'],
        ['Write', 'writable\nhost-W 1  MMU-W 1  W 1'],
        ['Changed', '16ceeda61 → 16ceede63 +mw +W'],
      ],
    );
    assert.deepEqual(d.setBy, { at: { event: 300019, line: 300032 }, name: 'kvm_mmu_set_spte', vcpu: 'vCPU 0', grade: 'recorded' });
    assert.deepEqual(
      d.history.map((h) => [h.at.event, h.value, h.what]),
      [
        [300019, '16ceede63', 'made writable'],
        [299928, '16ceeda61', 'W, mw cleared'],
        [299912, '16ceede63', 'set, writable'],
      ],
    );
    assert.equal(
      d.text,
      '2c00 L1 q0 [0ed] c2ced000  16ceede63  W rwx- ad- hm  gfn 2ced -> pfn 16ceed\n' +
        '  set by event 300019 (line 300032, 34.466762) kvm_mmu_set_spte, vCPU 0; was 16ceeda61',
    );
    assert.deepEqual(
      d.bits.filter((b) => b.short).map((b) => `${b.bits}${b.short}${b.value}${b.changed ? '*' : ''}`),
      ['11mp1', '10mw1*', '9hw1', '8G0', '7PS0', '6D1', '5A1', '4CD0', '3WT0', '2U0', '1W1*', '0P1'],
    );
    assert.equal(d.bits.find((b) => b.bits === '10')!.meaning, 'was 0, MMU may set W');
    assert.equal(d.bits.find((b) => b.bits === '51:12')!.value, '16ceed');
  });

  it('a table, and one whose frame is not known', () => {
    const d = entryDetail(ctx, pageDirectory, 0x16 as never, STOP);
    assert.equal(d.guestEntry, 'gPDE 30b');
    assert.deepEqual(
      d.rows.map((r) => [r.label, r.text]),
      [
        ['Table', '2c00 L1 q0 at frame 1694a8'],
        ['Rights', 'maximal; the leaves restrict'],
      ],
    );
    assert.equal(d.setBy?.name, 'linked, after get_page');
    const unknown = entryDetail(ctx, pageDirectory, 0x1ff as never, STOP);
    assert.equal(unknown.bits.find((b) => b.bits === '51:12')!.value, '?');
    assert.equal(unknown.bits.find((b) => b.bits === '0')!.value, '1');
  });

  it('an empty entry', () => {
    const d = entryDetail(ctx, largePageHalf, 0xb0 as never, STOP);
    assert.equal(d.entry, null);
    assert.deepEqual(d.rows, [{ label: '', text: 'Empty. A fault here makes KVM walk the guest tables.' }]);
    assert.deepEqual(d.bits, []);
  });

  it('finds by address, frame and name', () => {
    const hit = (query: string): [string, number | undefined][] => find(ctx, query).hits.map((h) => [h.page.name, h.index]);
    assert.deepEqual(hit('c2ced4c0'), [['2c00 L1 q0', 0xed]]);
    assert.deepEqual(hit('0xC2CED4C0'), [['2c00 L1 q0', 0xed]]);
    assert.deepEqual(hit('gfn 2ced'), [
      ['2ced L1 q0', undefined],
      ['2c00 L1 q0', 0xed],
    ]);
    assert.deepEqual(hit('pfn 16ceed'), [['2c00 L1 q0', 0xed]]);
    assert.deepEqual(hit('pfn 16bc05'), [['2cd2 L2 q3', 0x008]]);
    assert.deepEqual(hit('2c00 L1 q0 [0ed]'), [['2c00 L1 q0', 0xed]]);
    assert.equal(find(ctx, 'gfn 777').message, 'Nothing maps or shadows gfn 777 here.');
    assert.match(find(ctx, 'what?').message!, /^Write a guest address/);
  });
});

describe('events in words', () => {
  const ctx = mockup();
  /** the state one event earlier, where the entry was still write-protected */
  const before = mockup();
  before.world.set(largePageHalf, 0xed, { kind: 'P', value: 0x16ceeda61n, gfn: 0x2ced as never, setBy: at(299928), grade: 'derived' });
  const sentence = (event: number): string => eventSentence(ctx, before, at(event));

  it('sentences of ui.md', () => {
    assert.equal(sentence(299928), 'Allocates (new) the shadow page for guest page table 2ced, half 0 (08000000–081fffff).');
    assert.equal(sentence(300019), 'Maps gfn 2ced at c2ced000, writable again; it was write-protected since 299,928.');
    assert.equal(sentence(300042), 'Maps gfn 1f17, read-only, prefetched with 7 neighbours; A=0 until used.');
    assert.equal(sentence(300036), 'Guest walk for a user fetch of 81313ae; ends in 300,045 (8 SPTEs set).');
    assert.equal(sentence(300018), 'From here the guest may write table 2ced freely; KVM re-reads it at the next sync.');
  });

  it('guest entries as a walk read them', () => {
    assert.equal(sentence(161527), 'Guest entry 2c001e3 at level 2: rwx- ads g  gfn 2c00 4M.');
  });

  it('what a fault comes to', () => {
    ctx.world.events[300046] = { name: 'kvm_mmu_walker_error', args: { pferr: 0x14 }, pid: 100 };
    assert.equal(eventSentence(ctx, before, at(300046)), 'Not mapped by the guest: #PF injected (user fetch).');
    ctx.world.events.length = 300046;
  });

  it('a zap takes its SPTEs and parent links along', () => {
    const now = mockup();
    now.world.events[300046] = { name: 'kvm_mmu_prepare_zap_page', args: { gfn: 0x2c00 }, page: largePageHalf, pid: 100 };
    now.world.pages.set(largePageHalf, { ...now.world.page(largePageHalf), live: false });
    assert.equal(eventSentence(now, mockup(), at(300046)), 'Removes 2c00 L1 q0; its 488 SPTEs and 1 parent link go with it.');
  });

  it('frames and stops', () => {
    const { table } = ctx.replay;
    assert.equal(eventFrame(table, at(300019)), 'kvm_mmu_set_spte gfn 2ced');
    assert.equal(eventFrame(table, at(300036)), 'kvm_mmu_pagetable_walk addr 81313ae');
    assert.equal(faultFrame({ address: 0x81313aen, error: 0x14 }), 'fault 81313ae U|F');
    const page = ctx.cursor.page(largePageHalf);
    assert.equal(stopDescription({ type: 'exception', kind: 'quadrant-mismatch' }), 'exception: quadrant mismatch');
    assert.equal(stopDescription({ type: 'spte', page, index: 0xed }), 'SPTE 2c00 L1 q0 [0ed] changed');
    assert.equal(stopDescription({ type: 'zap', page }), 'zap of 2c00 L1 q0');
    assert.equal(stopDescription({ type: 'event', event: at(300045) }), 'event 300,045');
    assert.equal(stopDescription({ type: 'event', event: at(300045) }, true), 'event 300,045 (reverse)');
  });

  it('fields raw, then decoded', () => {
    const rows = Object.fromEntries(argumentFields(ctx, at(300019)).map((f) => [f.name, f.text]));
    assert.equal(rows['gfn'], '11501 = 0x2ced');
    assert.equal(rows['spte'], '6122561123 = 0x16ceede63  rwx- ad- hm  pfn 16ceed');
    assert.equal(rows['sptep'], '6061459304 = 0x1694a8768  2c00 L1 q0 [0ed]');
    assert.equal(rows['level'], '1');
  });

  it('cards line up', () => {
    assert.equal(
      cardText([
        ['quadrant-mismatch', 'kvm_mmu_get_page recorded quadrant 1, derived quadrant 0'],
        ['recorded', 'gfn 2ced L1 q1 4-byte wux   role 0x3731'],
        ['derived', 'gfn 2ced L1 q0 4-byte wux   role 0x3711'],
        ['because', 'parent 2cd2 L2 q0, SPTE index 040 is even; bit 21 of 08049b00 is 0'],
        ['rule', 'kvm_mmu_child_role: 4-byte gPTEs, level 1: quadrant = SPTE index & 1'],
        ['effect', 'the page would shadow gPTEs 200-3ff where the guest walks 000-1ff'],
        ['state', 'recorded role kept, page marked !='],
      ]),
      [
        'quadrant-mismatch   kvm_mmu_get_page recorded quadrant 1, derived quadrant 0',
        'recorded  gfn 2ced L1 q1 4-byte wux   role 0x3731',
        'derived   gfn 2ced L1 q0 4-byte wux   role 0x3711',
        'because   parent 2cd2 L2 q0, SPTE index 040 is even; bit 21 of 08049b00 is 0',
        'rule      kvm_mmu_child_role: 4-byte gPTEs, level 1: quadrant = SPTE index & 1',
        'effect    the page would shadow gPTEs 200-3ff where the guest walks 000-1ff',
        'state     recorded role kept, page marked !=',
      ].join('\n'),
    );
  });
});
