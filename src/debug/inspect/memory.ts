import type { DebugProtocol as P } from '@vscode/debugprotocol';
import type { PageId } from '../../engine/ids.js';
import type { Recording } from '../load/recording.js';
import type { Position } from '../motion/position.js';
import type { Client } from '../wire/client.js';
import { RequestError } from '../wire/errors.js';

const PAGE_SIZE = 4096;

/** The name under which the SPTEs of a page can be read as memory. */
export function memoryReference(page: PageId): string {
  return `sp:${page}`;
}

/** The 4096 bytes of shadow pages, as they are after the event of the stop. */
export class Memory {
  /** what a client has read at this stop: it is told when that may have changed, and reads again what it still shows */
  private readonly shown = new Set<string>();

  constructor(
    private readonly position: Position,
    private readonly recording: Recording,
    private readonly client: Client,
  ) {}

  read({ memoryReference, offset = 0, count }: P.ReadMemoryArguments): NonNullable<P.ReadMemoryResponse['body']> {
    const id = this.pageOf(memoryReference);
    this.shown.add(memoryReference);
    const frame = this.position.cursor.page(id).frame;
    // An address only where the trace shows the page's frame; else the offset in the page.
    const base = frame === null ? 0n : BigInt(frame) << 12n;
    const address = `0x${BigInt.asUintN(64, base + BigInt(offset)).toString(16)}`;
    if (offset < 0) return { address, unreadableBytes: Math.min(count, -offset) };
    const bytes = this.position.cursor.memory(id).subarray(offset, Math.min(PAGE_SIZE, offset + Math.max(0, count)));
    const unreadableBytes = Math.max(0, count) - bytes.length;
    return {
      address,
      ...(bytes.length > 0 && { data: Buffer.from(bytes).toString('base64') }),
      ...(unreadableBytes > 0 && { unreadableBytes }),
    };
  }

  /** There is a new stop. */
  moved(): void {
    const shown = [...this.shown];
    this.shown.clear();
    if (!this.client.takesMemoryEvents) return;
    for (const memoryReference of shown) this.client.event('memory', { memoryReference, offset: 0, count: PAGE_SIZE });
  }

  private pageOf(reference: string): PageId {
    const id = Number(/^sp:(\d+)$/.exec(reference)?.[1]);
    if (!(id >= 1 && id <= this.recording.replay.lastPage)) {
      throw new RequestError(`'${reference}' is no shadow page: take the memory reference of a page in Variables.`);
    }
    return id as PageId;
  }
}
