import { describe, expect, it } from 'vitest';
import { endpointUris } from '../../../src/databases/database-document.js';
import { newPassword } from '../../../src/databases/new-password.js';
import { scramVerifier } from '../../../src/secrets/scram-verifier.js';

describe('newPassword', () => {
  it('needs no escaping in a URI and is never the same', () => {
    const passwords = Array.from({ length: 100 }, newPassword);
    expect(new Set(passwords).size).toBe(100);
    expect(passwords.every((password) => encodeURIComponent(password) === password && password.length >= 32)).toBe(true);
  });
});

describe('scramVerifier', () => {
  it('has the form that PostgreSQL stores, with a new salt each time', async () => {
    const [one, two] = await Promise.all([scramVerifier('secret'), scramVerifier('secret')]);
    expect(one).toMatch(/^SCRAM-SHA-256\$4096:[A-Za-z0-9+/]{22}==\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$/);
    expect(two).not.toBe(one);
  });
});

describe('endpointUris', () => {
  it('carries the password only when it is given, and the root certificate where there is one', () => {
    const endpoint = { host: '127.9.0.1', port: 10_001, readOnlyPort: 11_001, pooledPort: 12_001, rootCertificatePath: '/var/lib/free hold/ca.pem' };
    expect(endpointUris(endpoint, 'shop', 'shop', 'pw')).toEqual({
      uri: 'postgresql://shop:pw@127.9.0.1:10001/shop?sslmode=verify-full&sslrootcert=/var/lib/free%20hold/ca.pem',
      pooledUri: 'postgresql://shop:pw@127.9.0.1:12001/shop?sslmode=verify-full&sslrootcert=/var/lib/free%20hold/ca.pem',
      readOnlyUri: 'postgresql://shop:pw@127.9.0.1:11001/shop?sslmode=verify-full&sslrootcert=/var/lib/free%20hold/ca.pem',
    });
    expect(endpointUris({ ...endpoint, rootCertificatePath: null }, 'shop', 'shop').uri).toBe('postgresql://shop@127.9.0.1:10001/shop?sslmode=verify-full');
    expect(endpointUris({ ...endpoint, host: '2001:db8::1', rootCertificatePath: 'system' }, 'shop', 'shop').uri)
      .toBe('postgresql://shop@[2001:db8::1]:10001/shop?sslmode=verify-full&sslrootcert=system');
  });
});
