import { textOf } from '../bytes.js';
import type { BatchBuilder } from '../batch.js';
import type { Context } from '../shape.js';
import type { Prefix } from './prefix.js';

/** A beginning of a line that was seen before. */
interface Recent {
  readonly bytes: Uint8Array;
  readonly context: number;
  readonly ticks: boolean;
  readonly nanos: boolean;
}

const KEPT = 16;

/**
 * Numbers for the contexts of events. Most lines begin with the same bytes as one of the last few, so those are compared before
 * anything is parsed.
 */
export class ContextCache {
  readonly #builder: BatchBuilder;
  readonly #ids = new Map<string, number>();
  readonly #recent: Recent[] = [];
  readonly #cpus: number[] = [];
  /** where the beginning that {@link recent} recognised ends */
  recentEnd = 0;
  #recentTicks = false;
  #recentNanos = false;
  readonly #by: Context['by'];

  /** @param by the program that printed the lines, if it was not the kernel */
  constructor(builder: BatchBuilder, by?: Context['by']) {
    this.#builder = builder;
    this.#by = by;
  }

  /** The time behind the beginning that {@link recent} recognised is printed as before. */
  recentFits({ ticks, nanos }: { readonly ticks: boolean; readonly nanos: boolean }): boolean {
    return ticks === this.#recentTicks && (ticks || nanos === this.#recentNanos);
  }

  /** The context of a line that begins like an earlier one; -1 when none does. */
  recent(bytes: Uint8Array, from: number, to: number): number {
    const list = this.#recent;
    for (let i = 0; i < list.length; i++) {
      const known = list[i]!;
      const { length } = known.bytes;
      if (from + length >= to || !matches(known.bytes, bytes, from, length)) continue;
      this.recentEnd = from + length;
      this.#recentTicks = known.ticks;
      this.#recentNanos = known.nanos;
      if (i > 0) {
        list[i] = list[i - 1]!;
        list[i - 1] = known;
      }
      return known.context;
    }
    return -1;
  }

  remember(bytes: Uint8Array, from: number, prefix: Prefix, nanos = false): number {
    const context = this.#number(this.#made(bytes, prefix, textOf(bytes, prefix.flagsFrom, prefix.flagsTo), nanos));
    if (this.#recent.length === KEPT) this.#recent.pop();
    this.#recent.unshift({ bytes: bytes.slice(from, prefix.flagsTo), context, ticks: prefix.style === 'ticks', nanos });
    return context;
  }

  latency(bytes: Uint8Array, prefix: Prefix, mark: string): number {
    return this.#number(this.#made(bytes, prefix, textOf(bytes, prefix.flagsFrom, prefix.flagsTo) + mark));
  }

  cpuOf(context: number): number {
    return this.#cpus[context]!;
  }

  bare(): number {
    return this.#number({ pid: 0, comm: '', tgid: undefined, cpu: 0, flags: '', style: 'bare', pidWidth: 7 });
  }

  #made(bytes: Uint8Array, prefix: Prefix, flags: string, nanos = false): Context {
    const { pid, tgid, cpu, style, pidWidth } = prefix;
    const comm = textOf(bytes, prefix.commFrom, prefix.commTo);
    return { pid, comm, tgid, cpu, flags, style, pidWidth, ...(this.#by ? { by: this.#by } : {}), ...(nanos ? { nanos } : {}) };
  }

  #number(context: Context): number {
    const key = JSON.stringify(context);
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.#builder.context(context);
      this.#cpus[id] = context.cpu;
      this.#ids.set(key, id);
    }
    return id;
  }
}

/** The end differs first (the flags), so it is compared first. */
function matches(known: Uint8Array, bytes: Uint8Array, from: number, length: number): boolean {
  for (let i = length - 1; i >= 0; i--) if (known[i] !== bytes[from + i]) return false;
  return true;
}
