import { createHash, randomBytes } from 'node:crypto';

const HOW_MANY = 10;
/** 16 characters of 5 bits. */
const CODE_BYTES = 10;
/** Crockford's base32: no letter looks like a digit. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** Codes for whoever has lost the second factor; each lets in once. */
export const newRecoveryCodes = (): string[] => Array.from({ length: HOW_MANY }, newRecoveryCode);

function newRecoveryCode(): string {
  const bits = [...randomBytes(CODE_BYTES)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const letters = (bits.match(/.{5}/g) ?? []).map((five) => ALPHABET.charAt(parseInt(five, 2))).join('');
  return letters.replaceAll(/(.{4})(?=.)/g, '$1-');
}

/** However it is typed: in capitals, without its hyphens, with an O for a 0. */
export function hashRecoveryCode(code: string): Buffer {
  const letters = code.toLowerCase().replaceAll(/[\s-]/g, '').replaceAll('o', '0').replaceAll(/[il]/g, '1');
  return createHash('sha256').update(letters).digest();
}
