// The certificate library's container needs it, and an import of its own keeps the engine independent of who loads it.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { isIP } from 'node:net';

import * as x509 from '@peculiar/x509';

import { addressBytes } from './address-bytes.js';
import { KEY_ALGORITHM, serialNumber, validity } from './certificates.js';

/** Longer than any authority lives whose key it vouches for. */
const DAYS = 25 * 365;
const NAME = 'Freehold public names';
const NAME_CONSTRAINTS = '2.5.29.30';

/**
 * Makes a certificate by which an authority of the public is trusted for some names and for nothing else, together with the
 * root that signs it, whose key nobody has any more; PEM.
 *
 * Sessions inside the fleet verify servers by files of authorities. The authority itself there would let in whoever has a
 * certificate of it, under any name: PgBouncer cannot be told a server's name beside its address.
 *
 * @param authority PEM of a self-signed certificate
 * @param names as a certificate carries them: host names, which may begin with `*.`, and IP addresses
 */
export async function constrainAuthority(authority: string, names: readonly string[]): Promise<string> {
  const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity(DAYS),
    serialNumber: serialNumber(),
    name: [{ CN: [NAME] }],
    signingAlgorithm: KEY_ALGORITHM,
    keys,
    extensions: [...authorityExtensions(), await x509.SubjectKeyIdentifierExtension.create(keys.publicKey)],
  });
  const original = new x509.X509Certificate(authority);
  const constrained = await x509.X509CertificateGenerator.create({
    ...validity(DAYS),
    serialNumber: serialNumber(),
    subject: original.subjectName,
    issuer: root.subjectName,
    signingAlgorithm: KEY_ALGORITHM,
    publicKey: original.publicKey,
    signingKey: keys.privateKey,
    extensions: [
      ...authorityExtensions(),
      new x509.Extension(NAME_CONSTRAINTS, true, nameConstraints(names)),
      // What the authority has signed refers to it by this.
      original.getExtension(x509.SubjectKeyIdentifierExtension) ?? (await x509.SubjectKeyIdentifierExtension.create(original.publicKey)),
      await x509.AuthorityKeyIdentifierExtension.create(root.publicKey),
    ],
  });
  return `${root.toString('pem')}\n${constrained.toString('pem')}\n`;
}

function authorityExtensions(): x509.Extension[] {
  return [
    new x509.BasicConstraintsExtension(true, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
  ];
}

const SEQUENCE = 0x30;
const PERMITTED = 0xa0;
const EXCLUDED = 0xa1;
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;
/** With no bit of the mask set, every address of the kind. */
const ALL_ADDRESSES = [new Uint8Array(8), new Uint8Array(32)];

/** RFC 5280, 4.2.1.10. A kind of which nothing is permitted would be free: no host name, or no address, may be then. */
function nameConstraints(names: readonly string[]): Uint8Array {
  const hosts = names.filter((name) => isIP(name) === 0).map((name) => Buffer.from(name.replace(/^\*\./, ''), 'latin1'));
  const addresses = names.filter((name) => isIP(name) !== 0).map((name) => {
    const bytes = addressBytes(name);
    return Uint8Array.from([...bytes, ...bytes.map(() => 0xff)]);
  });
  const permitted = [...subtrees(DNS_NAME, hosts), ...subtrees(IP_ADDRESS, addresses)];
  const excluded = [
    ...(hosts.length === 0 ? subtrees(DNS_NAME, [new Uint8Array()]) : []),
    ...(addresses.length === 0 ? subtrees(IP_ADDRESS, ALL_ADDRESSES) : []),
  ];
  return element(SEQUENCE, [element(PERMITTED, permitted), ...(excluded.length > 0 ? [element(EXCLUDED, excluded)] : [])]);
}

const subtrees = (kind: number, values: readonly Uint8Array[]): Uint8Array[] =>
  values.map((value) => element(SEQUENCE, [element(kind, [value])]));

/** DER. */
function element(tag: number, content: readonly Uint8Array[]): Uint8Array {
  const length = content.reduce((sum, part) => sum + part.length, 0);
  const bytes: number[] = [];
  for (let left = length; left > 0; left >>>= 8) bytes.unshift(left & 0xff);
  return Buffer.concat([Uint8Array.from(length < 0x80 ? [tag, length] : [tag, 0x80 | bytes.length, ...bytes]), ...content]);
}
