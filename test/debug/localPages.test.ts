import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { Driver } from './driver.js';
import { temporary } from './recordings.js';

/** The nested page tables of a 32-bit hypervisor, shadowed below five levels, of which three are local pages; then another table. */
const NESTED = `kernel rfc-local
slot ram gfn 0..0xff pfn 0x10000
vcpu 0 paging npt-32 root-levels 5 cr3 0x1000
set 0x1000[0] = 0x5000|P|W|U|A
set 0x5000[0] = 0x10000|P|W|U|A|D
read 0x0
cr3 0x2000
`;
const CR3_LINE = 7;
const READ_LINE = 6;

describe('a scenario with local pages', () => {
  it('shows how a root of level 5 is freed: each level is a step of its own, forwards and back', async () => {
    const file = temporary('nested.mmu', NESTED);
    const driver = await Driver.loaded(file, { filters: [] });
    await driver.client.request('setBreakpoints', { source: { path: file }, breakpoints: [{ line: READ_LINE }] });
    await driver.go('continue');
    const steps: string[] = [];
    const top = async (): Promise<string> => (await driver.frames())[0]!.name;
    while (!steps.at(-1)?.startsWith('kvm_entry')) {
      await driver.go('stepIn');
      steps.push(await top());
      assert.equal((await driver.frames())[0]!.line, CR3_LINE);
    }
    const first = steps.findIndex((name) => name.startsWith('mmu_free_local_root_page'));
    assert.deepEqual(steps.slice(first, first + 7), [
      'mmu_free_local_root_page(0 L5 q0)',
      'mmu_page_zap_pte(0 L5 q0 [000])',
      'mmu_page_zap_pte(0 L4 q0 [000])',
      ...[0, 1, 2, 3].map((slot) => `mmu_page_zap_pte(0 L3 q0 [00${slot}])`),
    ]);
    const back: string[] = [];
    for (let i = 0; i < steps.length - 1; i++) {
      await driver.go('stepBack');
      back.push(await top());
    }
    assert.deepEqual(back, steps.slice(0, -1).reverse());
    driver.close();
  });
});
