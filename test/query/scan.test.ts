import assert from 'node:assert/strict';
import fc from 'fast-check';
import { before, describe, it } from 'mocha';
import type { EventIndex } from '../../src/engine/ids.js';
import { print, type Node } from '../../src/replay/query/ast.js';
import { FIELDS } from '../../src/replay/query/fields.js';
import { COMPARISONS } from '../../src/replay/query/lexer.js';
import { compileCondition, ConditionError, ofForm, type Condition, type EventScope } from '../../src/replay/query/index.js';
import type { Replay } from '../../src/replay/replay.js';
import { EventLists } from '../../src/debug/load/eventLists.js';
import { union } from '../../src/debug/stops/eventSet.js';
import { Scan } from '../../src/debug/stops/scan.js';
import { Pace } from '../../src/debug/wire/pace.js';
import { EVENTS, Kind } from '../../src/trace/vocabulary.js';
import { replayed } from '../replay/recordings.js';

/** Binary and text, several VMs, losses, an old kernel and a new one, a clock that counts ticks, pages that events disagree about. */
const RECORDINGS = [
  'k6.1-three-vms-all.dat',
  'k5.10-nonpae-small-all.dat',
  'k7.2-nonpae-small-all.txt.zst',
  'k6.1-lost-overwrite.txt.zst',
  'k6.1-fmt-clock-counter.txt.zst',
  'k6.1-fmt-latency-format.txt.zst',
];

/** A value that a field has at some event, as a condition would write it; what else people write. */
function literalOf(replay: Replay, name: string, event: number): string {
  const field = FIELDS.get(name)!;
  const scope: EventScope = { replay, event: (event % replay.table.length) as EventIndex };
  switch (field.type) {
    case 'number': {
      const n = field.num(scope);
      return Number.isNaN(n) ? '1' : (field.word?.(scope) ?? BigInt(n)).toString();
    }
    case 'text':
      return field.text(scope) ?? 'PF*';
    case 'time':
      return field.printed(scope) || '7.5';
    default:
      return '0x3712';
  }
}

const span = { column: 0, length: 0 };

function conditions(replay: Replay): fc.Arbitrary<Node> {
  const field = fc.constantFrom(...FIELDS.keys());
  const text = fc.constantFrom('0', '1', '2', '-1', '0x2', '0x8000000000000000', '0x4ceed', '470', '34.5', 'w-x', '-w-', 'kvm_*', 'P*');
  const leaf: fc.Arbitrary<Node> = fc.oneof(
    field.map((path): Node => ({ type: 'field', path, ...span })),
    { arbitrary: comparison(), weight: 6 },
  );
  function comparison(): fc.Arbitrary<Node> {
    return fc.tuple(field, fc.constantFrom(...COMPARISONS), fc.nat(), fc.boolean(), text).map(([path, op, event, own, other]): Node => {
      const literal = own ? literalOf(replay, path, event) : other;
      const quoted = FIELDS.get(path)!.type === 'text';
      return { type: 'compare', field: { path, ...span }, op, value: { quoted, text: literal, ...span } };
    });
  }
  return fc.letrec<{ node: Node }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      leaf,
      tie('node').map((operand): Node => ({ type: 'not', operand })),
      fc.tuple(fc.constantFrom('and', 'or'), tie('node'), tie('node')).map(([type, left, right]): Node => ({ type, left, right })),
    ),
  })).node;
}

/** What a scan says of an event, as one of those like the first of its shape. */
function scanned(condition: Condition, scope: EventScope, samples: Map<number, number>, e: number): boolean {
  const shape = scope.replay.table.formOf(e);
  if (!samples.has(shape)) samples.set(shape, e);
  const alike = condition.verdict(scope, samples.get(shape)!);
  const verdict = ofForm(alike, e);
  if (typeof alike !== 'boolean')
    assert.equal(alike(e), typeof verdict === 'boolean' ? verdict : verdict(e), 'its form leaves the same of it');
  return typeof verdict === 'boolean' ? verdict : verdict(e);
}

