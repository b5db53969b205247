/** What a secret looks like wherever it turns up: an API key or another token, a verifier, and the password of an address. */
const FORMS: readonly (readonly [RegExp, string])[] = [
  [/fh_[a-z]+_[A-Za-z0-9_-]{20,}/g, '[key]'],
  [/(?:SCRAM-SHA-256|PBKDF2-SHA512)\$[^\s"'\\]+/g, '[verifier]'],
  // A password that was not escaped may hold any of @ / ?, so that its end is the last @.
  [/([a-z]+:\/\/[^\s:/@"'\\]*):[^\s"'\\]+@/g, '$1:[password]@'],
];

/**
 * Takes out of a line of the log what looks like a secret: a message of another program, or an address that a caller has
 * put a key into, may hold one that nobody meant to write down.
 */
export function scrubSecrets(line: string): string {
  return FORMS.reduce((text, [form, replacement]) => text.replace(form, replacement), line);
}
