import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { ACTION_WORDS } from '../../src/scenario/language/actions.js';
import { EVENT_NAMES } from '../../src/scenario/language/events.js';
import { CONTROLS, MODES, RESULTS } from '../../src/scenario/language/statement.js';
import { FLAG_NAMES } from '../../src/scenario/language/values.js';

interface Rule {
  match: string;
  name?: string;
  captures?: Record<string, { name: string }>;
}
interface Grammar {
  patterns: { include: string }[];
  repository: Record<string, Rule>;
}

const grammar = JSON.parse(readFileSync('media/mmu-scenario.tmLanguage.json', 'utf8')) as Grammar;
const rules = grammar.patterns.map(({ include }) => {
  const rule = grammar.repository[include.slice(1)];
  assert.ok(rule, `${include} is not in the repository`);
  // JavaScript has no (?i) within an expression.
  const [, ignoreCase, source = ''] = /^(\(\?i\))?(.*)$/s.exec(rule.match) ?? [];
  return { ...rule, pattern: new RegExp(source, ignoreCase ? 'gid' : 'gd') };
});

/** The last part that all scopes have says the language, and is left out here. */
const short = (scope = ''): string => scope.replace(/\.mmu-scenario$/, '');

/** Scopes of a line as an editor gives them: at each place the rule whose match begins first, of those the first in the list. */
function tokens(line: string): [string, string][] {
  const found: [string, string][] = [];
  for (let at = 0; at < line.length;) {
    let best: { rule: (typeof rules)[number]; match: RegExpExecArray } | undefined;
    for (const rule of rules) {
      rule.pattern.lastIndex = at;
      const match = rule.pattern.exec(line);
      if (match && match[0] !== '' && (!best || match.index < best.match.index)) best = { rule, match };
    }
    if (!best) break;
    const { rule, match } = best;
    if (rule.name) found.push([match[0], short(rule.name)]);
    for (const [group, { name }] of Object.entries(rule.captures ?? {})) {
      if (match[Number(group)]) found.push([match[Number(group)]!, short(name)]);
    }
    at = match.index + match[0].length;
  }
  return found;
}

/** Scope of a word, of which there is one. */
function scopeOf(word: string, line: string): string | undefined {
  return tokens(line).find(([text]) => text === word)?.[1];
}

