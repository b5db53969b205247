import { describe, expect, it } from 'vitest';

import { readCliSettings } from '../../../src/config/settings.js';
import { choosePublicCertificate } from '../../../src/supervisor/public-certificate.js';

describe('the certificate that a fleet is told to present', () => {
  const settings = readCliSettings({ SSL_CERT_FILE: '/bundle.pem' });
  const named = readCliSettings({ SSL_CERT_FILE: '/bundle.pem', FREEHOLD_PUBLIC_CERTIFICATE: '/c.pem', FREEHOLD_PUBLIC_KEY: '/k.pem' });

  it('is that of the last time, the one that is named, or the fleet\'s own', () => {
    expect(choosePublicCertificate({}, settings)).toBeUndefined();
    expect(choosePublicCertificate({}, named)).toEqual({ certificate: '/c.pem', key: '/k.pem', authorities: '/bundle.pem' });
    expect(choosePublicCertificate({ publicCertificate: 'mine.pem' }, named)).toEqual({ certificate: `${process.cwd()}/mine.pem`, key: '/k.pem', authorities: '/bundle.pem' });
    expect(choosePublicCertificate({ publicCertificate: 'none' }, named)).toBeNull();
  });

  it('has a key, which has a certificate', () => {
    expect(() => choosePublicCertificate({ publicCertificate: '/c.pem' }, settings)).toThrow(/needs --public-key/);
    expect(() => choosePublicCertificate({ publicKey: '/k.pem' }, settings)).toThrow(/needs --public-certificate/);
    expect(() => readCliSettings({ FREEHOLD_PUBLIC_CERTIFICATE: 'c.pem', FREEHOLD_PUBLIC_KEY: 'k.pem' })).toThrow(/FREEHOLD_PUBLIC_CERTIFICATE must be an absolute path, or none[^]*FREEHOLD_PUBLIC_KEY must be an absolute path/);
  });
});
