import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Vault } from '../../../src/secrets/vault.js';

describe('Vault', () => {
  const vault = new Vault(randomBytes(32));

  it('opens what it sealed', () => {
    expect(vault.unseal(vault.seal('hunter2', 'db_1'), 'db_1').toString()).toBe('hunter2');
  });

  it('does not open for another owner, under another key, or what was changed', () => {
    const sealed = vault.seal('hunter2', 'db_1');
    const changed = Buffer.from(sealed);
    changed[changed.length - 1]! ^= 1;
    expect(() => vault.unseal(sealed, 'db_2')).toThrow();
    expect(() => new Vault(randomBytes(32)).unseal(sealed, 'db_1')).toThrow();
    expect(() => vault.unseal(changed, 'db_1')).toThrow();
  });
});
