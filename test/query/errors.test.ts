import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { caret, checkExpression, compileCondition, compileHits, compileTemplate, ConditionError } from '../../src/replay/query/index.js';

function error(text: string): ConditionError {
  const result = compileCondition(text);
  assert.ok(result instanceof ConditionError, `${text} compiled`);
  return result;
}

describe('condition errors', () => {
  const cases: [string, string, number][] = [
    ['quadrent == 1', "unknown field 'quadrent'; did you mean role.quadrant?", 0],
    ['gfn == 1 && role.quadrent == 1', "unknown field 'role.quadrent'; did you mean role.quadrant?", 12],
    ['unsnyc', "unknown field 'unsnyc'; did you mean unsync?", 0],
    ['xyzzy == 1', "unknown field 'xyzzy'", 0],
    ['', 'the condition is empty', 0],
    ['gfn = 1', "'=' does not compare; write ==", 4],
    ['gfn | 1', "'|' alone means nothing here; write ||", 4],
    ['gfn ==', 'expected a value after ==, but the text ends here', 6],
    ['gfn == &&', "expected a value after ==, not '&&'", 7],
    ['(gfn == 1', "this '(' is not closed", 0],
    ['gfn == 1)', "this ')' closes nothing", 8],
    ['gfn == 1 level == 2', "expected && or || before 'level'", 9],
    ['1 < gfn < 3', 'one comparison at a time; join two with && or ||', 8],
    ['5 == gfn', 'a comparison begins with a field, not with 5', 0],
    ['gfn == 2ced', 'gfn: hexadecimal numbers need 0x: 0x2ced', 7],
    ['event.index == 300,045', 'event.index: write 300045 without separators', 15],
    ['gfn == 010', 'gfn: a leading 0 is ambiguous; write 10 or 0x010', 7],
    ['gfn == "5"', 'gfn is a number, not text', 7],
    ['gfn ~ 5', '~ compares text; gfn is a number', 0],
    ['comm < a', 'comm is text; compare it with ==, != or ~', 0],
    ['sp == 1', 'sp is a whole page; compare one of its fields, like sp.gfn or sp.unsync', 0],
    ['event.time > soon', 'event.time needs seconds as the trace prints them, like 34.467238', 13],
    ['comm == "CPU', 'this " is not closed', 8],
    ['role.access == xw', 'access is written with the letters r, w, u, x, like w-x', 15],
  ];
  for (const [text, message, column] of cases) {
    it(text || '(empty)', () => {
      const e = error(text);
      assert.equal(e.message, message);
      assert.equal(e.column, column);
    });
  }

  it('the caret stands below the offending token', () => {
    assert.equal(
      caret(error('gfn == 1 && quadrent == 2')),
      'gfn == 1 && quadrent == 2\n            ^^^^^^^^\n' + "unknown field 'quadrent'; did you mean role.quadrant?",
    );
    assert.equal(caret(error('\tgfn ==')).split('\n')[1], '\t      ^');
  });

  it('in one line it names the column, from 1', () => {
    assert.equal(String(error('gfn == 1 && quadrent')), "unknown field 'quadrent'; did you mean role.quadrant? (column 13)");
  });

  it('deep nesting is an error, not a crash', () => {
    assert.match(error('('.repeat(100_000)).message, /nested/);
    assert.match(error('!'.repeat(100_000) + 'gfn').message, /nested/);
  });

  it('hit counts', () => {
    const holds = (text: string): number[] => {
      const hits = compileHits(text);
      assert.ok(!(hits instanceof ConditionError), text);
      return [1, 2, 3, 4, 5, 6].filter((n) => hits.test(n));
    };
    assert.deepEqual(holds('3'), [3]);
    assert.deepEqual(holds('== 3'), [3]);
    assert.deepEqual(holds('=3'), [3]);
    assert.deepEqual(holds('>= 3'), [3, 4, 5, 6]);
    assert.deepEqual(holds(' > 3 '), [4, 5, 6]);
    assert.deepEqual(holds('<= 3'), [1, 2, 3]);
    assert.deepEqual(holds('<3'), [1, 2]);
    assert.deepEqual(holds('!= 3'), [1, 2, 4, 5, 6]);
    assert.deepEqual(holds('% 2'), [2, 4, 6]);
    for (const bad of ['', 'many', '% 0', '>= x', '1.5', '-1', '99999999999999999999'])
      assert.ok(compileHits(bad) instanceof ConditionError, bad);
  });

  it('log messages find their mistakes when they are set', () => {
    const place = (text: string): [string, number] => {
      const e = compileTemplate(text);
      assert.ok(e instanceof ConditionError, text);
      return [e.message, e.column];
    };
    assert.deepEqual(place('at {quadrent}'), ["unknown field 'quadrent'; did you mean role.quadrant?", 4]);
    assert.deepEqual(place('{gfn'), ["this '{' is not closed; write {{ for a brace", 0]);
    assert.deepEqual(place('gfn}'), ["this '}' closes nothing; write }} for a brace", 3]);
    assert.ok(compileTemplate('{{gfn}} is {gfn}, {sp}, {2c00.1.0[0ed]}, {0x10}') instanceof ConditionError === false);
    assert.equal(checkExpression('2c00 L1 q0'), undefined);
    assert.match(checkExpression('2c00 L1 q0 [999]')!.message, /000 to 1ff/);
  });
});
