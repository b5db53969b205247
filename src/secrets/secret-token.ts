import { createHash, randomBytes } from 'node:crypto';

/** What a token is for; it stands in the token, which then has the form of an API key, so that the log is scrubbed of it. */
export type TokenKind = 'session' | 'ticket' | 'reset' | 'invitation' | 'errand' | 'link';

/** A token of 256 random bits. Only its hash is kept. */
export const newToken = (kind: TokenKind): string => `fh_${kind}_${randomBytes(32).toString('base64url')}`;

/** Whether a text has the form of such a token. */
export const isToken = (kind: TokenKind, text: string): boolean =>
  text.startsWith(`fh_${kind}_`) && /^[A-Za-z0-9_-]{43}$/.test(text.slice(`fh_${kind}_`.length));

/** SHA-256: of 256 random bits a slow hash would protect nothing more. */
export const hashToken = (token: string): Buffer => createHash('sha256').update(token).digest();
