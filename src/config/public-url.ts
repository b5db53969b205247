import type { Settings } from './settings.js';

type Place = Pick<Settings, 'FREEHOLD_PUBLIC_URL' | 'FREEHOLD_BIND' | 'FREEHOLD_PORT' | 'FREEHOLD_TLS_CERTIFICATE'>;

/** The API's address as clients see it, without a slash at its end. */
export function publicUrlOf({ FREEHOLD_PUBLIC_URL, FREEHOLD_BIND, FREEHOLD_PORT, FREEHOLD_TLS_CERTIFICATE }: Place): string {
  return (FREEHOLD_PUBLIC_URL ?? writeApiUrl(FREEHOLD_BIND, FREEHOLD_PORT, FREEHOLD_TLS_CERTIFICATE !== undefined)).replace(/\/+$/, '');
}

/** @param host a name, or an address of either kind */
export const writeApiUrl = (host: string, port: number, byTls: boolean): string =>
  `${byTls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
