import { Secret, TOTP } from 'otpauth';

/** RFC 6238, as every authenticator app has it. */
const PERIOD_SECONDS = 30;
const DIGITS = 6;
/** Steps before and after the present one whose codes are taken: clocks differ, and people type slowly (RFC 6238, 5.2). */
const STEPS_AROUND = 1;
/** RFC 4226 asks for 128 bits and recommends 160. */
const SECRET_BYTES = 20;

const totpOf = (secret: string, label: string): TOTP =>
  new TOTP({ issuer: 'Freehold', label, secret: Secret.fromBase32(secret), algorithm: 'SHA1', digits: DIGITS, period: PERIOD_SECONDS });

/** A new key for one-time codes, in base32. */
export const newTotpSecret = (): string => new Secret({ size: SECRET_BYTES }).base32;

/** What an authenticator app reads, as a QR code or typed. */
export const totpUri = (secret: string, email: string): string => totpOf(secret, email).toString();

/**
 * The number of the time step whose code this is, if it is one of those around now. A step whose code was taken is not taken again:
 * remember the number, and take only higher ones.
 */
export function matchTotp(secret: string, code: string, nowMs: number): number | undefined {
  const token = code.replaceAll(/\s/g, '');
  if (!/^\d{6}$/.test(token)) return undefined;
  const delta = totpOf(secret, '').validate({ token, timestamp: nowMs, window: STEPS_AROUND });
  return delta === null ? undefined : Math.floor(nowMs / 1000 / PERIOD_SECONDS) + delta;
}
