/** What a user asked for cannot be done: the message goes into the error response as it is. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
}

/**
 * The request is about an earlier stop. Clients ask such things when steps follow each other quickly, and ask again for the new stop: they
 * are told, users are not.
 */
export class StaleError extends Error {
  override readonly name = 'StaleError';
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
