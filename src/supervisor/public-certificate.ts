import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

import { CliError, EXIT } from '../cli/cli-error.js';
import type { CliSettings } from '../config/settings.js';
import type { PublicCertificateFiles } from '../engine/engine.js';

/** What is said for the fleet's own certificates again. */
const NONE = 'none';
/** Where distributions keep the authorities that they trust: Debian, Red Hat, Alpine. */
const BUNDLES = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/cert.pem'];

interface CertificateFlags {
  readonly publicCertificate?: string;
  readonly publicKey?: string;
}

/**
 * The files of the certificate that a fleet is to present, null for its own; undefined for what it presented the last time.
 *
 * @throws CliError if there is only one of two
 */
export function choosePublicCertificate(flags: CertificateFlags, settings: CliSettings): PublicCertificateFiles | null | undefined {
  const certificate = flags.publicCertificate ?? settings.FREEHOLD_PUBLIC_CERTIFICATE;
  const key = flags.publicKey ?? settings.FREEHOLD_PUBLIC_KEY;
  if (certificate === NONE) return null;
  if (certificate === undefined && key === undefined) return undefined;
  if (certificate === undefined) throw new CliError('--public-key needs --public-certificate, the file of its certificate', EXIT.usage);
  if (key === undefined) throw new CliError('--public-certificate needs --public-key, the file of its key', EXIT.usage);
  const authorities = settings.SSL_CERT_FILE ?? BUNDLES.find((path) => existsSync(path)) ?? BUNDLES[0] ?? '';
  return { certificate: resolve(certificate), key: resolve(key), authorities: resolve(authorities) };
}
