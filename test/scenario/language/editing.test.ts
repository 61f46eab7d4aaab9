import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import { complete } from '../../../src/scenario/language/complete.js';
import { EXPECTATIONS, STATEMENTS } from '../../../src/scenario/language/docs.js';
import { EXPECTATION_WORDS } from '../../../src/scenario/language/expectations.js';
import { format } from '../../../src/scenario/language/format.js';
import { hover } from '../../../src/scenario/language/hover.js';
import { parse } from '../../../src/scenario/language/parser.js';

const HEAD = 'slot ram gfn 0..0xff\nvcpu 0 paging 32 cr3 0x1000\n';

/** Words that may stand where `|` is, in the last line. */
function words(text: string): string[] {
  const lines = text.split('\n');
  const column = lines.at(-1)!.indexOf('^') + 1;
  return complete(text.replace('^', ''), { line: lines.length, column }).items.map(({ word }) => word);
}

describe('completion', () => {
  it('offers what the parser would take', () => {
    assert.ok(['slot', 'vcpu', 'read', 'expect', 'if'].every((word) => words('^').includes(word)));
    assert.deepEqual(words('vcpu 0 paging ^'), ['off', '32', 'pae', '4-level', '5-level', 'npt-32']);
    assert.deepEqual(words('vcpu 0 paging p^'), words('vcpu 0 paging ^'));
    assert.deepEqual(words(`${HEAD}expect result ^`), ['done', 'emulated', 'mmio', 'injected']);
    assert.deepEqual(words(`${HEAD}zap ^`), ['all']);
  });

  it('offers what was not given yet', () => {
    assert.ok(!words('vcpu 0 paging 32 nowp ^').includes('wp'));
    assert.ok(words('vcpu 0 paging 32 nowp ^').includes('cr3'));
  });

  it('knows features, kernels, events, their fields, flags and slots', () => {
    assert.ok(words('without ^').includes('quadrant-filter'));
    assert.ok(words('if not ^').includes('unsync'));
    assert.ok(words('kernel ^').includes('2.6.24'));
    assert.ok(words('expect event ^').includes('kvm_mmu_get_page'));
    assert.ok(words('expect event kvm_mmu_get_page gfn=5 ^').includes('created'));
    assert.ok(words('set 0x1000[0] = 0x5000|^').includes('PCD'));
    assert.deepEqual(words(`${HEAD}delete slot ^`), ['ram']);
  });

  it('says nothing in a comment, nor behind what is wrong', () => {
    assert.deepEqual(words('read 0 # ^'), []);
    assert.deepEqual(words('nonsense ^'), []);
  });

  it('offers only words that are right there', () => {
    for (const line of ['', 'vcpu 0 ', 'expect ', 'expect no ', 'expect page ', 'host ', 'expect spte va 0 is leaf ', 'expect memory 0 ']) {
      for (const word of words(`${line}^`)) {
        const { diagnostics } = parse(HEAD + line + word);
        assert.ok(
          diagnostics.every(({ column }) => column > line.length),
          `${line}${word}: ${diagnostics[0]?.message}`,
        );
      }
    }
  });

  it('answers at every place of any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(20), fc.nat(20), (text, line, column) => {
        complete(text, { line: line + 1, column: column + 1 });
        hover(text, { line: line + 1, column: column + 1 });
      }),
    );
  });
});

