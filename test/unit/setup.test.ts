import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const { installWords } = (await import('../../scripts/setup/install-words.mjs' as string)) as { installWords: (npmVersion: string) => string[] };

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
});
