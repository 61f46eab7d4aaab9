import { strict as assert } from 'node:assert';
import { event, linesOf, replayed, replayedLines } from './recordings.js';

/** `used_pages` that the kernel printed, and the engine's own count before that event. */
function usedPages(lines: readonly string[], count: (event: number) => number): [recorded: number, counted: number][] {
  return lines.flatMap((line, index) => {
    const match = /kvm_mmu_zap_all_fast: .* used_pages (\w+)/.exec(line);
    return match ? [[parseInt(match[1]!, 16), count(index - 1)]] : [];
  });
}

for (const name of ['k6.1-nonpae-small-all.txt.zst', 'k7.2-nonpae-small-all.txt.zst']) {
  describe(`${name} without its zaps`, () => {
    it('the engine zaps what must go by itself: used_pages holds', async () => {
      const whole = linesOf(await replayed(name));
      const bare = await replayedLines(whole.filter((line) => !line.includes('kvm_mmu_prepare_zap_page')));
      const cursor = bare.cursor();
      const pairs = usedPages(linesOf(bare), (at) => {
        cursor.seek(event(at));
        return cursor.usedPages(0);
      });
      assert.equal(pairs.length, 1);
      for (const [recorded, counted] of pairs) assert.equal(counted, recorded);
    });

    it('each of them is a finding', async () => {
      const whole = linesOf(await replayed(name));
      const bare = await replayedLines(whole.filter((line) => !line.includes('kvm_mmu_prepare_zap_page')));
      const { missing } = bare.accounts.outputs.get('kvm_mmu_prepare_zap_page')!;
      assert.ok(missing > 30, `${missing} zaps were missed`);
    });
  });
}
