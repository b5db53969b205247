/**
 * The form of an e-mail address by which it is found. Two that differ only in upper and lower case, or in how a character is
 * composed, are one; dots and what follows a `+` belong to the mailbox, and are left.
 */
export const emailKey = (email: string): string => email.trim().normalize('NFKC').toLowerCase();
