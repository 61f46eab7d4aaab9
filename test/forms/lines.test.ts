import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import {
  address,
  addressRange,
  count,
  errorFlags,
  accessWords,
  guestRights,
  mapsText,
  pageLine,
  pageName,
  parentsText,
  presentInBlock,
  kindedEntries,
  roleFormOf,
  roleLine,
  roleRows,
  roleWordText,
  rootText,
  shadowRights,
  size,
  spanOf,
  spteLine,
} from '../../src/debug/forms/index.js';
import { LAYOUT_5_1, LAYOUT_7 } from '../../src/engine/roleLayout.js';
import { EPT, PT64, PT64_5_10 } from '../../src/engine/spte.js';
import { makeRole } from '../query/world.js';
import { largePageHalf, mockup, pageDirectory, unknownChild } from './mockup.js';

/** The forms of ui.md, letter for letter. The numbers are those of its one recording. */
describe('text forms', () => {
  const ctx = mockup();
  const line = (page: number, index: number): string =>
    spteLine(ctx, ctx.cursor.page(page as never), ctx.cursor.entry(page as never, index as never));

  it('pages', () => {
    const pd = ctx.cursor.page(pageDirectory);
    assert.equal(pageName(pd), '2cd2 L2 q3');
    assert.equal(pageLine(ctx, pd), '2cd2 L2 q3  4-byte wux root×1 sync gen 0 · 18 of 512: 10T 3W 5R');
    assert.equal(mapsText(ctx, pd), 'c0000000–ffffffff, 2M each');
    assert.equal(parentsText(ctx, pd), 'none (root slot 3 of vCPU 0)');
    assert.equal(presentInBlock(kindedEntries(ctx, pageDirectory).filter(({ entry }) => entry.index < 0x40)), '14: 6T 3W 5R');
    const half = ctx.cursor.page(largePageHalf);
    assert.equal(pageLine(ctx, half), '2c00 L1 q0  direct w-x sync gen 0 · 488 of 512: 480W 8P');
    assert.equal(parentsText(ctx, half), '2cd2 L2 q3 [016]');
    assert.equal(rootText(ctx, ctx.cursor.roots(0)[0]!.pages), 'CR3 gfn 2cd2, PAE, 4 × L2');
    assert.equal(
      pageLine(ctx, { ...half, unsync: true, unsyncSince: 300018 as never }),
      '2c00 L1 q0  direct w-x unsync since 300,018 gen 0 · 488 of 512: 480W 8P',
    );
    assert.equal(
      pageLine(ctx, { ...pd, derivedQuadrant: 0, invalid: true }, []),
      '2cd2 L2 q3 != derived q0  4-byte wux invalid root×1 sync gen 0 · 0 of 512',
    );
  });

  it('SPTEs', () => {
    assert.equal(line(pageDirectory, 0x008), 'R r-x- a-- h-  gfn 1000 → pfn 16bc00 2M · 16bc00aa1');
    assert.equal(line(pageDirectory, 0x016), 'T → 2c00 L1 q0 direct w-x · 488 of 512: 480W 8P · 1694a8827 ~');
    assert.equal(line(pageDirectory, 0x1ff), 'T → 1e73 L1 q1 · ?827');
    assert.equal(line(pageDirectory, 0x000), '· 0');
    assert.equal(line(unknownChild, 0x005), 'M rw gfn fee00 gen 12 · 80000fee00097');
    assert.equal(line(largePageHalf, 0x0ed), 'W rwx- ad- hm  gfn 2ced → pfn 16ceed · 16ceede63');
    assert.equal(line(largePageHalf, 0x152), 'P r-x- ad- h-  gfn 2d52 → pfn 16cf52 · 16cf52a61 ~');
  });

  it('roles', () => {
    const form = roleFormOf(ctx, ctx.cursor.page(pageDirectory));
    assert.equal(roleLine(form), '0x3772  level 2, 4-byte, q3, wux, efer_nx, cr0_wp');
    const half = roleFormOf(ctx, ctx.cursor.page(largePageHalf));
    assert.equal(roleWordText(half), '0x3391');
    assert.equal(roleLine(half), '0x3391  level 1, 4-byte, q0, direct, w-x, efer_nx, cr0_wp');
    const rows = roleRows(half);
    assert.ok(rows.some(([name, value]) => name === 'quadrant' && value === '0'));
    assert.ok(rows.some(([name, value]) => name === 'access' && value === 'w-x (3)'));
    assert.ok(rows.some(([name, value]) => name === 'cr0_wp' && value === '1'));
  });

  it('roles that a text trace prints a part of', () => {
    // what a text trace gives: fields that are not printed are 0
    const role = makeRole({ level: 1, has4ByteGpte: 1, direct: 1, access: 11, efer_nx: 1 });
    const form = { ...roleFormOf(ctx, ctx.cursor.page(largePageHalf)), role, exact: false };
    assert.equal(roleWordText(form), '0x1391 ?cr0_wp ?smep ?smap ?guest_mode ?smm');
    assert.deepEqual(
      roleRows(form).find(([name]) => name === 'cr0_wp'),
      ['cr0_wp', '?'],
    );
    assert.equal(roleWordText({ ...form, layout: LAYOUT_7 }), '0x2b91 ?cr0_wp ?smap ?smep ?guest_mode ?smm');
  });

  it('roles carry the names of their kernel', () => {
    const role = makeRole({ level: 2, has4ByteGpte: 1, quadrant: 1, access: 15, efer_nx: 1, cr0_wp: 1 });
    assert.equal(roleWordText({ role, layout: LAYOUT_5_1, exact: true }), '0x3722');
    assert.equal(roleWordText({ role, layout: LAYOUT_7, exact: true }), '0x6f32');
    assert.match(roleLine({ role, layout: LAYOUT_7, exact: true }), /level 2, 4-byte, q1, rwux, efer_nx, cr0_wp/);
    assert.deepEqual(
      roleRows({ role, layout: LAYOUT_5_1, exact: true }).find(([name]) => name.startsWith('gpte')),
      ['gpte_is_8_bytes', '0'],
    );
  });

  it('rights keep their places', () => {
    assert.equal(shadowRights(0x16ceede63n, PT64), 'rwx- ad- hm');
    assert.equal(shadowRights(0x1694a8827n, PT64), 'rwxu a-- --');
    assert.equal(shadowRights((1n << 63n) | 0xa25n, PT64), 'r--u a-- h-');
    assert.equal(guestRights(0x02c001e3n, 4), 'rwx- ads g');
    assert.equal(guestRights((1n << 63n) | 0x7n, 8), 'rw-u --- -');
    // 5.10 has its own bits one higher (as recorded)
    assert.equal(shadowRights(0x1d46c67n, PT64_5_10), 'rwxu ad- hm');
    assert.equal(shadowRights(0x1d46421n, PT64_5_10), 'r-x- a-- h-');
    // access-tracked: rights moved to bits 54 and 56
    assert.equal(shadowRights((5n << 54n) | (3n << 57n) | (1n << 11n), EPT), 'R-X  --- hm');
    assert.equal(shadowRights(0xb07n | (3n << 57n), EPT), 'rwx  ad- hm');
  });

  it('numbers', () => {
    assert.equal(count(300045), '300,045');
    assert.equal(count(999), '999');
    assert.equal(count(18446744073709551615n), '18,446,744,073,709,551,615');
    assert.equal(address(0x8131000n), '08131000');
    assert.equal(addressRange(0xc2c00000n, 0xc2dfffffn), 'c2c00000–c2dfffff');
    assert.equal(addressRange(0n, 0x7fffffffffn), '0000000000–7fffffffff');
    assert.deepEqual(
      [1, 2, 3, 4].map((level) => size(spanOf(level))),
      ['4K', '2M', '1G', '512G'],
    );
    assert.equal(size(0x8000n, ' '), '32 K');
    assert.equal(errorFlags(0x14), 'U|F');
    assert.equal(errorFlags(0x103), 'P|W|0x100');
    assert.equal(accessWords(0x14), 'user fetch');
    assert.equal(accessWords(3), 'supervisor write');
  });
});
