import { parsePrintFmt } from './printFmt.js';
import type { PrintFmt } from './expr.js';

/**
 * One event's format description, as the kernel gives it in `events/SYSTEM/EVENT/format` and trace.dat carries it along: places,
 * sizes and signs of the fields, and the kernel's own way to print them. Plain data: it travels from the worker with the shapes.
 */
export interface EventFormat {
  readonly id: number;
  readonly name: string;
  readonly system: string;
  readonly fields: readonly Field[];
  /** null when the print fmt holds something that is not understood; then the fields are listed by name */
  readonly print: PrintFmt | null;
  readonly little: boolean;
  /** names of the print fmt that stand for numbers and that the kernel did not replace */
  readonly enums: Readonly<Record<string, bigint>>;
}

export interface Field {
  readonly name: string;
  readonly type: string;
  readonly offset: number;
  readonly size: number;
  readonly signed: boolean;
  /** number: a value of 1, 2, 4 or 8 bytes; array: elements in place; dynamic and relative: 32 bits that say where the data is */
  readonly storage: 'number' | 'array' | 'dynamic' | 'relative';
  /** array, dynamic, relative: bytes of an element */
  readonly element: number;
}

const FIELD = /^\s*field:(?<decl>[^;]*);\s*offset:(?<offset>\d+);\s*size:(?<size>\d+);(?:\s*signed:(?<signed>[01]);)?/;

/** Name and number, which are needed of all events before the rest is needed of a few. */
export function formatHead(text: string): { name: string; id: number } | undefined {
  const name = /^name: *(\S+)/m.exec(text)?.[1];
  const id = /^ID: *(\d+)/m.exec(text)?.[1];
  return name !== undefined && id !== undefined ? { name, id: Number(id) } : undefined;
}

export function parseFormat(
  text: string,
  system: string,
  little: boolean,
  enums: Readonly<Record<string, bigint>>,
): EventFormat | undefined {
  const head = formatHead(text);
  if (!head) return undefined;
  const fields: Field[] = [];
  for (const line of text.split('\n')) {
    const field = parseField(line);
    if (field) fields.push(field);
  }
  const at = text.indexOf('print fmt:');
  const print = at < 0 ? null : parsePrintFmt(text.slice(at + 'print fmt:'.length).trim(), new Set(fields.map((f) => f.name)));
  return { ...head, system, fields, print, little, enums };
}

function parseField(line: string): Field | undefined {
  const groups = FIELD.exec(line)?.groups;
  if (!groups) return undefined;
  const declaration = groups['decl']!.trim();
  const match = /^(.*?)\s*\b(\w+)\s*(\[.*\])?$/.exec(declaration);
  if (!match) return undefined;
  const [, before, name, brackets] = match as unknown as [string, string, string, string | undefined];
  const size = Number(groups['size']);
  const type = before.trim();
  const storage = type.startsWith('__data_loc')
    ? 'dynamic'
    : type.startsWith('__rel_loc')
      ? 'relative'
      : isNumber(size, brackets)
        ? 'number'
        : 'array';
  return {
    name,
    type,
    offset: Number(groups['offset']),
    size,
    signed: groups['signed'] === '1',
    storage,
    element: elementSize(type, size, brackets),
  };
}

function isNumber(size: number, brackets: string | undefined): boolean {
  return brackets === undefined && (size === 1 || size === 2 || size === 4 || size === 8);
}

/** Bytes of one element of an array; its type says it where its size over its count does not. */
function elementSize(type: string, size: number, brackets: string | undefined): number {
  const count = Number(/^\[(\d+)\]$/.exec(brackets ?? '')?.[1] ?? 0);
  if (count > 0 && size % count === 0) return size / count;
  if (/\b(char|u8|s8|__u8|__s8|uint8_t|bool)\b/.test(type)) return 1;
  if (/\b(short|u16|s16|__u16|__s16|uint16_t|__le16|__be16)\b/.test(type)) return 2;
  if (/\b(long|u64|s64|__u64|__s64|uint64_t|size_t)\b|\*/.test(type)) return 8;
  if (/\b(int|u32|s32|__u32|__s32|uint32_t|unsigned)\b/.test(type)) return 4;
  return 1;
}
