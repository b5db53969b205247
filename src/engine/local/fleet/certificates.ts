// The certificate library's container needs it, and an import of its own keeps the engine independent of who loads it.
import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';

import * as x509 from '@peculiar/x509';

const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 24 * 60 * 60 * 1000;
/** A region's CA outlives every certificate that it signs. */
const AUTHORITY_DAYS = 25 * 365;
/** Renewed at the next start once less than {@link RENEW_BEFORE_DAYS} is left. */
const SERVER_DAYS = 5 * 365;
const RENEW_BEFORE_DAYS = 365;
/** Clocks of clients may be behind. */
const BACKDATED_MS = DAY_MS;

/** A certificate and its key, PEM. */
export interface KeyPairPem {
  readonly certificate: string;
  readonly key: string;
}

/** Makes a region's certificate authority: ECDSA over P-256. */
export async function createAuthority(commonName: string): Promise<KeyPairPem> {
  const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity(AUTHORITY_DAYS),
    serialNumber: serialNumber(),
    name: [{ CN: [commonName] }],
    signingAlgorithm: KEY_ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n`, key: await exportKey(keys.privateKey) };
}

/** Signs server certificates of one region. */
export class CertificateAuthority {
  private constructor(
    readonly certificate: string,
    private readonly key: webcrypto.CryptoKey,
  ) {}

  static async load(pair: KeyPairPem): Promise<CertificateAuthority> {
    const bytes = x509.PemConverter.decodeFirst(pair.key);
    const key = await webcrypto.subtle.importKey('pkcs8', bytes, KEY_ALGORITHM, false, ['sign']);
    return new CertificateAuthority(pair.certificate, key);
  }

  /**
   * Makes a server's certificate for the names and addresses by which clients reach it.
   *
   * Addresses are carried as DNS names too: libpq before 15 compares nothing else.
   */
  async issue(commonName: string, hosts: readonly string[]): Promise<KeyPairPem> {
    const authority = new x509.X509Certificate(this.certificate);
    const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
    const names = hosts.map((value) => ({ type: 'dns' as const, value }));
    const addresses = hosts.filter((host) => isIP(host) !== 0).map((value) => ({ type: 'ip' as const, value }));
    const certificate = await x509.X509CertificateGenerator.create({
      ...validity(SERVER_DAYS),
      serialNumber: serialNumber(),
      subject: [{ CN: [commonName] }],
      issuer: authority.subject,
      signingAlgorithm: KEY_ALGORITHM,
      publicKey: keys.publicKey,
      signingKey: this.key,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension([...names, ...addresses]),
        await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey),
      ],
    });
    return { certificate: `${certificate.toString('pem')}\n`, key: await exportKey(keys.privateKey) };
  }
}

/** Whether a server's certificate is still good for long enough, and names all of these hosts. */
export function isGoodFor(certificatePem: string, hosts: readonly string[], now = Date.now()): boolean {
  const certificate = new x509.X509Certificate(certificatePem);
  const names = certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.items.map((name) => name.value) ?? [];
  return certificate.notAfter.getTime() - now > RENEW_BEFORE_DAYS * DAY_MS && hosts.every((host) => names.includes(host));
}

function validity(days: number): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - BACKDATED_MS), notAfter: new Date(now + days * DAY_MS) };
}

/** Positive and without a leading zero byte, as RFC 5280 asks. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;
}
