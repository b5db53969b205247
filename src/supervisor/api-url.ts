import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

import { writeApiUrl } from '../config/public-url.js';
import { LOOPBACK } from './ports.js';

export interface ApiPlace {
  readonly bind: string;
  readonly port: number;
  /** The name under which other machines reach this one. */
  readonly publicHost: string | undefined;
  /** What the API presents, PEM; undefined where it speaks HTTP. */
  readonly certificate: string | undefined;
}

/**
 * Where clients reach the API: at this machine's own address, or at another machine's if it listens for all; by TLS under a name that
 * the certificate is for.
 */
export function chooseApiUrl({ bind, port, publicHost, certificate }: ApiPlace): string {
  const listensToAll = bind === '0.0.0.0' || bind === '::';
  const usual = listensToAll ? (publicHost?.replace(/^\*\./, '') ?? LOOPBACK) : bind;
  return certificate === undefined ? writeApiUrl(usual, port, false) : writeApiUrl(chooseName(certificate, usual), port, true);
}

/** Where this machine reaches the API. */
export const ownApiUrl = ({ bind, port, certificate }: ApiPlace): string =>
  writeApiUrl(bind === '0.0.0.0' || bind === '::' ? LOOPBACK : bind, port, certificate !== undefined);

function chooseName(certificate: string, usual: string): string {
  const leaf = new X509Certificate(certificate);
  if (isIP(usual) ? leaf.checkIP(usual) !== undefined : leaf.checkHost(usual) !== undefined) return usual;
  const names = [...(leaf.subjectAltName ?? '').matchAll(/DNS:([^,\s*]+)(?:,|$)/g)].map(([, name]) => name ?? '');
  return names[0] ?? usual;
}
