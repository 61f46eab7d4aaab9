import { BatchBuilder } from './batch.js';
import { FtraceReader } from './ftrace/reader.js';
import { EventTable } from './table.js';

/** Reads a text that is in memory: what a `trace` file would be read as. */
export function tableOf(text: string, file: string): EventTable {
  const bytes = new TextEncoder().encode(text);
  const builder = new BatchBuilder();
  let table: EventTable | undefined;
  const emit = (): void => {
    const info = reader.info();
    table ??= new EventTable(info);
    table.append(builder.take(info, bytes.length));
  };
  const reader = new FtraceReader(builder, emit, file, false);
  reader.push(bytes);
  reader.end();
  emit();
  return table!;
}
