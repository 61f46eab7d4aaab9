import type { PageId } from '../../engine/ids.js';
import type { Cursor } from '../../replay/cursor.js';
import type { PageView } from '../../replay/view.js';
import { indexName, plural } from '../forms/numbers.js';
import { pageName, rootText } from '../forms/pages.js';
import type { Position } from '../motion/position.js';
import { branch, type Row } from './rows.js';
import type { PageTree } from './pageTree.js';

/** The Shadow pages scope: roots of the vCPUs, and what no root leads to. */
export function shadowPagesScope(position: Position, vm: number, tree: PageTree): Row[] {
  const { cursor, form } = position;
  const unsure = cursor.doubt(vm);
  const doubts = unsure ? [{ name: 'in doubt', value: unsure.why }] : [];
  const roots = cursor.roots(vm).flatMap(({ vcpu, pages, cached, doubt }) => [
    {
      name: `vCPU ${vcpu} root`,
      value: doubt === undefined ? rootText(form, pages) : `${rootText(form, pages)} ? ${doubt}`,
      target: { kind: 'root', vm, vcpu } as const,
      branch: branch(() => pages.flatMap((id, slot) => (id === 0 ? [] : [tree.page(`[${indexName(slot)}]`, id)]))),
    },
    ...cachedRoots(vcpu, cached, position, tree),
  ]);
  const cached = cursor.roots(vm).flatMap((root) => root.cached);
  const orphans = notReachable(cursor, cursor.livePages(vm), cached);
  if (orphans.length === 0) return [...doubts, ...roots];
  return [
    ...doubts,
    ...roots,
    {
      name: 'no root',
      value: `${plural(orphans.length, 'page')} not reachable from a root`,
      branch: branch(() =>
        byName(
          orphans.map((id) => cursor.page(id)),
          tree,
        ),
      ),
    },
  ];
}

/** Roots that a CR3 write brings back without an event (`prev_roots`). */
function cachedRoots(vcpu: number, cached: readonly PageId[], { cursor }: Position, tree: PageTree): Row[] {
  if (cached.length === 0) return [];
  const pages = cached.map((id) => cursor.page(id));
  return [{ name: `vCPU ${vcpu} cached`, value: plural(cached.length, 'root'), branch: branch(() => byName(pages, tree)) }];
}

/** One row for each page, under its name; pages of the same name are told apart by number. */
export function byName(pages: readonly PageView[], tree: PageTree): Row[] {
  const seen = new Set<string>();
  return pages.map((page) => {
    const name = pageName(page);
    const again = seen.has(name);
    seen.add(name);
    return tree.page(again ? `${name} #${page.id}` : name, page.id);
  });
}

/** Pages without a path from a root. The parents of a page are known: turned round, they lead down from the roots. */
function notReachable(cursor: Cursor, live: readonly PageId[], cached: readonly PageId[]): PageId[] {
  const children = new Map<PageId, PageId[]>();
  for (const id of live) {
    for (const { page } of cursor.parentsOf(id)) {
      const siblings = children.get(page);
      if (siblings) siblings.push(id);
      else children.set(page, [id]);
    }
  }
  const waiting = [...live.filter((id) => cursor.rootsOf(id).length > 0), ...cached];
  const reached = new Set<PageId>(waiting);
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    for (const child of children.get(id) ?? []) {
      if (reached.has(child)) continue;
      reached.add(child);
      waiting.push(child);
    }
  }
  return live.filter((id) => !reached.has(id));
}