describe('a hover', () => {
  const at = (line: string, word: string): string | undefined => {
    const found = hover(HEAD + line, { line: 3, column: line.indexOf(word) + 1 });
    return found && `${found.code ?? ''}: ${found.text}`;
  };

  it('explains each statement and each expectation', () => {
    for (const word of Object.keys(STATEMENTS)) assert.ok(at(word, word), word);
    assert.deepEqual(Object.keys(EXPECTATIONS).sort(), [...EXPECTATION_WORDS].sort());
    for (const word of EXPECTATION_WORDS) assert.ok(at(`expect ${word}`, word), word);
  });

  it('takes addresses and entries apart', () => {
    assert.equal(
      at('read 0x200000', '0x2'),
      '0x200000: PDE 0, PTE 0x200, offset 0. Shadowed by quadrant 0 of the page directory at [1], quadrant 1 of the page table at [0].',
    );
    assert.equal(at('set 0x5000[512] = 0x20000|P|W', '0x20000'), '0x20003: As a guest entry: gfn 0x20, P W.');
    assert.equal(at('set 0x5000[512] = 0x20000|P|W', '512'), '0x5800: gfn 5, offset 0x800, in slot ram.');
  });

  it('knows features, kernels, events and invariants', () => {
    assert.match(at('if quadrant-filter: read 0', 'quadrant')!, /With: a guest write touches only .* On in 2\.6\.22/);
    assert.match(at('kernel 2.6.24', '2.6')!, /kernels 2\.6\.23 to 2\.6\.24.*update-on-write/);
    assert.match(at('expect event kvm_mmu_set_spte', 'kvm')!, /Fields: gfn, spte/);
    assert.match(at('expect invariants broken I-9', 'I-9')!, /maps what its guest entry says/);
  });
});

describe('the formatter', () => {
  it('puts a scenario into one hand', () => {
    const text = [
      '',
      'KERNEL   6.1',
      '',
      '',
      '  # the guest',
      'Slot  RAM gfn 0 .. 0XFF  # all',
      'vcpu 0 Paging 32 cr3 4k NOWP # one',
      'set gfn( 5 ) [ 3 ]=0x10000 | p|w|Nx as 8 bytes',
      'if Unsync : read 0',
      'expect spte ( gfn 5 ) [3]  is leaf',
      'expect event kvm_mmu_get_page gfn = 5',
      'nonsense   here',
      '',
    ].join('\r\n');
    assert.equal(
      format(text),
      [
        'kernel 6.1',
        '',
        '# the guest',
        'slot RAM gfn 0..0xff                # all',
        'vcpu 0 paging 32 cr3 4K nowp        # one',
        'set gfn(5)[3] = 0x10000|P|W|NX as 8 bytes',
        'if unsync: read 0',
        'expect spte (gfn 5)[3] is leaf',
        'expect event kvm_mmu_get_page gfn=5',
        'nonsense   here',
        '',
      ]
        .join('\n')
        .replace(/ {16}# all/, '          # all')
        .replace(/ {8}# one/, '  # one'),
    );
  });

  const STATEMENT_LINES = [
    'kernel 5.15.y-S002',
    'without quadrant-filter, unsync # off',
    'slot Big gfn 0..0x3ff pfn 0x1000 large',
    'vcpu 0 paging 32 cr3 gfn(1) nowp smep',
    'set gfn(1)[0..3] = gfn(5)|P|W|U step 0x1000 # four',
    'emulate 0x1802 = 0 as 4 bytes',
    'write 0x1000 = 7 as 1 byte user unusual',
    'expect 2 pages gfn 5 level 1 access -ux root 1',
    'expect spte va 0 level 2 is link gfn 5 quadrant 1',
    'expect no event kvm_exit exit_reason=PF_excp',
    'expect invariants broken I-9, I-24',
    '',
    '# a comment',
    'what is this',
  ];

  it('changes nothing twice, and nothing that is meant', () => {
    const spaced = fc.array(fc.tuple(fc.constantFrom(...STATEMENT_LINES), fc.constantFrom('', '  ', '\t')), { maxLength: 12 });
    fc.assert(
      fc.property(spaced, (lines) => {
        const text = lines.map(([line, space]) => space + line.replaceAll(' ', ` ${space}`)).join('\n');
        const once = format(text);
        assert.equal(format(once), once);
        const meant = (of: string): string[] => parse(of).program.statements.map(({ text: its }) => its.replace(/\s/g, '').toLowerCase());
        assert.deepEqual(meant(once), meant(text));
        assert.equal(parse(once).diagnostics.length, parse(text).diagnostics.length);
      }),
    );
  });
});
