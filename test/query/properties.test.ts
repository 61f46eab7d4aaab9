import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { print, type Node } from '../../src/replay/query/ast.js';
import { globMatcher } from '../../src/replay/query/glob.js';
import { COMPARISONS } from '../../src/replay/query/lexer.js';
import { parse } from '../../src/replay/query/parser.js';
import { compileCondition, compileHits, compileTemplate, completions, ConditionError, evaluate } from '../../src/replay/query/index.js';
import { FIELDS } from '../../src/replay/query/fields.js';
import { at, spArgs, World } from './world.js';

const world = new World();
world.addPage(1, { gfn: 5, level: 1 });
world.add({ name: 'kvm_mmu_get_page', args: spArgs({ gfn: 5, level: 1 }), page: 1 });
world.add({ name: 'kvm_mmu_set_spte', args: { gfn: 5, spte: 0xffff_ffff_ffff_ffffn, level: 1, r: 1, x: 1, u: -1 } });
world.add({ name: 'kvm_exit', args: { exit_reason: 'PF excp' } });

const span = { column: 0, length: 0 };
const field = fc.constantFrom(...FIELDS.keys());
const literal = fc.oneof(
  fc.record({ quoted: fc.constant(false), text: fc.constantFrom('0', '42', '0x2ced', '-1', 'w-x', 'kvm_mmu_*', '34.5') }),
  fc.record({ quoted: fc.constant(true), text: fc.string({ maxLength: 8 }) }),
);
const leaf: fc.Arbitrary<Node> = fc.oneof(
  field.map((path): Node => ({ type: 'field', path, ...span })),
  fc
    .tuple(field, fc.constantFrom(...COMPARISONS), literal)
    .map(([path, op, value]): Node => ({ type: 'compare', field: { path, ...span }, op, value: { ...value, ...span } })),
);
const { node } = fc.letrec<{ node: Node }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    leaf,
    tie('node').map((operand): Node => ({ type: 'not', operand })),
    fc.tuple(fc.constantFrom('and', 'or'), tie('node'), tie('node')).map(([type, left, right]): Node => ({ type, left, right })),
  ),
}));

/** The tree without its places. */
function bare(n: Node): unknown {
  return JSON.parse(JSON.stringify(n, (key, value: unknown) => (key === 'column' || key === 'length' ? undefined : value)));
}

/** Text that looks like a condition more often than not. */
const scribble = fc
  .array(
    fc.oneof(
      field,
      fc.constantFrom('&&', '||', '!', '(', ')', '==', '!=', '<', '&', '~', '"', '[', ']', '.', 'sp', '2c00 L1 q0', '0x', '1', '{', '}'),
      fc.string(),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(' '));

describe('conditions, whatever the text', () => {
  it('parsing what was printed gives the same tree', () => {
    fc.assert(fc.property(node, (n) => assert.deepEqual(bare(parse(print(n))), bare(n))));
  });

  it('a condition is a condition or an error with a place in the text, and tests without throwing', () => {
    fc.assert(
      fc.property(fc.oneof(scribble, node.map(print)), (text) => {
        const condition = compileCondition(text);
        if (condition instanceof ConditionError) {
          assert.ok(condition.column >= 0 && condition.column <= text.length && condition.length >= 1);
          return;
        }
        for (let e = 0; e < world.events.length; e++) {
          assert.equal(typeof condition.test({ replay: world, event: at(e) }), 'boolean');
        }
      }),
      { numRuns: 500 },
    );
  });

  it('negation never makes a comparison of a missing field true', () => {
    fc.assert(
      fc.property(leaf, (n) => {
        if (n.type !== 'compare') return;
        const plain = compileCondition(print(n));
        const negated = compileCondition(`!(${print(n)})`);
        if (plain instanceof ConditionError || negated instanceof ConditionError) return;
        for (let e = 0; e < world.events.length; e++) {
          const scope = { replay: world, event: at(e) };
          assert.ok(!(plain.test(scope) && negated.test(scope)));
        }
      }),
    );
  });

  it('evaluate, completions, hit counts and log messages never throw', () => {
    fc.assert(
      fc.property(scribble, fc.nat(40), fc.integer({ min: -1, max: 2 }), (text, column, event) => {
        evaluate(text, { replay: world, event: at(event) });
        completions(text, column);
        compileHits(text);
        const template = compileTemplate(text);
        if (!(template instanceof ConditionError)) template.render({ replay: world, event: at(event) }, (v) => v.type);
      }),
      { numRuns: 500 },
    );
  });

  it('globs agree with the regular expression that means the same', () => {
    const pattern = fc.array(fc.constantFrom('a', 'b', '*', '?', '[ab]', '[!a]', '.', '+')).map((p) => p.join(''));
    const text = fc.array(fc.constantFrom('a', 'b', 'c', '.', '+')).map((p) => p.join(''));
    fc.assert(
      fc.property(pattern, text, (p, t) => {
        const source = p.replace(/[.+]/g, '\\$&').replace(/\[!/g, '[^').replace(/\*/g, '.*').replace(/\?/g, '.');
        assert.equal(globMatcher(p)(t), new RegExp(`^${source}$`, 's').test(t));
      }),
    );
  });

  it('a hostile glob takes no time', () => {
    const started = performance.now();
    globMatcher('*a'.repeat(40) + 'b')('a'.repeat(5000));
    assert.ok(performance.now() - started < 1000);
  });
});
