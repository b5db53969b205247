import type { Settings } from './settings.js';

/** The API's address as clients see it, without a slash at its end. */
export function publicUrlOf({ FREEHOLD_PUBLIC_URL, FREEHOLD_BIND, FREEHOLD_PORT }: Settings): string {
  const host = FREEHOLD_BIND.includes(':') ? `[${FREEHOLD_BIND}]` : FREEHOLD_BIND;
  return (FREEHOLD_PUBLIC_URL ?? `http://${host}:${FREEHOLD_PORT}`).replace(/\/+$/, '');
}
