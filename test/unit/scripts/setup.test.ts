import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const { installWords } = (await import('../../../scripts/setup/install-words.mjs' as string)) as { installWords: (npmVersion: string) => string[] };

const { compare, readVersion } = (await import('../../../scripts/setup/versions.mjs' as string)) as {
  compare: (one: string, other: string) => number;
  readVersion: (text: string) => string | undefined;
};
const { isSound, isUsable } = (await import('../../../scripts/setup/pooler.mjs' as string)) as Record<'isSound' | 'isUsable', (pooler: { version: string } | undefined) => boolean>;

interface Locked {
  readonly dev?: boolean;
  readonly engines?: { readonly npm?: string };
}

describe('the set-up', () => {
  it('installs with the npm 9.2 of Debian 13 too', () => {
    expect(installWords('9.2.0')).toContain('--no-engine-strict');
    expect(installWords('10.8.2')).not.toContain('--no-engine-strict');
    expect(installWords('11.0.0')).toEqual(['ci', '--include=dev', '--no-progress']);
  });

  it('may do so because only packages for development ask for an npm', () => {
    const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, Locked> };
    const asking = Object.entries(packages).filter(([, { engines }]) => engines?.npm !== undefined);
    expect(asking.filter(([, { dev }]) => dev !== true)).toEqual([]);
  });

  it('compares versions number by number', () => {
    expect(['1.26.1', '1.9', '1.22', '1.22.1', '1.26.10'].sort(compare)).toEqual(['1.9', '1.22', '1.22.1', '1.26.1', '1.26.10']);
    expect(compare('1.22', '1.22.0')).toBe(0);
    expect(readVersion('1.24.1-1+deb13u2')).toBe('1.24.1');
    expect(readVersion('PgBouncer 1.26.1\nlibevent 2.1.13-stable')).toBe('1.26.1');
    expect(readVersion('(none)')).toBeUndefined();
  });

  it('takes no PgBouncer before 1.22, and wants 1.26.1', () => {
    const judge = (version: string) => [isUsable({ version }), isSound({ version })];
    expect([isUsable(undefined), isSound(undefined)]).toEqual([false, false]);
    expect(['1.18.0', '1.21.0', '1.22.0', '1.26.0', '1.26.1', '1.27.0'].map(judge)).toEqual([
      [false, false], [false, false], [true, false], [true, false], [true, true], [true, true],
    ]);
  });
});
