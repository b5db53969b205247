/** How a database's owner logs in: under the owner's name, and under names of its own for each password that is to overlap another. */
export interface OwnerLogins {
  /** The SCRAM verifier of the password that goes with the owner's name. */
  readonly ownerVerifier: string;
  /** RFC 3339; until then that password is valid, and newer ones have a name of their own. Null while there is no other password. */
  readonly ownerUntil: string | null;
  readonly logins: readonly Login[];
}

/** A role that is the owner under another name. */
export interface Login {
  readonly name: string;
  readonly verifier: string;
  /** RFC 3339; null for the newest. */
  readonly until: string | null;
}

/** One password at once: every older one, and every other name, ends. */
export const replacePassword = (verifier: string): OwnerLogins => ({ ownerVerifier: verifier, ownerUntil: null, logins: [] });

/**
 * What becomes of the log-ins when the time of the older password is over: its name goes with the newest password from then on, which
 * also keeps the name that it was given.
 */
export function settleLogins(current: OwnerLogins): OwnerLogins {
  const newest = current.logins.find(({ until }) => until === null);
  if (current.ownerUntil === null || !newest) return current;
  return { ownerVerifier: newest.verifier, ownerUntil: null, logins: [newest] };
}

/**
 * Adds a password that is valid at once under a name of its own, while the present one is valid until a moment. There are two at most:
 * an overlap that is under way ends with the next.
 */
export function overlapPasswords(current: OwnerLogins, owner: string, verifier: string, until: Date): OwnerLogins {
  const { ownerVerifier, logins } = settleLogins(current);
  const ends = until.toISOString();
  const name = loginNames(owner).find((free) => logins.every((login) => login.name !== free)) ?? '';
  return {
    ownerVerifier, ownerUntil: ends,
    logins: [...logins.map((login) => ({ ...login, until: ends })), { name, verifier, until: null }],
  };
}

/** The name that goes with the newest password. */
export const newestUser = ({ logins, ownerUntil }: OwnerLogins, owner: string): string =>
  (ownerUntil === null ? owner : logins.find(({ until }) => until === null)?.name ?? owner);

/** No role that a customer makes has such a name (`engine/role-names.ts`). */
const loginNames = (owner: string): readonly string[] => [`${owner}_login_a`, `${owner}_login_b`];
