import { parse } from 'cookie';

/** How a browser is given the token of a session. */
export interface SessionCookie {
  readonly name: string;
  readonly secure: boolean;
}

/**
 * Where clients come by TLS the cookie is bound to this very host and to TLS, which the prefix makes browsers enforce (RFC 6265bis,
 * 4.1.3.2); a laboratory without TLS could not use it then.
 */
export function sessionCookieOf(publicUrl: string): SessionCookie {
  const secure = publicUrl.startsWith('https://');
  return { name: secure ? '__Host-freehold_session' : 'freehold_session', secure };
}

export const readSessionCookie = ({ name }: SessionCookie, header: string | undefined): string | undefined =>
  (header === undefined ? undefined : parse(header)[name]);
