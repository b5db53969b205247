/** Characters of a password: NIST SP 800-63B asks for 8 at least where there is a second factor, and 15 where there is none. */
export const SHORTEST_PASSWORD = 12;
/** More would be work that somebody else chooses. */
export const LONGEST_PASSWORD = 1024;

/** One form for what looks the same, however a keyboard makes it (NIST SP 800-63B, 3.1.1.2). */
export const normalizePassword = (password: string): string => password.normalize('NFKC');

/** What is wrong with a new password, or nothing. Any character may be in it, and none has to. */
export function findPasswordFault(password: string): string | undefined {
  const length = [...normalizePassword(password)].length;
  if (length < SHORTEST_PASSWORD) return `must have at least ${SHORTEST_PASSWORD} characters`;
  if (length > LONGEST_PASSWORD) return `may have at most ${LONGEST_PASSWORD} characters`;
  return undefined;
}
