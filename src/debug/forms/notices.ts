import type { PageId } from '../../engine/ids.js';
import type { Notice } from '../../replay/view.js';
import type { FormContext } from './context.js';
import { hex, indexName, plural } from './numbers.js';
import { pageName } from './pages.js';

/** `5 L1 q1 is passed over: the guest write at gpa 5004 hits gPTE 001, which is in quadrant 0` */
export function quadrantSkipText(ctx: FormContext, { page, detail: gpa }: Notice): string {
  const sp = ctx.cursor.header(page);
  const gpte = (gpa % 4096) >> 2;
  const [name, quadrant] = sp.level === 1 ? ['gPTE', gpte >> 9] : ['gPDE', gpte >> 8];
  return `${pageName(sp)} is passed over: the guest write at gpa ${hex(gpa)} hits ${name} ${indexName(gpte)}, which is in quadrant ${quadrant}`;
}

/** `the search for 102 L1 q0 in bucket 2345 goes past 1 page of another gfn: 37f L1 q0` */
export function collisionText(
  { cursor }: FormContext,
  buckets: readonly { readonly bucket: number; readonly pages: readonly PageId[] }[],
  { page, detail: passed }: Notice,
): string {
  const sp = cursor.header(page);
  const its = buckets.find(({ pages }) => pages.includes(page));
  const others = (its?.pages ?? []).map((id) => cursor.header(id)).filter(({ gfn }) => gfn !== sp.gfn);
  const where = its ? ` in bucket ${its.bucket}` : '';
  return `the search for ${pageName(sp)}${where} goes past ${plural(passed, 'page')} of another gfn: ${others.map(pageName).join(', ')}`;
}
