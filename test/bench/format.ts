/** Numbers as a reader likes them. */

/** Three digits of a time: `31.2 s`, `412 ms`, `2.50 ms`, `0.283 ms`. */
export function milliseconds(ms: number): string {
  if (!Number.isFinite(ms)) return '–';
  return ms >= 1000 ? `${digits(ms / 1000)} s` : `${digits(ms)} ms`;
}

/** `1.43 µs`, of so many events. */
export function perEvent(ms: number, events: number): string {
  return `${((1000 * ms) / events).toFixed(2)} µs/event`;
}

export function megabytes(bytes: number): string {
  return `${digits(bytes / 1e6)} MB`;
}

/** Of events each second. */
export function millionPerSecond(events: number): string {
  return `${digits(events / 1e6)} million events/s`;
}

export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function digits(value: number): string {
  if (value >= 100) return value.toFixed(0);
  if (value >= 10) return value.toFixed(1);
  return value.toFixed(value >= 1 ? 2 : 3);
}
