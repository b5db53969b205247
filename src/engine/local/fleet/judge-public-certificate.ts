import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';

import { reasonOf } from '../../../base/reason-of.js';
import type { KeyPairPem } from './certificates.js';

/** A certificate that clients trust without being told whose it is. */
export interface PublicCertificate {
  /** The certificate and those between it and its authority as PEM, as a server presents them, and the key. */
  readonly pair: KeyPairPem;
  /** Every name and address that it is for. */
  readonly names: readonly string[];
  /** The authority that it goes back to, PEM. */
  readonly authority: string;
  readonly validUntil: Date;
}

/** What was found in the files that were named. */
export interface PublicFiles {
  readonly certificate: string;
  readonly key: string;
  /** Whom this machine trusts. */
  readonly authorities: string;
}

/** The certificate, or everything that is wrong with it, for people. */
export type Judgement =
  | { readonly fit: PublicCertificate; readonly faults?: undefined }
  | { readonly fit?: undefined; readonly faults: readonly [string, ...string[]] };

const BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;
const SERVER_AUTHENTICATION = '1.3.6.1.5.5.7.3.1';
/** Of a database, where each has a name of its own. */
const SAMPLE = 'db-sample';

/** Judges whether clients who trust whom this machine trusts would trust a server with this certificate and key under a public host. */
export function judgePublicCertificate(files: PublicFiles, publicHost: string | null, now = new Date()): Judgement {
  const chain = readCertificates(files.certificate);
  const key = readKey(files.key);
  const [leaf] = chain;
  const authority = leaf && findAuthority(chain, readCertificates(files.authorities));
  const faults = [
    ...(leaf ? [] : ['the file of the certificate holds none in PEM']),
    ...(typeof key === 'string' ? [key] : []),
    ...(leaf
      ? [
          ...faultsOfLeaf(leaf, publicHost, now),
          ...(typeof key === 'string' || leaf.checkPrivateKey(key) ? [] : ['the key does not match the certificate']),
        ]
      : []),
    ...(typeof authority === 'string' ? [authority] : []),
  ];
  if (isSome(faults)) return { faults };
  if (!leaf || typeof key === 'string' || authority === undefined || typeof authority === 'string') {
    throw new Error('a certificate without a fault is whole');
  }
  return {
    fit: {
      pair: { certificate: chain.map((one) => one.toString()).join(''), key: key.export({ type: 'pkcs8', format: 'pem' }).toString() },
      names: namesOf(leaf),
      authority: authority.toString(),
      validUntil: new Date(leaf.validTo),
    },
  };
}

const isSome = (faults: readonly string[]): faults is [string, ...string[]] => faults.length > 0;

function faultsOfLeaf(leaf: X509Certificate, publicHost: string | null, now: Date): string[] {
  return [
    ...(new Date(leaf.validTo) > now ? [] : [`the certificate expired at ${new Date(leaf.validTo).toISOString()}`]),
    ...(new Date(leaf.validFrom) <= now ? [] : [`the certificate is valid only from ${new Date(leaf.validFrom).toISOString()}`]),
    ...(leaf.ca ? ['the first certificate in its file is an authority\'s, not a server\'s'] : []),
    ...(leaf.keyUsage === undefined || leaf.keyUsage.includes(SERVER_AUTHENTICATION) ? [] : ['the certificate is not for servers']),
    ...(publicHost === null
      ? ['it needs a public host, under which clients look for it']
      : covers(leaf, publicHost)
        ? []
        : [`the certificate is not for ${publicHost}, but for ${namesOf(leaf).join(', ') || 'no name'}`]),
  ];
}

function covers(leaf: X509Certificate, publicHost: string): boolean {
  const host = publicHost.replace(/^\*\./, `${SAMPLE}.`);
  return (isIP(host) === 0 ? leaf.checkHost(host, { subject: 'never' }) : leaf.checkIP(host)) !== undefined;
}

/** As node writes them: `DNS:db.example.com, IP Address:192.0.2.1`. */
function namesOf({ subjectAltName = '' }: X509Certificate): string[] {
  return subjectAltName.split(', ').flatMap((entry) => /^(?:DNS|IP Address):(.+)$/.exec(entry)?.[1] ?? []);
}

/** The authority that the certificates lead to, each signed by the next; else what is wrong. */
function findAuthority(chain: readonly X509Certificate[], trusted: readonly X509Certificate[]): X509Certificate | string {
  for (const [index, certificate] of chain.entries()) {
    const authority = trusted.find(
      (candidate) => isSignedBy(certificate, candidate) || candidate.fingerprint256 === certificate.fingerprint256,
    );
    if (authority) return authority;
    const next = chain[index + 1];
    if (!next) {
      return 'the certificates in the file do not lead to an authority that this machine trusts: '
        + `nobody knows "${lastPart(certificate.issuer)}"`;
    }
    if (!isSignedBy(certificate, next)) {
      return `the certificates in the file are no chain: that of "${nameOf(certificate)}" `
        + `is not signed by the one after it, of "${nameOf(next)}"`;
    }
  }
  return 'the file of the certificate holds none in PEM';
}

const isSignedBy = (certificate: X509Certificate, authority: X509Certificate): boolean =>
  certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
/** A server's may have no subject. */
const nameOf = (certificate: X509Certificate): string =>
  (certificate.subject as string | undefined) ? lastPart(certificate.subject) : namesOf(certificate).join(', ');
const lastPart = (distinguished: string): string => distinguished.split('\n').at(-1) ?? distinguished;

function readCertificates(text: string): X509Certificate[] {
  return (text.match(BLOCK) ?? []).flatMap((block) => {
    try {
      return [new X509Certificate(block)];
    } catch {
      return [];
    }
  });
}

/** Or why there is none. */
function readKey(text: string): KeyObject | string {
  try {
    return createPrivateKey(text);
  } catch (error) {
    return /passphrase/i.test(reasonOf(error))
      ? 'the key is encrypted: nobody is there to be asked for its passphrase'
      : 'the file of the key holds none in PEM';
  }
}