describe('The grammar of scenarios', () => {
  it('knows the head of a scenario', () => {
    assert.deepEqual(tokens('kernel 2.6.24 # as it was'), [
      ['kernel', 'storage.type.setup'],
      ['2.6.24', 'constant.numeric.kernel'],
      ['# as it was', 'comment.line.number-sign'],
    ]);
    assert.deepEqual(tokens('without quadrant-filter, unsync'), [
      ['without', 'storage.type.setup'],
      ['quadrant-filter', 'constant.language.feature'],
      [',', 'punctuation.separator'],
      ['unsync', 'constant.language.feature'],
    ]);
    assert.equal(scopeOf('5.15.y-S002', 'Kernel 5.15.y-S002'), 'constant.numeric.kernel');
  });

  it('knows slots and vCPUs', () => {
    assert.deepEqual(tokens('slot ram gfn 0..0xfff large'), [
      ['slot', 'storage.type.setup'],
      ['ram', 'entity.name.type.slot'],
      ['gfn', 'variable.parameter.field'],
      ['0', 'constant.numeric'],
      ['..', 'keyword.operator'],
      ['0xfff', 'constant.numeric'],
      ['large', 'storage.modifier.state'],
    ]);
    assert.equal(scopeOf('delete', 'delete slot ram'), 'keyword.other.action');
    const vcpu = 'vcpu 1 paging npt-32 root-levels 5 cr3 0x1000 nowp';
    assert.equal(scopeOf('npt-32', vcpu), 'constant.language.mode');
    assert.equal(scopeOf('5', vcpu), 'constant.language.mode');
    assert.equal(scopeOf('cr3', vcpu), 'variable.parameter.field');
    assert.equal(scopeOf('nowp', vcpu), 'storage.modifier.state');
  });

  it('knows values', () => {
    assert.deepEqual(tokens('set 0x1000[3] = gfn(0x2)|P|W | PS as 4 bytes'), [
      ['set', 'keyword.other.action'],
      ['0x1000', 'constant.numeric'],
      ['3', 'constant.numeric'],
      ['=', 'keyword.operator'],
      ['gfn', 'variable.parameter.field'],
      ['0x2', 'constant.numeric'],
      ['|', 'keyword.operator'],
      ['P', 'constant.language.flag'],
      ['|', 'keyword.operator'],
      ['W', 'constant.language.flag'],
      ['|', 'keyword.operator'],
      ['PS', 'constant.language.flag'],
      ['as', 'variable.parameter.field'],
      ['4', 'constant.numeric'],
      ['bytes', 'variable.parameter.field'],
    ]);
    assert.equal(scopeOf('64M', 'read 64M user'), 'constant.numeric');
  });

  it('knows accesses, and cr3 as one of them', () => {
    for (const action of ['write', 'read', 'fetch', 'cr3', 'invlpg', 'emulate'])
      assert.equal(scopeOf(action, `${action} 0x1000`), 'keyword.other.action');
    assert.equal(scopeOf('host  take', 'host  take gfn 1..2'), 'keyword.other.action');
    assert.equal(scopeOf('ZAP all', 'ZAP all'), 'keyword.other.action');
  });

  it('knows what is expected', () => {
    const line = 'expect no page gfn 0x2 level 1 unsync 4-byte access wux';
    assert.equal(scopeOf('expect', line), 'keyword.control.expect');
    assert.equal(scopeOf('no', line), 'keyword.operator.logical');
    assert.equal(scopeOf('level', line), 'variable.parameter.field');
    for (const state of ['unsync', '4-byte', 'wux']) assert.equal(scopeOf(state, line), 'storage.modifier.state');
    const event = 'expect 2 events kvm_mmu_get_page gfn=0x2 created=1';
    assert.equal(scopeOf('kvm_mmu_get_page', event), 'entity.name.function.event');
    assert.equal(scopeOf('created', event), 'variable.parameter.field');
    assert.equal(scopeOf('I-9', 'expect invariants broken I-9 I-24'), 'constant.other.invariant');
  });

  it('knows a condition and the statement after it', () => {
    assert.deepEqual(tokens('if not quadrant-filter: expect used 3').slice(0, 4), [
      ['if', 'keyword.control.conditional'],
      ['not', 'keyword.operator.logical'],
      ['quadrant-filter', 'constant.language.feature'],
      ['expect', 'keyword.control.expect'],
    ]);
    assert.deepEqual(tokens('if unsync and not unsync-many: reclaim 1').slice(2, 6), [
      ['and', 'keyword.operator.logical'],
      ['not', 'keyword.operator.logical'],
      ['unsync-many', 'constant.language.feature'],
      ['reclaim', 'keyword.other.action'],
    ]);
    assert.equal(scopeOf('write', 'if unsync: write 0x1000 = 1'), 'keyword.other.action');
  });

  it('knows every word of the language', () => {
    const objects: Record<string, string> = { delete: 'slot ram', host: 'map gfn 1', zap: 'all' };
    for (const word of ACTION_WORDS) {
      const [first] = tokens(`${word} ${objects[word] ?? 'x'}`);
      assert.match(first?.[0] ?? '', new RegExp(`^${word}`), word);
    }
    for (const mode of MODES) assert.equal(scopeOf(mode, `vcpu 0 paging ${mode}`), 'constant.language.mode');
    for (const control of CONTROLS) assert.equal(scopeOf(control, `vcpu 0 ${control}`), 'storage.modifier.state');
    for (const result of RESULTS) assert.equal(scopeOf(result, `expect result ${result}`), 'storage.modifier.state');
    for (const flag of FLAG_NAMES) assert.equal(scopeOf(flag, `set 0 = 0|${flag}`), 'constant.language.flag');
    for (const event of EVENT_NAMES) assert.equal(scopeOf(event, `expect event ${event}`), 'entity.name.function.event');
  });

  it('gives a misspelt word no colour', () => {
    assert.deepEqual(tokens('wrote 0x10'), [['0x10', 'constant.numeric']]);
  });
});

describe('The snippets of scenarios', () => {
  const snippets = JSON.parse(readFileSync('media/mmu-scenario.snippets.json', 'utf8')) as Record<
    string,
    { prefix: string; body: string | string[] }
  >;

  it('begin each of their lines as a statement or a comment', () => {
    const first = new Set([
      'keyword.control.expect',
      'keyword.control.conditional',
      'keyword.other.action',
      'storage.type.setup',
      'comment.line.number-sign',
    ]);
    for (const { prefix, body } of Object.values(snippets)) {
      for (const line of [body].flat().filter((text) => text !== '' && text !== '$0')) {
        const plain = line.replace(/\$\{\d+\|([^,|]*),[^}]*\}/g, '$1').replace(/\$\{\d+:([^}]*)\}/g, '$1');
        assert.ok(first.has(tokens(plain)[0]?.[1] ?? ''), `${prefix}: ${plain}`);
      }
    }
  });
});
