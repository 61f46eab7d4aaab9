/** One event's format description. */
export interface EventFormat {
  readonly id: number;
  readonly name: string;
}
