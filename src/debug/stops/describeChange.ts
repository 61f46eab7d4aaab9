import type { ChangeTarget } from '../../replay/changes.js';
import type { PageId } from '../../engine/ids.js';
import type { FormContext } from '../forms/context.js';
import { hex } from '../forms/numbers.js';
import { pageName, spteName } from '../forms/pages.js';
import { stopDescription } from '../forms/stops.js';

/** `SPTE 2c00 L1 q0 [0ed] changed`: the description of a stop at a data breakpoint. */
export function describeChange(target: ChangeTarget, { cursor }: FormContext): string {
  switch (target.kind) {
    case 'spte':
      return stopDescription({ type: 'spte', page: cursor.page(target.page), index: target.index });
    case 'page':
      return stopDescription({ type: 'page', page: cursor.page(target.page) });
    default:
      return stopDescription({ type: 'changed', what: placeName(target, { cursor }) });
  }
}

/** `gfn 102`, `root of vCPU 0`, `root_count of 2c00 L1 q0`, `SPTE 2c00 L1 q0 [0ed]`. */
export function placeName(target: ChangeTarget, { cursor }: Pick<FormContext, 'cursor'>): string {
  const page = (id: PageId): string => pageName(cursor.page(id));
  switch (target.kind) {
    case 'spte':
      return `SPTE ${spteName(cursor.page(target.page), target.index)}`;
    case 'page':
      return `page ${page(target.page)}`;
    case 'gfn':
      return `gfn ${hex(target.gfn)}`;
    case 'root':
      return `root of vCPU ${target.vcpu}`;
    case 'rootCount':
      return `root_count of ${page(target.page)}`;
    case 'invalid':
    case 'unsync':
      return `${target.kind} of ${page(target.page)}`;
  }
}
