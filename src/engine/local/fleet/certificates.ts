// The certificate library's container needs it, and an import of its own keeps the engine independent of who loads it.
import 'reflect-metadata';
import { createECDH, createHash, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';

import * as x509 from '@peculiar/x509';

export const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 24 * 60 * 60 * 1000;
/** A region's CA outlives every certificate that it signs. */
const AUTHORITY_DAYS = 25 * 365;
/** Renewed once less than {@link LEFT_FOR_RENEWAL} of that is left: what fails in renewing has years to be noticed. */
const SERVER_DAYS = 5 * 365;
const LEFT_FOR_RENEWAL = 1 / 3;
/** Clocks of clients may be behind. */
const BACKDATED_MS = DAY_MS;

/** A certificate and its key, PEM. */
export interface KeyPairPem {
  readonly certificate: string;
  readonly key: string;
}

/** Makes a certificate authority, such as a region's: ECDSA over P-256. */
export async function createAuthority(commonName: string, keys?: webcrypto.CryptoKeyPair): Promise<KeyPairPem> {
  return selfSign(commonName, keys ?? (await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify'])));
}

/**
 * Makes an authority whose key follows from a secret: made again it is another certificate, with the same name and key, and
 * so it vouches for the same certificates.
 */
export async function authorityFromSecret(commonName: string, secret: string): Promise<CertificateAuthority> {
  return CertificateAuthority.load(await createAuthority(commonName, await keysFromSecret(secret)));
}

/** A secret that happens to be no number of the curve is hashed again; one in 2^32 is. */
async function keysFromSecret(secret: string): Promise<webcrypto.CryptoKeyPair> {
  const curve = createECDH('prime256v1');
  let number = createHash('sha256').update(secret).digest();
  for (;;) {
    try {
      curve.setPrivateKey(number);
      break;
    } catch {
      number = createHash('sha256').update(number).digest();
    }
  }
  const point = curve.getPublicKey();
  const jwk = { kty: 'EC', crv: 'P-256', x: point.subarray(1, 33).toString('base64url'), y: point.subarray(33).toString('base64url') };
  const [privateKey, publicKey] = await Promise.all([
    webcrypto.subtle.importKey('jwk', { ...jwk, d: number.toString('base64url') }, KEY_ALGORITHM, true, ['sign']),
    webcrypto.subtle.importKey('jwk', jwk, KEY_ALGORITHM, true, ['verify']),
  ]);
  return { privateKey, publicKey };
}

async function selfSign(commonName: string, keys: webcrypto.CryptoKeyPair): Promise<KeyPairPem> {
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

/** Signs certificates, such as those of one region's servers. */
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
   *
   * @param days how long it is good for
   */
  issue(commonName: string, hosts: readonly string[], days = SERVER_DAYS): Promise<KeyPairPem> {
    const names = hosts.map((value) => ({ type: 'dns' as const, value }));
    const addresses = hosts.filter((host) => isIP(host) !== 0).map((value) => ({ type: 'ip' as const, value }));
    const extensions = [new x509.SubjectAlternativeNameExtension([...names, ...addresses])];
    return this.sign(commonName, x509.ExtendedKeyUsage.serverAuth, extensions, days);
  }

  /** Makes a certificate by which a program shows a server who it is. */
  issueClient(commonName: string): Promise<KeyPairPem> {
    return this.sign(commonName, x509.ExtendedKeyUsage.clientAuth, [], SERVER_DAYS);
  }

  private async sign(
    commonName: string, usage: x509.ExtendedKeyUsage, extensions: readonly x509.Extension[], days: number,
  ): Promise<KeyPairPem> {
    const authority = new x509.X509Certificate(this.certificate);
    const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
    const certificate = await x509.X509CertificateGenerator.create({
      ...validity(days),
      serialNumber: serialNumber(),
      subject: [{ CN: [commonName] }],
      issuer: authority.subject,
      signingAlgorithm: KEY_ALGORITHM,
      publicKey: keys.publicKey,
      signingKey: this.key,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([usage]),
        ...extensions,
        await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey),
      ],
    });
    return { certificate: `${certificate.toString('pem')}\n`, key: await exportKey(keys.privateKey) };
  }
}

/** Whether a certificate is in the first two thirds of its life, and a server's names all of these hosts. */
export function isGoodFor(certificatePem: string, hosts: readonly string[], now = Date.now()): boolean {
  const certificate = new x509.X509Certificate(x509.PemConverter.decodeFirst(certificatePem));
  const names = certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.items.map((name) => name.value) ?? [];
  const endsAt = certificate.notAfter.getTime();
  return endsAt - now > LEFT_FOR_RENEWAL * (endsAt - certificate.notBefore.getTime()) && hosts.every((host) => names.includes(host));
}

export function validity(days: number): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - BACKDATED_MS), notAfter: new Date(now + days * DAY_MS) };
}

/** Positive and without a leading zero byte, as RFC 5280 asks. */
export function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;
}
