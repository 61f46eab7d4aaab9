import type { Value } from '../../replay/query/values.js';
import { layoutOf, type FormContext } from './context.js';
import { hex } from './numbers.js';
import { pageLine, pageName } from './pages.js';
import { roleLine } from './roles.js';
import { spteLine } from './sptes.js';

/** What a watch, the debug console and a logpoint print of a value: the forms of the trees (ui.md §11). */
export function plainValue(ctx: FormContext, value: Value): string {
  switch (value.type) {
    case 'number':
      return value.base === 16 ? hexWithSign(value.value) : String(value.value);
    case 'text':
      return value.value;
    case 'boolean':
      return String(value.value);
    case 'time':
      return value.text.trim();
    case 'page':
      return pageLine(ctx, ctx.cursor.page(value.page));
    case 'pages':
      return `${value.pages.length} pages: ${value.pages.map((id) => `${pageName(ctx.cursor.page(id))} ${ctx.cursor.page(id).access}`).join(', ')}`;
    case 'spte':
      return spteLine(ctx, ctx.cursor.page(value.page), ctx.cursor.entry(value.page, value.index));
    case 'role':
      return roleLine({ role: value.role, layout: layoutOf(ctx), exact: value.word !== null });
    case 'none':
      return value.why;
    case 'error':
      return value.error.toString();
  }
}

function hexWithSign(value: bigint): string {
  return value < 0n ? `-0x${hex(-value)}` : `0x${hex(value)}`;
}
