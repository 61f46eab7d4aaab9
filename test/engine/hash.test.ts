import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { hashBucket, hashBucketByRemainder } from '../../src/engine/hash.js';
import type { Gfn } from '../../src/engine/ids.js';

describe('the hash of shadow pages', () => {
  /** spec/vectors.md §10 and spec/getpage.md §1: gfn, bucket of 4096, bucket of 1024 in old kernels */
  const VECTORS: readonly [gfn: number, bucket: number, old: number][] = [
    [0x0, 0, 0],
    [0x1, 1564, 1],
    [0x2, 3129, 2],
    [0x3, 597, 3],
    [0x5, 3726, 5],
    [0x6, 1195, 6],
    [0x10, 456, 16],
    [0x20, 913, 32],
    [0x100, 3208, 256],
    [0x800, 1091, 0],
    [0xa00, 3411, 512],
    [0x1000, 2182, 0],
    [0x1001, 3746, 1],
    [0x40000, 401, 0],
    [0x80000, 803, 0],
    [0xc0000, 1204, 0],
    [0xfffff, 41, 1023],
  ];
  for (const [gfn, bucket, old] of VECTORS) {
    it(`puts gfn ${gfn.toString(16)} into bucket ${bucket}, once ${old}`, () => {
      assert.equal(hashBucket(gfn as Gfn), bucket);
      assert.equal(hashBucketByRemainder(gfn as Gfn), old);
    });
  }
});
