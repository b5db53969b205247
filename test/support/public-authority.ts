// The certificate library's container needs it.
import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';

import * as x509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 24 * 60 * 60_000;

export interface IssuedCertificate {
  /** The certificate, and the one between it and the root. */
  readonly chain: string;
  readonly certificate: string;
  readonly key: string;
}

export interface IssueOptions {
  readonly validDays?: number;
  readonly expired?: boolean;
  readonly usage?: x509.ExtendedKeyUsage;
}

/** An authority of the kind that systems trust: a root, and one below it that signs what servers present. */
export class PublicAuthority {
  private constructor(readonly root: string, private readonly between: x509.X509Certificate, private readonly key: webcrypto.CryptoKey) {}

  static async create(name: string): Promise<PublicAuthority> {
    const [rootKeys, keys] = await Promise.all([drawKeys(), drawKeys()]);
    const root = await x509.X509CertificateGenerator.createSelfSigned({
      ...life(30), serialNumber: serial(), name: [{ O: ['Test authorities'] }, { CN: [`${name} root`] }], signingAlgorithm: ALGORITHM, keys: rootKeys,
      extensions: [new x509.BasicConstraintsExtension(true, undefined, true), await x509.SubjectKeyIdentifierExtension.create(rootKeys.publicKey)],
    });
    const between = await x509.X509CertificateGenerator.create({
      ...life(30), serialNumber: serial(), subject: [{ CN: [`${name} R1`] }], issuer: root.subjectName, signingAlgorithm: ALGORITHM,
      publicKey: keys.publicKey, signingKey: rootKeys.privateKey,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true), await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
        await x509.AuthorityKeyIdentifierExtension.create(root.publicKey),
      ],
    });
    return new PublicAuthority(pem(root), between, keys.privateKey);
  }

  async issue(names: readonly string[], { validDays = 20, expired = false, usage = x509.ExtendedKeyUsage.serverAuth }: IssueOptions = {}): Promise<IssuedCertificate> {
    const keys = await drawKeys();
    const certificate = await x509.X509CertificateGenerator.create({
      ...(expired ? { notBefore: new Date(Date.now() - 9 * DAY_MS), notAfter: new Date(Date.now() - DAY_MS) } : life(validDays)),
      serialNumber: serial(), subject: [], issuer: this.between.subjectName, signingAlgorithm: ALGORITHM, publicKey: keys.publicKey, signingKey: this.key,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true), new x509.ExtendedKeyUsageExtension([usage]),
        new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: /^[\d.]+$/.test(value) ? 'ip' as const : 'dns' as const, value })), true),
        await x509.AuthorityKeyIdentifierExtension.create(this.between.publicKey),
      ],
    });
    const key = `${x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')}\n`;
    return { chain: pem(certificate) + pem(this.between), certificate: pem(certificate), key };
  }
}

const pem = (certificate: x509.X509Certificate): string => `${certificate.toString('pem')}\n`;
const drawKeys = (): Promise<webcrypto.CryptoKeyPair> => webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
const life = (days: number): { notBefore: Date; notAfter: Date } => ({ notBefore: new Date(Date.now() - DAY_MS), notAfter: new Date(Date.now() + days * DAY_MS) });
const serial = (): string => `4${randomBytes(15).toString('hex').slice(1)}`;
