import type { Owed, UserRole } from '../actor.js';

/** What is known of a person who has signed in. */
export interface SignedInFacts {
  readonly role: UserRole;
  readonly by: 'password' | 'provider';
  /** Whether somebody else has seen the password. */
  readonly oneTime: boolean;
  readonly hasSecondFactor: boolean;
  /** Whether operators need one here. */
  readonly needsSecondFactor: boolean;
}

/** What a person has to do before anything else. Who signs in elsewhere has proved there what has to be proved. */
export function owedBy({ role, by, oneTime, hasSecondFactor, needsSecondFactor }: SignedInFacts): Owed | null {
  if (by === 'provider') return null;
  if (oneTime) return 'new-password';
  return role === 'operator' && needsSecondFactor && !hasSecondFactor ? 'second-factor' : null;
}
