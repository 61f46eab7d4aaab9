import type { Gfn } from './ids.js';

/** Buckets of a VM's hash of shadow pages are numbered by this many bits (KVM_MMU_HASH_SHIFT). */
const HASH_SHIFT = 12n;
const GOLDEN_RATIO = 0x61c8864680b583ebn;

/** The bucket of the shadow pages of a gfn [6.1 mmu.c:kvm_page_table_hashfn]: one of 4096. */
export function hashBucket(gfn: Gfn): number {
  return Number(BigInt.asUintN(64, BigInt(gfn) * GOLDEN_RATIO) >> (64n - HASH_SHIFT));
}

/** The bucket before golden-ratio hashing (up to about 4.10): one of 1024 [2.6.28 mmu.c:kvm_page_table_hashfn]. */
export function hashBucketByRemainder(gfn: Gfn): number {
  return gfn % 1024;
}
