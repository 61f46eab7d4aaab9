import { readFile } from 'node:fs/promises';
import { RequestError, messageOf } from '../wire/errors.js';

/** The text of a scenario. @throws RequestError where it cannot be read */
export async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new RequestError(`${file} cannot be read: ${messageOf(error)}`);
  }
}
