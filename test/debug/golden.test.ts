import { describe, it } from 'mocha';
import { DEFAULT_FILTERS, Driver } from './driver.js';
import { plain, recording } from './recordings.js';
import { Transcript } from './transcript.js';

const RECORDING = 'k6.1-nonpae-small-all.txt.zst';

describe('whole sessions', () => {
  it('an allocation, step by step, and back', async () => {
    const driver = await Driver.loaded(await plain(RECORDING, 'allocation.txt'));
    const session = new Transcript(driver);
    await session.request('setExceptionBreakpoints', {
      filters: [],
      filterOptions: [{ filterId: 'role-allocation', condition: 'role.level == 1' }],
    });
    await session.go('continue');
    await session.card();
    await session.callStack();
    await session.scope('Event');
    await session.scope('vCPU');
    await session.scope('Shadow pages', 'vCPU 0 root', '[000]', 'SPTEs', '[000–03f]');
    await session.request('setExceptionBreakpoints', { filters: [] });
    await session.go('next');
    await session.go('next');
    await session.scope('Shadow pages', 'vCPU 0 root', '[000]', 'SPTEs', '[000–03f]', '[000]', 'SPTEs', '[000–03f]');
    await session.evaluate('sp', 'spte', 'gfn', 'sp.unsync', '102 L1 q0 [010]', 'level == 1 && gfn == 0x10', 'nothing');
    await session.go('stepOut');
    await session.go('stepBack');
    await session.go('stepBack');
    await session.scope('Shadow pages', 'vCPU 0 root', '[000]', 'SPTEs', '[000–03f]', '[000]');
    await session.go('reverseContinue');
    session.matches('allocation');
    driver.close();
  });

  it('the first zap, from a compressed trace', async () => {
    const driver = await Driver.loaded(recording(RECORDING), { filters: [...DEFAULT_FILTERS, 'zap'] });
    const session = new Transcript(driver);
    await session.go('continue');
    await session.card();
    await session.callStack();
    await session.scope('Shadow pages', 'vCPU 0 root', '[003]');
    await session.scope('MMU');
    await session.scope('Statistics');
    await session.go('stepBack');
    await session.scope('Shadow pages', 'vCPU 0 root');
    session.matches('zap');
    driver.close();
  });

  it('a flipped quadrant', async () => {
    const file = await plain(RECORDING, 'mismatch.txt', (lines) => {
      const flipped = lines.findIndex((line) => / gfn 107 l1 4-byte q0 .* new$/.test(line));
      lines[flipped] = lines[flipped]!.replace(' q0 ', ' q1 ');
    });
    const driver = await Driver.loaded(file, { filters: DEFAULT_FILTERS });
    const session = new Transcript(driver);
    await session.go('continue');
    await session.card();
    await session.callStack();
    await session.scope('Event');
    await session.scope('Findings');
    await session.go('continue');
    await session.go('reverseContinue');
    session.matches('mismatch');
    driver.close();
  });
});
