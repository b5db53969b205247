import { type PeerCertificate } from 'node:tls';
import { connect as connectSocket, type Socket } from 'node:net';
import { connect, type ConnectionOptions, type SecureVersion } from 'node:tls';

/** A server to scan. */
export interface TlsEndpoint {
  readonly host: string;
  readonly port: number;
  /** Whether it speaks PostgreSQL's protocol, which asks for TLS first. */
  readonly postgres?: true;
}

export interface TlsScan {
  /** The protocols that it agrees to. */
  readonly protocols: readonly SecureVersion[];
  /** Ciphers that nobody should use any more, and that it agrees to all the same. */
  readonly weakCiphers: readonly string[];
  readonly key: { readonly type: string; readonly bits: number };
  readonly validUntil: Date;
}

const PROTOCOLS: readonly SecureVersion[] = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];
/** Without authentication, without encryption, without forward secrecy, broken, or with a MAC that is applied in the wrong order. */
const WEAK: readonly string[] = [
  'aNULL', 'eNULL', 'RC4', '3DES', 'SEED', 'IDEA', 'CAMELLIA', 'PSK', 'AES128-SHA', 'AES256-SHA', 'AES128-SHA256', 'AES256-GCM-SHA384', 'EXPORT', 'MD5', 'DES',
];
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
const WITHIN_MS = 5_000;

/** Tries what a client could agree on with a server. It verifies nothing: what is presented is looked at. */
export async function scanTls(endpoint: TlsEndpoint): Promise<TlsScan> {
  const protocols: SecureVersion[] = [];
  for (const version of PROTOCOLS) {
    if (await shake(endpoint, { minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0' })) protocols.push(version);
  }
  const weakCiphers: string[] = [];
  for (const cipher of WEAK) {
    if (await shake(endpoint, { maxVersion: 'TLSv1.2', ciphers: `${cipher}:@SECLEVEL=0` })) weakCiphers.push(cipher);
  }
  const certificate = await shake(endpoint, {});
  if (!certificate) throw new Error(`${endpoint.host}:${endpoint.port} speaks no TLS`);
  const { asn1Curve, bits = 0, valid_to: validTo } = certificate as PeerCertificate & { readonly asn1Curve?: string; readonly bits?: number };
  return { protocols, weakCiphers, key: { type: asn1Curve === undefined ? 'rsa' : 'ec', bits }, validUntil: new Date(validTo) };
}

/** Shakes hands, and answers with the certificate that was presented; undefined if they could not agree. */
async function shake(endpoint: TlsEndpoint, options: ConnectionOptions): Promise<PeerCertificate | undefined> {
  const socket = await begin(endpoint);
  return new Promise((resolve) => {
    const end = (certificate?: PeerCertificate): void => {
      socket.destroy();
      resolve(certificate);
    };
    try {
      const secure = connect({ ...options, socket, rejectUnauthorized: false, ...(endpoint.postgres && { ALPNProtocols: ['postgresql'] }) }, () => end(secure.getPeerCertificate()));
      secure.on('error', () => end()).on('close', () => end());
      secure.setTimeout(WITHIN_MS, () => end());
    } catch {
      // This OpenSSL does not know the cipher any more.
      end();
    }
  });
}

function begin({ host, port, postgres }: TlsEndpoint): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket(port, host);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.on('error', () => undefined);
      if (!postgres) {
        resolve(socket);
        return;
      }
      socket.write(SSL_REQUEST);
      socket.once('data', (answer) => (answer.toString() === 'S' ? resolve(socket) : reject(new Error(`${host}:${port} refuses TLS`))));
    });
  });
}

/** What is wrong with what was found; nothing if all is well. */
export function faultsOfTls({ protocols, weakCiphers, key, validUntil }: TlsScan): string[] {
  return [
    ...protocols.filter((version) => version !== 'TLSv1.2' && version !== 'TLSv1.3').map((version) => `it speaks ${version}`),
    ...(protocols.includes('TLSv1.3') ? [] : ['it does not speak TLSv1.3']),
    ...weakCiphers.map((cipher) => `it agrees to ${cipher}`),
    ...(key.type === 'rsa' && key.bits < 2_048 ? [`its key has ${key.bits} bits`] : []),
    ...(key.type === 'ec' && key.bits < 256 ? [`its curve has ${key.bits} bits`] : []),
    ...(validUntil > new Date() ? [] : [`its certificate expired at ${validUntil.toISOString()}`]),
  ];
}
