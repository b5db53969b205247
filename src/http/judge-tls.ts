import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import { reasonOf } from '../base/reason-of.js';

/** What a server that speaks TLS presents, PEM. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
}

const LEAST_RSA_BITS = 2_048;
/** Keys on these curves are as strong as RSA of 3072 bits or more. */
const CURVES: ReadonlySet<string> = new Set(['prime256v1', 'secp384r1', 'secp521r1']);

/** Only what keeps earlier sessions secret when a key is lost, and authenticates what it encrypts. TLS 1.3 has no others. */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

export const tlsOptions = ({ certificate, key }: TlsFiles): SecureContextOptions => ({
  cert: certificate, key, minVersion: 'TLSv1.2', ciphers: CIPHERS, honorCipherOrder: true,
});

/** Everything that is wrong with a certificate and its key, for people; nothing if a server can present them. */
export function findTlsFaults({ certificate, key }: TlsFiles, now = new Date()): string[] {
  const leaf = attempt(() => new X509Certificate(certificate));
  const own = attempt(() => createPrivateKey(key));
  if (!(leaf instanceof X509Certificate)) return [`the certificate cannot be read: ${leaf.fault}`];
  const faults = [
    ...(new Date(leaf.validTo) > now ? [] : [`the certificate expired at ${new Date(leaf.validTo).toISOString()}`]),
    ...(new Date(leaf.validFrom) <= now ? [] : [`the certificate is valid only from ${new Date(leaf.validFrom).toISOString()}`]),
    ...(isStrong(leaf) ? [] : [`the certificate's key is too weak: it needs RSA of ${LEAST_RSA_BITS} bits, or a curve such as P-256`]),
  ];
  if ('fault' in own) return [...faults, `the key cannot be read: ${own.fault}`];
  return leaf.checkPrivateKey(own) ? faults : [...faults, 'the key does not match the certificate'];
}

/** Whether a certificate's key is as strong as RSA of 2048 bits. */
function isStrong({ publicKey }: X509Certificate): boolean {
  const { modulusLength, namedCurve } = publicKey.asymmetricKeyDetails ?? {};
  switch (publicKey.asymmetricKeyType) {
    case 'rsa':
    case 'rsa-pss':
      return (modulusLength ?? 0) >= LEAST_RSA_BITS;
    case 'ec':
      return CURVES.has(namedCurve ?? '');
    default:
      return publicKey.asymmetricKeyType === 'ed25519' || publicKey.asymmetricKeyType === 'ed448';
  }
}

function attempt<Result>(read: () => Result): Result | { readonly fault: string } {
  try {
    return read();
  } catch (error) {
    return { fault: reasonOf(error) };
  }
}
