/**
 * Loads dist/extension.cjs and activates it, with a stand-in for VS Code that answers everything with nothing; prints milliseconds for
 * both. What VS Code itself does at activation is not in it.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { root } from '../host/modules.mjs';

const require = createRequire(import.meta.url);
/** @type {{ _load: (name: string, ...rest: unknown[]) => unknown }} */
const Module = require('node:module');

/** Can be called, made, read and gone through, and is a class to derive from. @returns {object} */
function anything() {
  return new Proxy(function () {}, {
    get(target, name) {
      if (name === 'prototype') return /** @type {unknown} */ (target.prototype);
      if (name === Symbol.iterator) return () => [][Symbol.iterator]();
      if (name === Symbol.toPrimitive) return () => '';
      return name === 'then' ? undefined : anything();
    },
    apply: () => anything(),
    construct: (target, _, made) =>
      made.prototype === target.prototype ? anything() : /** @type {object} */ (Reflect.construct(Object, [], made)),
  });
}

/** The bundle makes an object of the module's own names, whose prototype is the module's: so it finds the others there. @type {object} */
const vscode = new Proxy(anything(), { getPrototypeOf: () => vscode, ownKeys: () => ['prototype'] });
const load = Module._load;
Module._load = (/** @type {string} */ name, /** @type {unknown[]} */ ...rest) => (name === 'vscode' ? vscode : load(name, ...rest));

const packageJSON = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const since = performance.now();
/** @type {{ activate: (context: object) => unknown }} */
const extension = require(path.join(root, 'dist/extension.cjs'));
const loaded = performance.now();
const about = { id: 'shadow-mmu.shadow-mmu', packageJSON, extensionPath: root };
await extension.activate({ extensionUri: anything(), extension: about, workspaceState: anything(), subscriptions: [] });
console.log(JSON.stringify({ load: loaded - since, activate: performance.now() - loaded }));
process.exit(0);
