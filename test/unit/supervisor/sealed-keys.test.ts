import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Vault } from '../../../src/secrets/vault.js';
import { ControlDirectory } from '../../../src/supervisor/control-directory.js';
import { openControlKeys } from '../../../src/supervisor/sealed-keys.js';

const scratch = mkdtempSync(join(tmpdir(), 'freehold-test-keys-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function makeDirectory(name: string): ControlDirectory {
  const directory = new ControlDirectory(join(scratch, name));
  mkdirSync(directory.control, { recursive: true });
  return directory;
}

describe('the keys of a fleet', () => {
  it('are drawn once, and are the same from then on', async () => {
    const [directory, vault] = [makeDirectory('new'), new Vault(randomBytes(32))];
    const keys = await openControlKeys(directory, vault);
    expect(keys).toMatchObject({ operatorEmail: 'operator@localhost', operatorPassword: expect.stringMatching(/^([0-9a-f]{6}-){4}[0-9a-f]{6}$/) as string });
    expect(await openControlKeys(directory, vault)).toEqual(keys);
    await expect(openControlKeys(directory, new Vault(randomBytes(32)))).rejects.toThrow(/the master key is not the one/);
  });

  it('have the first operator that was named at first, whoever is named later', async () => {
    const [directory, vault] = [makeDirectory('named'), new Vault(randomBytes(32))];
    const keys = await openControlKeys(directory, vault, 'grace@example.com');
    expect(keys.operatorEmail).toBe('grace@example.com');
    expect(await openControlKeys(directory, vault)).toEqual(keys);
    expect(await openControlKeys(directory, vault, 'ada@example.com')).toEqual(keys);
  });

  it('of a fleet that had no operator yet are kept, and get one', async () => {
    const [directory, vault] = [makeDirectory('earlier'), new Vault(randomBytes(32))];
    const earlier = { operatorKey: 'fh_operator_x', signupKey: 'fh_signup_x', metadataPassword: 'm', redisPassword: 'r' };
    writeFileSync(directory.sealedKeys, vault.seal(JSON.stringify(earlier), 'control/keys'));
    const keys = await openControlKeys(directory, vault);
    expect(keys).toMatchObject({ ...earlier, operatorEmail: 'operator@localhost' });
    expect(await openControlKeys(directory, vault)).toEqual(keys);
  });
});
