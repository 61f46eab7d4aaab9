import type { Checkpoints } from '../engine/checkpoints.js';
import type { Gfn, PageId, Role } from '../engine/ids.js';
import { roleField } from '../engine/role.js';
import type { History } from './history.js';
import { accessLetters } from './names.js';
import type { PageIdentity } from './view.js';

/** What a page with such a role and gfn is. */
export function identity({ pages, table }: History, id: PageId, role: Role, gfn: Gfn): PageIdentity {
  return {
    gfn,
    role,
    level: roleField(role, 'level'),
    quadrant: roleField(role, 'quadrant'),
    gpteBytes: roleField(role, 'has4ByteGpte') ? 4 : 8,
    direct: roleField(role, 'direct') === 1,
    access: accessLetters(roleField(role, 'access'), table.info.accessLetters),
    gen: pages.birth(id).generation,
    born: pages.born(id),
  };
}

/** What pages are at all times: as they were born, where no event ever said otherwise. */
export class Identities {
  private readonly known: (PageIdentity | undefined)[] = [];

  constructor(
    private readonly history: History,
    private readonly checkpoints: Checkpoints,
  ) {}

  /** Undefined for a page about which events contradict each other: what it is depends on the event. */
  of(id: PageId): PageIdentity | undefined {
    const { pages } = this.history;
    if (this.checkpoints.wasWritten(pages.disputeCell(id))) return undefined;
    const { role, gfn } = pages.birth(id);
    return (this.known[id] ??= identity(this.history, id, role, gfn));
  }
}
