import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { ERAS } from '../../../src/engine/eras.js';
import { transcript } from '../../../src/replay/scenario/transcript.js';
import { runScenario } from '../../../src/scenario/run.js';
import { tableOf } from '../../../src/trace/textTable.js';
import { randomScenario } from './randomScenario.js';
import { roundTrip } from './roundTrip.js';

const SCENARIOS = path.resolve('media/scenarios');

/** The golden scenario of the specification: table walks, unsync and sync, flooding, with a second vCPU and the host's doings. */
const GOLDEN = `
slot ram gfn 0x0..0xffff pfn 0x10000
set 0x1000[0x300] = 0x4000|P|W|A|D as 4 bytes
set 0x1000[0x301] = 0x5000|P|W|A|D as 4 bytes
set 0x4000[1] = 0x1000|P|W|A as 4 bytes
set 0x4000[5] = 0x5000|P|W|A as 4 bytes
set 0x5000[642] = 0x77000|P|W as 4 bytes
vcpu 0 paging 32 cr3 0x1000
write 0xc0682000 = 5
write 0xc0005a08 = 0x78063
cr3 0x1000
read 0xc0682000
write 0xc0001c08 = 0x5063
write 0xc0001c08 = 0x5063
write 0xc0001c08 = 0x5063
invlpg 0xc0682000
read 0x10000
vcpu 1 paging 32 cr3 0x1000
read 0xc0682000
set 0x5000[641] = 0xfffff000|P|W
write 0xc0681000 = 7
read 0xc0681000
host take gfn 0x78
read 0xc0682000
zap all
read 0xc0682000
vcpu 0
read 0xc0682000
teardown
`;

describe('the transcript of a scenario, replayed', () => {
  for (const { name } of ERAS) {
    it(`has the states of the run: the golden scenario on ${name}`, () => {
      const run = runScenario(GOLDEN, 'golden.mmu', { kernel: name });
      const { differences, compared } = roundTrip(run.machine, run);
      assert.deepEqual(differences, []);
      assert.ok(compared > 500);
    });
  }

  for (const file of readdirSync(SCENARIOS).filter((each) => each.endsWith('.mmu'))) {
    it(`has the states of the run: ${file}`, () => {
      const run = runScenario(readFileSync(path.join(SCENARIOS, file), 'utf8'), file);
      assert.deepEqual(roundTrip(run.machine, run).differences, []);
    });
  }

  for (const kernel of ['5.10', '6.1.0', '6.1', '6.12', '7.x']) {
    it(`has the states of the run: random scenarios on ${kernel}`, () => {
      let entries = 0;
      fc.assert(
        fc.property(randomScenario, (text) => {
          const run = runScenario(text, 'random.mmu', { kernel });
          assert.deepEqual(run.failures, []);
          const { differences, compared } = roundTrip(run.machine, run);
          entries += compared;
          assert.deepEqual(differences, [], text);
        }),
        { numRuns: 20, seed: 20, endOnFailure: true },
      );
      assert.ok(entries > 20_000, `only ${entries} entries were compared`);
    }).timeout(60_000);
  }

  it('begins with the rules, which the reader takes up', () => {
    const run = runScenario(
      'kernel 6.1.0\nwithout quadrant-filter\nwith update-on-write\nslot ram gfn 0..0xff\nvcpu 0 paging off\n',
      'a.mmu',
    );
    const text = transcript(run);
    assert.equal(text.split('\n')[1], '#   shadow-mmu: kernel 6.1.0 without quadrant-filter with update-on-write');
    const { info } = tableOf(text, 'a.txt');
    assert.deepEqual(info.scenario, { kernel: '6.1.0', without: ['quadrant-filter'], with: ['update-on-write'] });
    assert.equal(info.kernel.text, '6.1.0');
  });

  it('says which rules of the header it does not know', () => {
    const { info } = tableOf('# tracer: nop\n#   shadow-mmu: kernel 6.1 without quadrant-filtre\n', 'a.txt');
    assert.deepEqual(info.scenario, { kernel: '6.1', without: [], with: [] });
    assert.match(info.notes[0]!.text, /quadrant-filtre/);
    assert.equal(info.damaged, false);
  });
});
