import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { ERAS, eraNamed, eraOfKernel, hasFeature, withoutFeatures, type Era } from '../../src/engine/eras.js';
import { FEATURES, FEATURE_NAMES, isFeature, type Feature } from '../../src/engine/features.js';
import { LAYOUT_2_6_20, LAYOUT_2_6_25 } from '../../src/engine/oldRoleLayout.js';
import { LAYOUT_5_1, LAYOUT_5_17, LAYOUT_7 } from '../../src/engine/roleLayout.js';
import { PT64, PT64_5_10 } from '../../src/engine/spte.js';

const named = (name: string): Era => {
  const era = eraNamed(name);
  assert.ok(era, name);
  return era;
};

describe('kernel eras', () => {
  /** The presets of spec/eras.md, with the features that each of its columns means. */
  const TOGGLES: readonly Feature[] = [
    'quadrant-filter',
    'mmio-decoupling',
    'mmio-sptes',
    'role-from-parent',
    'local-pages',
    'invalid-roots',
    'unsync',
    'unsync-many',
    'update-on-write',
    'child-gfn-check',
    'child-role-check',
    'drop-before-mmio',
  ];
  const MODERN: readonly Feature[] = ['quadrant-filter', 'mmio-decoupling', 'mmio-sptes', 'invalid-roots', 'unsync', 'unsync-many'];
  const FIXES: readonly Feature[] = ['child-gfn-check', 'child-role-check', 'drop-before-mmio'];
  const PRESETS: readonly [era: string, roles: Era['roles'], features: readonly Feature[]][] = [
    ['2.6.21', LAYOUT_2_6_20, []],
    ['2.6.22', LAYOUT_2_6_20, ['quadrant-filter']],
    ['2.6.24', LAYOUT_2_6_20, ['quadrant-filter', 'update-on-write']],
    ['2.6.26', LAYOUT_2_6_25, ['quadrant-filter', 'mmio-decoupling', 'invalid-roots', 'update-on-write']],
    ['2.6.28', LAYOUT_2_6_25, ['quadrant-filter', 'mmio-decoupling', 'invalid-roots', 'update-on-write', 'unsync']],
    ['5.10', LAYOUT_5_1, MODERN],
    ['5.15', LAYOUT_5_1, MODERN],
    ['5.15.y-S002', LAYOUT_5_1, [...MODERN, 'role-from-parent']],
    ['5.15.y-final', LAYOUT_5_17, [...MODERN, 'role-from-parent', ...FIXES]],
    ['6.1.0', LAYOUT_5_17, [...MODERN, 'role-from-parent']],
    ['6.1.192', LAYOUT_5_17, [...MODERN, 'role-from-parent', ...FIXES]],
    ['rfc-local', LAYOUT_5_17, [...MODERN, 'role-from-parent', 'local-pages']],
    ['7.x', LAYOUT_7, [...MODERN, 'role-from-parent', ...FIXES]],
  ];
  for (const [name, roles, features] of PRESETS) {
    it(`${name} has the features of its preset`, () => {
      const era = named(name);
      assert.equal(era.roles, roles);
      assert.deepEqual(
        TOGGLES.filter((feature) => hasFeature(era, feature)),
        TOGGLES.filter((feature) => features.includes(feature)),
      );
    });
  }

  it('are found by what uname prints', () => {
    const VERSIONS: readonly [version: string, era: string | undefined][] = [
      ['2.6.20', '2.6.21'],
      ['2.6.23', '2.6.24'],
      ['2.6.27.1', '2.6.26'],
      ['3.10.0', undefined],
      ['5.10.223', '5.10'],
      ['5.10', '5.10'],
      ['5.15.0-100-generic', '5.15'],
      ['5.18.19', '5.18'],
      ['6.0.19', '6.1.0'],
      ['6.1.0', '6.1.0'],
      ['6.1.0-55-amd64', '6.1.192'],
      ['6.1.176', '6.1.0'],
      ['6.1.177', '6.1.192'],
      ['6.1.192-2-amd64', '6.1.192'],
      ['6.1', '6.1.192'],
      ['6.3.13', '6.1.0'],
      ['6.6.30', '6.6.0'],
      ['6.6', '6.6.144'],
      ['6.8', '6.6.0'],
      ['6.10.1', '6.12.0'],
      ['6.12.94', '6.12.0'],
      ['6.12.107+deb13-amd64', '6.12.107'],
      ['6.12', '6.12.107'],
      ['6.13', '6.18.0'],
      ['6.18.38', '6.18.38'],
      ['7.0.4', '7.0'],
      ['7.1.2', '7.0'],
      ['7.1.3', '7.x'],
      ['7.2.12', '7.x'],
      ['8.0', '7.x'],
      ['unknown', undefined],
    ];
    for (const [version, era] of VERSIONS) assert.equal(eraOfKernel(version)?.name, era, version);
  });

  it('5.13 moved the software bits of SPTEs, 6.10 the empty one', () => {
    assert.equal(named('5.10').sptes, PT64_5_10);
    assert.equal(named('5.15').sptes, PT64);
    assert.deepEqual(
      ['6.1.192', '6.12.107', '7.x'].map((name) => named(name).emptySpte),
      [0n, 1n << 63n, 1n << 63n],
    );
  });

  it('number the results of faults in their own way (fault.md §1)', () => {
    const number = (era: string, result: string): number => named(era).faultResults.indexOf(result);
    assert.deepEqual(
      ['5.10', '6.1.192', '6.12.107'].map((era) => number(era, 'EMULATE')),
      [1, 2, 2],
    );
    assert.deepEqual(
      ['5.15', '6.1.192', '7.x'].map((era) => number(era, 'SPURIOUS')),
      [4, 5, 6],
    );
  });

  it('a feature can be switched off, and the era itself stays as it is', () => {
    const era = named('6.1.192');
    const without = withoutFeatures(era, ['quadrant-filter']);
    assert.ok(!hasFeature(without, 'quadrant-filter') && hasFeature(without, 'role-from-parent'));
    assert.ok(hasFeature(era, 'quadrant-filter'));
  });

  /** What every kernel has had, and what a patch would have taken away. */
  const ALWAYS: readonly Feature[] = ['quadrant-in-role'];

  it('every feature is on in some era and off in another, but for what a kernel needs, and says what it does', () => {
    for (const feature of FEATURE_NAMES) {
      if (ALWAYS.includes(feature))
        assert.ok(
          ERAS.every((era) => hasFeature(era, feature)),
          feature,
        );
      assert.ok(
        ERAS.some((era) => hasFeature(era, feature)),
        feature,
      );
      assert.ok(ALWAYS.includes(feature) || ERAS.some((era) => !hasFeature(era, feature)), feature);
      assert.ok(FEATURES[feature].on && FEATURES[feature].off);
    }
    assert.ok(isFeature('unsync') && !isFeature('toString'));
    assert.equal(new Set(ERAS.map((era) => era.name)).size, ERAS.length);
  });
});
