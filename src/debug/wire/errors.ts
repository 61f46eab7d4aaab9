/** What a user asked for cannot be done: the message goes into the error response as it is. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
}

/** The client withdrew the request. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled';
  constructor() {
    super('cancelled');
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
