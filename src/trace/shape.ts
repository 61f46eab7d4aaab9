import type { EventFormat } from './dat/format.js';
import type { Kind } from './vocabulary.js';

/**
 * How a reader writes the arguments of an event, in units of 32 bits. Events of one kind that were written in the same way (the same
 * kernel, the same format) share a shape; a {@link Form} of it says which units are stored.
 *
 * Shapes travel from the worker by structured clone: plain data only.
 */
export interface Shape {
  readonly kind: Kind;
  /** the event's name; a shape that has no room for a name of its own keeps it in unit {@link NAME_UNIT} */
  readonly name: string;
  /** what the event belongs to, for an event outside of the vocabulary whose text says so */
  readonly system?: string;
  /** by slot of the vocabulary; null where this format does not give the argument */
  readonly slots: readonly (Place | null)[];
  /** further values that only the rendering needs, by name */
  readonly extras: Readonly<Record<string, Place>>;
  /** units of the fixed part */
  readonly units: number;
  /** what makes the message from the arguments */
  readonly text: MessageSource;
}

export type MessageSource =
  /** the fixed part is followed by a length in bytes and the bytes of the message */
  | { readonly from: 'bytes'; readonly named: boolean }
  /** the text template with this number (kernelText.ts) */
  | { readonly from: 'template'; readonly template: number }
  /** the kernel's own print fmt, with the fields in the fixed part */
  | { readonly from: 'fields'; readonly format: EventFormat }
  /** the kernel's own print fmt; the fixed part is followed by a length and the whole record */
  | { readonly from: 'record'; readonly format: EventFormat };

/** Where a value lies in an event's units. */
export interface Place {
  readonly at: number;
  /** two units, low half first */
  readonly wide: boolean;
  /** one unit, signed */
  readonly signed: boolean;
}

/** Who ran an event where, and how the trace prints that: what stands in front of the event's name. Plain data, as above. */
export interface Context {
  readonly pid: number;
  readonly comm: string;
  readonly tgid: number | undefined;
  readonly cpu: number;
  /** irq-info column, 4 or 5 characters; '' with noirq-info */
  readonly flags: string;
  readonly style: LineStyle;
  /** width of the pid column: 5 up to kernel 5.9, 7 since */
  readonly pidWidth: number;
  /** the program that printed the line; the kernel's own format where it is absent */
  readonly by?: 'trace-cmd' | 'perf';
  /** times have nine digits after the point */
  readonly nanos?: boolean;
}

/**
 * seconds: `7.552773`; ticks: `166599545512` (counter, x86-tsc); latency: `358504us+` (its mark is the last character of the flags);
 * bare: nothing but the event (nocontext-info)
 */
export type LineStyle = 'seconds' | 'ticks' | 'latency' | 'bare';
