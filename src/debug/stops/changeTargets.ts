import type { EventIndex, Gfn, PageId, SpteIndex } from '../../engine/ids.js';
import { evaluate, type EventScope } from '../../replay/query/index.js';
import type { ChangeTarget } from '../../replay/changes.js';
import type { Recording } from '../load/recording.js';
import { cached } from './cachedSet.js';
import type { EventSet } from './eventSet.js';

/** A place in the MMU whose changes can be waited for, as one word: `spte:12:ed`. Page numbers are the replay's, the rest is hex. */
export function targetId(target: ChangeTarget): string {
  switch (target.kind) {
    case 'spte':
      return `spte:${target.page}:${target.index.toString(16)}`;
    case 'gfn':
      return `gfn:${target.vm}:${target.gfn.toString(16)}`;
    case 'root':
      return `root:${target.vm}:${target.vcpu}`;
    default:
      return `${target.kind}:${target.page}`;
  }
}

/** The place that such a word names; undefined when it names none. */
export function targetFrom(id: string): ChangeTarget | undefined {
  const [kind, first, second] = id.split(':');
  const number = Number(first);
  if (!kind || !first || !Number.isSafeInteger(number)) return undefined;
  switch (kind) {
    case 'page':
    case 'rootCount':
    case 'invalid':
    case 'unsync':
      return { kind, page: number as PageId };
    case 'spte': {
      const index = parseInt(second ?? '', 16);
      return index >= 0 && index < 512 ? { kind, page: number as PageId, index: index as SpteIndex } : undefined;
    }
    case 'gfn': {
      const gfn = parseInt(second ?? '', 16);
      return gfn >= 0 ? { kind, vm: number, gfn: gfn as Gfn } : undefined;
    }
    case 'root':
      return /^\d+$/.test(second ?? '') ? { kind, vm: number, vcpu: Number(second) } : undefined;
    default:
      return undefined;
  }
}

const NUMBERED = /^#(\d+)(?:\s*\[\s*(?:0x)?([0-9a-f]{1,3})\s*\])?(?:\.(\w+))?$/i;
const GFN = /^gfn\s*(?::|==?|\s)\s*(?:0x)?([0-9a-f]+)$/i;
const ROOT = /^root(?:\s*(?:of)?\s*vcpu\s*(\d+))?$/i;
const FIELD = /^(.*?)\.?\b(root_count|invalid|unsync)$/;
const FIELDS: Readonly<Record<string, 'rootCount' | 'invalid' | 'unsync'>> = {
  root_count: 'rootCount',
  invalid: 'invalid',
  unsync: 'unsync',
};

/**
 * The place that an expression names, or one sentence on why it names none: `gfn 102`, `root of vCPU 0`, `2c00 L1 q0`,
 * `2c00 L1 q0 [0ed]`, `sp.unsync`, `spte`, `#12[0ed]` (page by number).
 */
export function targetNamed(text: string, recording: Recording, scope: EventScope): ChangeTarget | string {
  const name = text.trim();
  const numbered = NUMBERED.exec(name);
  if (numbered) return numberedTarget(numbered) ?? `'${name}' is no SPTE: an index goes from 000 to 1ff.`;
  const gfn = GFN.exec(name);
  if (gfn) return { kind: 'gfn', vm: recording.vm, gfn: parseInt(gfn[1]!, 16) as Gfn };
  const root = ROOT.exec(name);
  if (root) return { kind: 'root', vm: recording.vm, vcpu: Number(root[1] ?? recording.replay.vcpuOf(scope.event)?.vcpu ?? 0) };
  const field = FIELD.exec(name);
  const value = evaluate(field ? field[1]!.trim() || 'sp' : name, scope);
  switch (value.type) {
    case 'page':
      return { kind: field ? FIELDS[field[2]!]! : 'page', page: value.page };
    case 'pages':
      return { kind: field ? FIELDS[field[2]!]! : 'page', page: value.pages[0]! };
    case 'spte':
      return { kind: 'spte', page: value.page, index: value.index };
    case 'none':
      return `${value.why}.`;
    case 'error':
      return value.error.toString();
    default:
      return `'${name}' is a value, not a place: name a shadow page, an SPTE, a gfn (gfn 102), or a root (root of vCPU 0).`;
  }
}

function numberedTarget([, id, index, field]: RegExpExecArray): ChangeTarget | undefined {
  const page = Number(id) as PageId;
  if (index !== undefined) return parseInt(index, 16) < 512 ? { kind: 'spte', page, index: parseInt(index, 16) as SpteIndex } : undefined;
  return { kind: (field && FIELDS[field]) || 'page', page };
}

/** The events that change a place. */
export function changesOf(target: ChangeTarget, { replay }: Recording): EventSet {
  const changes = replay.changesOf(target);
  return cached({
    next(after, limit) {
      const e = changes.next(after as EventIndex);
      return e !== undefined && e < limit ? e : undefined;
    },
    previous(before, floor) {
      const e = changes.previous(before as EventIndex);
      return e !== undefined && e > floor ? e : undefined;
    },
  });
}

/** Why a place is not there; undefined when it is. More of it may come while the trace is loading. */
export function missing(target: ChangeTarget, { replay }: Recording): string | undefined {
  if (!('page' in target) || (target.page >= 1 && target.page <= replay.lastPage)) return undefined;
  return `There is no shadow page ${target.page} in what is loaded of this trace.`;
}
