/** What a browser says of where a request comes from; a page cannot set these. */
export interface FetchHeaders {
  readonly origin?: string | undefined;
  readonly host?: string | undefined;
  readonly 'sec-fetch-site'?: string | string[] | undefined;
}

/**
 * Whether a request comes from a page of this address, by what the browser says: `Origin`, which every browser sends with what is not
 * a mere read, is the public address, or that which the request itself was sent to. Without one, `Sec-Fetch-Site` has to say so.
 */
export function comesFromOwnPages({ origin, host, 'sec-fetch-site': site }: FetchHeaders, ownUrl: string): boolean {
  if (origin === undefined) return site === 'same-origin';
  if (origin === new URL(ownUrl).origin) return true;
  return host !== undefined && hostOf(origin) === host.toLowerCase();
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
