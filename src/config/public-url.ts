import type { Settings } from './settings.js';

type Place = Pick<Settings, 'FREEHOLD_PUBLIC_URL' | 'FREEHOLD_BIND' | 'FREEHOLD_PORT' | 'FREEHOLD_TLS_CERTIFICATE'>;

/** The API's address as clients see it, without a slash at its end. */
export function publicUrlOf({ FREEHOLD_PUBLIC_URL, FREEHOLD_BIND, FREEHOLD_PORT, FREEHOLD_TLS_CERTIFICATE }: Place): string {
  const host = FREEHOLD_BIND.includes(':') ? `[${FREEHOLD_BIND}]` : FREEHOLD_BIND;
  return (FREEHOLD_PUBLIC_URL ?? `${FREEHOLD_TLS_CERTIFICATE === undefined ? 'http' : 'https'}://${host}:${FREEHOLD_PORT}`).replace(/\/+$/, '');
}
