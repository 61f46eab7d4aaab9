import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import { ACTION_WORDS } from '../../../src/scenario/language/actions.js';
import { FEATURE_NAMES } from '../../../src/engine/features.js';
import { EVENT_NAMES } from '../../../src/scenario/language/events.js';
import { parse } from '../../../src/scenario/language/parser.js';

const HEAD = 'slot ram gfn 0..0xff\nvcpu 0 paging 32 cr3 0x1000\n';

/** `LINE:COLUMN: message` of each. */
function errors(text: string): string[] {
  return parse(text).diagnostics.map(({ line, column, message }) => `${line}:${column}: ${message}`);
}

/** The only error of a line behind a slot and a 32-bit vCPU, without its line. */
function errorOf(line: string): string {
  const found = errors(HEAD + line);
  assert.equal(found.length, 1, `${line}: ${found.join(' / ')}`);
  return found[0]!.replace(/^3:/, '');
}

describe('a mistake in a scenario', () => {
  const cases: readonly (readonly [line: string, error: string | RegExp])[] = [
    // misspelt words
    ['raed 0', "1: expected 'if' or a statement, found 'raed'; did you mean 'read'?"],
    ['write 0 usre', /^9: expected .*'user'.*, found 'usre'; did you mean 'user'\?$/],
    ['zap al', "5: expected 'all', found 'al'; did you mean 'all'?"],
    ['if quadrant-fliter: read 0', /^4: expected .*a feature, found 'quadrant-fliter'; did you mean 'quadrant-filter'\?$/],
    ['expect paegs gfn 5', /^8: expected .*; did you mean 'pages'\?$/],
    ['expect page gfn 5 levl 1', /^19: expected .*, found 'levl'; did you mean 'level'\?$/],
    ['expect event kvm_mmu_get_pge', /^14: expected the name of an event.*; did you mean 'kvm_mmu_get_page'\?$/],
    ['expect event kvm_mmu_get_page quadrnt=1', /^31: expected a field of the event.*; did you mean 'quadrant'\?$/],
    ['set 0x1000[0] = 0x5000|Q', /^24: expected .*a flag \(P, W, U, .*NX\), found 'Q'$/],
    ['vcpu 0 paging 4level', /^15: expected a paging mode, found '4level'; did you mean '4-level'\?$/],
    ['delete slot rma', "13: expected one of ram, found 'rma'; did you mean 'ram'?"],
    ['expect result emulatd', /^15: expected a result, found 'emulatd'; did you mean 'emulated'\?$/],
    // something is missing
    ['read', "5: expected 'gfn' or an address, found the end of the line"],
    ['set 0x1000[0 = 1', "14: expected '..' or ']', found '='"],
    ['set 0x1000', /^11: expected .*'=', found the end of the line$/],
    ['expect', /^7: expected .*, found the end of the line$/],
    ['read 0 0', /^8: expected 'user' or the end of the line, found '0'$/],
    // numbers out of range
    ['slot big gfn 0x100..0x10000000', "21: expected the last gfn up to 0xfffffff (MAXPHYADDR is 40), found '0x10000000'"],
    ['slot back gfn 0x200..0x100', "22: expected a last gfn from 0x200 on, found '0x100'"],
    ['set 0x1000[1024] = 1', "12: expected an index below 1024, for the table has entries of 4 bytes, found '1024'"],
    ['set 0x1000[512] = 1 as 8 bytes', "12: expected an index below 512, for the table has entries of 8 bytes, found '512'"],
    ['set 0x1004[0] = 1', "5: expected the address of a table, a multiple of 0x1000, found '0x1004'"],
    ['read 0x100000000', "6: expected an address up to 0xffffffff (32-bit paging), found '0x100000000'"],
    [
      'vcpu 0 paging 4-level cr3 0x1000\nread 0x800000000000',
      /^4:6: expected a canonical address, up to 0x7fffffffffff or from 0xffff800000000000/,
    ],
    ['set 0x1000[0] = 0x1_0000_0000', /^17: expected a value of 4 bytes, found '0x100000000'/],
    ['set 0x1000[0] = 0x5000|P|NX', /^26: expected flags of an entry of 4 bytes, found 'NX'/],
    ['cr3 0x1004', "5: expected a multiple of 0x1000 for CR3 (32-bit paging), found '0x1004'"],
    ['limit 3 pages', "7: expected a limit of 32 pages or more, found '3'"],
    ['emulate 0x1ffe = 0', /^9: expected a write within one page, found 4 bytes that cross its end/],
    ['expect invariants broken I-99', /^26: expected an invariant from I-1 to I-\d+, found 'I-99'$/],
    ['expect spte (gfn 5)[512] is empty', /^21: expected an index of a shadow page, up to 511, found '512'$/],
    // order
    ['slot low gfn 0xff..0x1ff', /^14: expected gfns of no other slot, found 0xff\.\.0x1ff; slot 'ram' of line 1 has 0x0\.\.0xff$/],
    ['slot ram gfn 0x200..0x2ff', /^6: expected a new name, found 'ram', which line 1 gave to another slot$/],
    ['vcpu 2 paging 32', "6: expected a vCPU from 0 to 1, for they are created in order, found '2'"],
    ['vcpu 1', /^6: expected a vCPU that was created, or 'vcpu 1 paging …' to create it, found '1'$/],
    ['kernel 6.1', /^1: expected 'kernel' before all other statements, found it after 'slot ram gfn 0\.\.0xff' in line 1$/],
    ['if unsync: kernel 6.1', /^1: expected 'kernel' without a condition/],
    ['teardown\nread 0', "4:1: expected nothing but 'expect' after 'teardown' in line 3, found 'read 0'"],
    ['host take gfn 0x900', "15: expected a gfn of a memory slot, found '0x900'"],
    ['expect result done', /^1: expected 'read', 'write' or 'fetch' before 'expect result', found none$/],
    // contradictions
    ['vcpu 0 wp nowp', "11: 'nowp' contradicts 'wp'"],
    ['expect page gfn 5 gfn 6', "19: 'gfn' is given twice"],
  ];
  for (const [line, error] of cases) {
    it(line.replaceAll('\n', ' / '), () => {
      const found = errorOf(line);
      if (typeof error === 'string') assert.equal(found, error);
      else assert.match(found, error);
    });
  }

  it('before there is a vCPU', () => {
    assert.match(errors('slot ram gfn 0..9\nread 0')[0]!, /^2:1: expected a vCPU before 'read': create one with 'vcpu 0 paging …'$/);
    assert.match(errors('set 0x1000[0] = 1')[0]!, /^1:5: expected 'as 4 bytes' or 'as 8 bytes' at the end of the line/);
  });

  it('in the name of a kernel', () => {
    assert.match(
      errors('kernel 5.15.y-S003')[0]!,
      /^1:8: expected an era or a kernel version, found '5\.15\.y-S003'; did you mean '5\.15\.y-S002'\?$/,
    );
    assert.match(errors('kernel 3.10')[0]!, /^1:8: expected an era or a kernel version.*found '3\.10'/);
  });

  it('is one of several that are told', () => {
    assert.deepEqual(
      errors(`${HEAD}raed 0\nread 0\nwrte 0\nslot x gfn 0..1`).map((error) => error.split(':')[0]),
      ['3', '5', '6'],
    );
  });

  it('behind a condition does not speak of what may be so', () => {
    assert.deepEqual(errors('if unsync: slot a gfn 0..9\nif not unsync: slot a gfn 0..0xf\nslot b gfn 0x20..0x2f\ndelete slot a'), []);
    assert.deepEqual(errors('if local-pages: vcpu 0 paging pae\nif not local-pages: vcpu 0 paging 4-level\nread 0x800000000'), []);
  });

  it('in any word that statements, features and events are called by is near to the right one', () => {
    for (const [before, words] of [
      ['', ACTION_WORDS],
      ['without ', FEATURE_NAMES],
      [`${HEAD}expect event `, EVENT_NAMES],
    ] as const) {
      for (const word of words) {
        // Two letters swapped in the middle: what fingers do.
        const at = Math.max(1, Math.floor(word.length / 2) - 1);
        const wrong = word.slice(0, at) + word[at + 1]! + word[at]! + word.slice(at + 2);
        if (wrong === word || (words as readonly string[]).includes(wrong)) continue;
        const [first] = errors(before + wrong);
        assert.match(first ?? 'no error', /did you mean '/, `${before}${wrong}`);
      }
    }
  });
});

describe('a text that is no scenario', () => {
  it('of nothing is an empty one', () => {
    for (const text of ['', '\n', '\r\n\r\n', '# only this', '\ufeff', '   \t '])
      assert.deepEqual(parse(text), { program: { statements: [] }, diagnostics: [] });
  });

  it('may end its lines in any way, or not at all', () => {
    for (const end of ['\n', '\r\n', '\r']) {
      const { program, diagnostics } = parse(HEAD.replaceAll('\n', end) + 'read 0');
      assert.deepEqual(diagnostics, []);
      assert.deepEqual(program.statements.map(({ line, text }) => [line, text]).at(-1), [3, 'read 0']);
    }
  });

  it('names what it cannot show', () => {
    assert.match(errors('\u0000\u0001\u0002')[0]!, /^1:1: expected 'if' or a statement.*found '\\x00\\x01\\x02'$/);
    const [long] = errors(`read ${'x'.repeat(1_000_000)}`);
    assert.ok(long!.length < 200, `${long!.length} characters`);
  });

  it('never stops the parser, whatever it is', () => {
    const words = [
      ...ACTION_WORDS,
      'gfn',
      '0x1000',
      '[',
      ']',
      '(',
      ')',
      '=',
      '|',
      '..',
      ',',
      ':',
      'if',
      'not',
      'is',
      'page',
      '5',
      '-1',
      '#',
      'NX',
      'va',
      'I-9',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...words)), (line) => void parse(line.join(' '))),
      { numRuns: 3000 },
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => void parse(text)),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => void parse(`${HEAD}expect ${text}`)),
      { numRuns: 1000 },
    );
  });
});
