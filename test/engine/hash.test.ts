import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { hashBucket } from '../../src/engine/hash.js';
import type { Gfn } from '../../src/engine/ids.js';

describe('the hash of shadow pages', () => {
  it('has the buckets of the kernel (spec/vectors.md §10)', () => {
    const vectors: [gfn: number, bucket: number][] = [
      [0, 0],
      [1, 1564],
      [2, 3129],
      [3, 597],
      [5, 3726],
    ];
    for (const [gfn, bucket] of vectors) assert.equal(hashBucket(gfn as Gfn), bucket);
  });
});
