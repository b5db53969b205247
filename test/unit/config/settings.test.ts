import { describe, expect, it } from 'vitest';
import { readCliSettings, readSettings, SettingsError } from '../../../src/config/settings.js';

const good = {
  DATABASE_URL: 'postgresql://127.0.0.1/freehold', REDIS_URL: 'redis://127.0.0.1', FREEHOLD_DATA_DIR: '/var/lib/freehold',
  FREEHOLD_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
};

describe('readSettings', () => {
  it('fills in what has a default', () => {
    expect(readSettings(good)).toMatchObject({ FREEHOLD_ENGINE: 'local', FREEHOLD_PORT: 8080 });
  });

  it('names every fault at once', () => {
    const bad = { ...good, DATABASE_URL: 'mysql://x', FREEHOLD_PORT: '99999', FREEHOLD_MASTER_KEY: 'short', FREEHOLD_PROT: '8080' };
    try {
      readSettings(bad);
      expect.unreachable('it should have thrown');
    } catch (error) {
      expect(error).toBeInstanceOf(SettingsError);
      expect((error as SettingsError).faults.map((fault) => fault.split(' ')[0])).toEqual(
        ['DATABASE_URL', 'FREEHOLD_MASTER_KEY', 'FREEHOLD_PORT', 'FREEHOLD_PROT']);
    }
  });

  it.each(['Qx1@Zq2', 'Qx1/Zq2', 'Qx1?Zq2', 'Qx1#Zq2', '@', 'Qx1/Zq2@Ww3'])('refuses an address of which it is not clear where the password ends, and does not tell it: %s', (password) => {
    const unclear = { ...good, DATABASE_URL: `postgresql://u:${password}@h/db`, REDIS_URL: `redis://:${password}@h:6379` };
    expect(() => readSettings(unclear)).toThrow(/DATABASE_URL has an @[^]*REDIS_URL has an @/);
    expect(() => readSettings(unclear)).not.toThrow(/Qx1|Zq2|Ww3/);
    const escaped = encodeURIComponent(password);
    expect(readSettings({ ...good, DATABASE_URL: `postgresql://u:${escaped}@h/db`, REDIS_URL: `redis://:${escaped}@h:6379` })).toBeDefined();
  });

  it('takes a provider whole or not at all', () => {
    const provider = { FREEHOLD_OIDC_ISSUER: 'https://login.example', FREEHOLD_OIDC_CLIENT_ID: 'freehold', FREEHOLD_OIDC_CLIENT_SECRET_FILE: '/etc/freehold/oidc', FREEHOLD_OIDC_VALUE: 'operators' };
    expect(readSettings({ ...good, ...provider }).FREEHOLD_OIDC_CLAIM).toBe('groups');
    expect(() => readSettings({ ...good, FREEHOLD_OIDC_ISSUER: 'https://login.example' })).toThrow(/FREEHOLD_OIDC_CLIENT_ID is required[^]*SECRET_FILE is required[^]*VALUE is required/);
    expect(() => readSettings({ ...good, ...provider, FREEHOLD_OIDC_ISSUER: 'http://login.example' })).toThrow(/must begin with https/);
    expect(readSettings({ ...good, ...provider, FREEHOLD_OIDC_ISSUER: 'http://127.0.0.1:9000' })).toBeDefined();
  });

  it('refuses one key for two credentials, beside every other fault, and does not tell it', () => {
    const key = `fh_${'k'.repeat(40)}`;
    const shared = { ...good, FREEHOLD_OPERATOR_KEY: key, FREEHOLD_SIGNUP_KEY: key, FREEHOLD_PORT: '99999' };
    for (const read of [readSettings, readCliSettings]) {
      try {
        read(shared);
        expect.unreachable('it should have thrown');
      } catch (error) {
        expect((error as SettingsError).faults.map((fault) => fault.split(' ')[0])).toEqual(['FREEHOLD_PORT', 'FREEHOLD_SIGNUP_KEY']);
        expect((error as SettingsError).message).not.toContain(key);
      }
    }
    expect(readSettings({ ...good, FREEHOLD_OPERATOR_KEY: key, FREEHOLD_SIGNUP_KEY: `${key}2` }).FREEHOLD_SIGNUP_KEY).toBe(`${key}2`);
  });
});
