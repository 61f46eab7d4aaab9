/**
 * A lint rule that keeps the arrows between the rooms of src/: bytes become events (trace), events drive the engine (replay), every state
 * can be visited (debug), and the editor is a window on it (extension, webview). An import may only point against the flow.
 */
import path from 'node:path';

/**
 * What each room may import besides itself: rooms, or folders and single files of a room without ending.
 * `packages` are the modules from outside; `node:` stands for all of Node's own.
 * @type {Record<string, { imports: string[], packages: string[] }>}
 */
const rooms = {
  engine: { imports: [], packages: [] },
  trace: { imports: ['engine/ids', 'engine/role', 'engine/roleLayout', 'engine/eras', 'engine/features'], packages: ['node:', 'zstddec'] },
  scenario: { imports: ['engine'], packages: [] },
  replay: { imports: ['trace', 'scenario', 'engine'], packages: [] },
  debug: {
    imports: ['protocol', 'replay', 'trace', 'scenario/language', 'engine/ids', 'engine/role', 'engine/roleLayout'],
    packages: ['node:', '@vscode/debugadapter', '@vscode/debugprotocol'],
  },
  extension: { imports: ['protocol'], packages: ['node:', 'vscode'] },
  webview: { imports: ['protocol'], packages: [] },
  protocol: { imports: [], packages: [] },
  cli: {
    imports: ['trace', 'scenario', 'replay', 'debug', 'engine/ids', 'engine/role', 'engine/roleLayout', 'engine/eras', 'engine/features'],
    packages: ['node:', 'hyparquet-writer'],
  },
};

/** The path below src/, without ending; undefined for files elsewhere. @param {string} file */
function placeOf(file) {
  const [, place] = /(?:^|\/)src\/(.+?)\.[cm]?[jt]s$/.exec(file.split(path.sep).join('/')) ?? [];
  return place;
}

/** @param {string} place */
const roomOf = (place) => place.split('/')[0] ?? place;

/**
 * Why `file` may not import `source`; undefined when it may.
 * @param {string} file
 * @param {string} source as written in the import
 */
export function objection(file, source) {
  const place = placeOf(file);
  const room = place === undefined ? undefined : roomOf(place);
  const rule = room === undefined ? undefined : rooms[room];
  if (place === undefined || rule === undefined) return undefined;
  if (!source.startsWith('.')) {
    if (
      rule.packages.some(
        (allowed) => source === allowed || (allowed.endsWith(':') && source.startsWith(allowed)) || source.startsWith(`${allowed}/`),
      )
    )
      return undefined;
    return `src/${room} may not import the package "${source}".`;
  }
  const target = path.posix.join(path.posix.dirname(`src/${place}`), source).replace(/\.[cm]?[jt]s$/, '');
  // Styles belong to the bundle of the one who imports them.
  if (target.endsWith('.css')) return undefined;
  if (!target.startsWith('src/')) return `src/${room} may not import "${source}" from outside src.`;
  const targetPlace = target.slice('src/'.length);
  if (roomOf(targetPlace) === room) return undefined;
  if (rule.imports.some((allowed) => allowed === targetPlace || targetPlace.startsWith(`${allowed}/`))) return undefined;
  return `src/${room} may not import src/${targetPlace}: the arrows are trace → replay → debug → extension → webview, with scenario before replay and engine at the side.`;
}

/** @type {import('eslint').Rule.RuleModule} */
export const arrows = {
  meta: { type: 'problem', schema: [], docs: { description: 'imports between the rooms of src/ follow the arrows' } },
  create(context) {
    /** @param {{ source?: unknown }} node */
    const check = (node) => {
      const literal = /** @type {{ value?: unknown } | null | undefined} */ (node.source);
      if (typeof literal?.value !== 'string') return;
      const message = objection(context.filename, literal.value);
      if (message) context.report({ node: /** @type {import('estree').Node} */ (node.source), message });
    };
    return { ImportDeclaration: check, ImportExpression: check, ExportAllDeclaration: check, ExportNamedDeclaration: check };
  },
};
