import { ByteWriter, ParquetWriter, type SchemaElement } from 'hyparquet-writer';
import type { EventIndex } from '../../engine/ids.js';
import type { Column, ColumnType } from '../../replay/export/column.js';
import { COLUMNS, valuesOf } from '../../replay/export/columns.js';
import { Rows, type ExportSource } from '../../replay/export/rows.js';

/** Rows in a row group: what engines skip, and work on in parallel. */
const GROUP = 1 << 17;

/**
 * How Parquet says it; every column may be null. Integers have the older annotation: hyparquet-writer 0.17 gives the width of the newer one
 * a type that strict readers refuse.
 */
const ELEMENTS: Readonly<Record<Exclude<ColumnType, 'texts'>, Omit<SchemaElement, 'name'>>> = {
  u64: { type: 'INT64', converted_type: 'UINT_64' },
  i64: { type: 'INT64' },
  u32: { type: 'INT32', converted_type: 'UINT_32' },
  i32: { type: 'INT32' },
  bool: { type: 'BOOLEAN' },
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
};

/** Takes bytes in order. */
export type Sink = (bytes: Uint8Array) => void;

/**
 * Writes the events as a Parquet table, a row group at a time, and no more than one column of it in memory.
 *
 * @param facts about the whole, for the key-value metadata
 * @param progress is told the events written so far
 * @returns how many rows there are
 */
export function writeParquet(
  source: ExportSource,
  events: (from: number, count: number) => readonly EventIndex[],
  facts: Readonly<Record<string, string>>,
  sink: Sink,
  progress: (events: number) => void,
): number {
  const parquet = new ParquetWriter({
    writer: new SinkWriter(sink),
    schema: [{ name: 'events', num_children: COLUMNS.length }, ...COLUMNS.flatMap(elements)],
    kvMetadata: Object.entries(facts).map(([key, value]) => ({ key, value })),
    createdBy: 'shadow-mmu',
  });
  const { length } = source.table;
  let count = 0;
  for (let from = 0; from < length; from += GROUP) {
    const rows = new Rows(source, events(from, Math.min(GROUP, length - from)));
    if (rows.events.length) void parquet.write({ columnData: COLUMNS.map((column) => columnData(column, rows)), rowGroupSize: GROUP });
    count += rows.events.length;
    progress(Math.min(length, from + GROUP));
  }
  void parquet.finish();
  return count;
}

function elements({ name, type }: Column): SchemaElement[] {
  const repetition_type = 'OPTIONAL';
  if (type !== 'texts') return [{ name, repetition_type, ...ELEMENTS[type] }];
  return [
    { name, repetition_type, num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' } },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', repetition_type, ...ELEMENTS.text },
  ];
}

/** Values are made when the writer comes to the column, and are gone after it. */
function columnData(column: Column, rows: Rows) {
  return {
    name: column.name,
    ...(column.steady && { encoding: 'DELTA_BINARY_PACKED' as const }),
    ...(column.statistics === false && { statistics: false }),
    get data() {
      return valuesOf(column, rows);
    },
  };
}

/** Hands over after every row group what was written. */
class SinkWriter extends ByteWriter {
  constructor(private readonly sink: Sink) {
    super(1 << 20);
  }

  flush(): void {
    this.sink(this.getBytes());
    this.index = 0;
  }

  override finish(): void {
    this.flush();
  }
}