describe('conditions in a scan of the columns', () => {
  for (const name of RECORDINGS) {
    it(`hold where they hold of one event after the other: ${name}`, async () => {
      const replay = await replayed(name);
      const { length } = replay.table;
      const samples = new Map<number, number>();
      const one: EventScope = { replay, event: -1 as EventIndex };
      const many: EventScope = { replay, event: -1 as EventIndex };
      fc.assert(
        fc.property(conditions(replay), fc.nat(), (node, from) => {
          const text = print(node);
          const condition = compileCondition(text);
          if (condition instanceof ConditionError) return;
          for (let i = 0; i < 60; i++) {
            const e = (from + i * 37) % length;
            one.event = e as EventIndex;
            assert.equal(scanned(condition, many, samples, e), condition.test(one), `${text} at event ${e}`);
          }
        }),
        { numRuns: 150 },
      );
    });
  }

  describe('from both sides', () => {
    let replay: Replay;
    let lists: EventLists;
    before(async () => {
      replay = await replayed('k6.1-three-vms-all.dat');
      lists = new EventLists(replay.table, (e) => replay.depthOf(e as EventIndex));
      lists.extend(replay.table.length);
    });
    const find = async (scan: Scan, from: number, direction: 1 | -1, bound: number): Promise<number | undefined> =>
      (await scan.find(from, direction, bound, new Pace(), new AbortController().signal)).event;

    for (const text of [
      'level == 1',
      'sp.level > 1 && !(sp.unsync == 1)',
      'vcpu == 0 || gfn > 0x100',
      'spte & 0x2',
      'spte.w == 1',
      'pid',
    ]) {
      it(`find every event of their sets and no other: ${text}`, async () => {
        const condition = compileCondition(text) as Condition;
        const scope: EventScope = { replay, event: -1 as EventIndex };
        const kinds = [Kind.getPage, Kind.setSpte, Kind.prepareZap, Kind.exit];
        const some = union(kinds.map((kind) => lists.ofKind(kind)));
        const rare = lists.ofKind(Kind.zapAllFast);
        const scan = new Scan([some, rare].map((set) => ({ members: set.members!, condition, scope })));
        const expected: number[] = [];
        const plain: EventScope = { replay, event: -1 as EventIndex };
        for (let e = 0; e < replay.table.length; e++) {
          plain.event = e as EventIndex;
          if ([...kinds, Kind.zapAllFast].includes(replay.table.kind(e) as never) && condition.test(plain)) expected.push(e);
        }
        const forwards: number[] = [];
        for (let e = await find(scan, -1, 1, replay.table.length); e !== undefined; e = await find(scan, e, 1, replay.table.length))
          forwards.push(e);
        assert.deepEqual(forwards, expected);
        const backwards: number[] = [];
        for (let e = await find(scan, replay.table.length, -1, -1); e !== undefined; e = await find(scan, e, -1, -1)) backwards.unshift(e);
        assert.deepEqual(backwards, expected);
        const [third] = expected.slice(3);
        if (third === undefined) return;
        assert.equal(await find(scan, -1, 1, expected[0]!), undefined, 'the bound is excluded');
        assert.equal(await find(scan, third, -1, expected[2]! - 1), expected[2]);
      });
    }

    it('end where they are told to, and say how far they came', async () => {
      const condition = compileCondition('event.index < 0') as Condition;
      const all = union([...EVENTS.keys()].map((kind) => lists.ofKind(kind as Kind)));
      const scan = new Scan([{ members: all.members!, condition, scope: { replay, event: -1 as EventIndex } }]);
      const brake = new AbortController();
      brake.abort();
      const found = await scan.find(-1, 1, replay.table.length, new Pace(), brake.signal);
      assert.ok(found.event === undefined && found.interrupted && found.at >= 0 && found.at < replay.table.length);
    });
  });
});
