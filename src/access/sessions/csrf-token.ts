import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * The token by which a page proves that it was given by us: a keyed hash of the session's own token, so that it is of this session
 * alone, and nothing has to be kept. A page of somebody else's can make a browser send the cookie, and can read neither.
 */
export const csrfTokenOf = (sessionToken: string): string =>
  createHmac('sha256', sessionToken).update('freehold csrf').digest('base64url');

export function matchesCsrfToken(sessionToken: string, given: string | undefined): boolean {
  const [wanted, found] = [Buffer.from(csrfTokenOf(sessionToken)), Buffer.from(given ?? '')];
  return wanted.length === found.length && timingSafeEqual(wanted, found);
}
