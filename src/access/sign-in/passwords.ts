import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import pLimit from 'p-limit';
import { SETTINGS } from '../../config/settings-token.js';
import type { Settings } from '../../config/settings.js';
import { ProblemError } from '../../problems/problem.js';
import { makePasswordVerifier, matchesPassword, type PasswordVerifier, readPasswordVerifier } from '../../secrets/password-verifier.js';
import { normalizePassword } from './password-rules.js';

/** Of the four threads that Node has for such work, so that files and names are still read meanwhile. */
const CHECKS_AT_ONCE = 2;
/** Checks that wait; one takes about a tenth of a second. */
const CHECKS_WAITING = 50;

/** Makes and checks what is kept of people's passwords. */
@Injectable()
export class Passwords {
  private readonly slots = pLimit(CHECKS_AT_ONCE);
  private readonly rounds: number;
  /** Rounds of PBKDF2 that were done for somebody who asked: it must not tell whether there was anything to check against. */
  private roundsSpent = 0;

  constructor(@Inject(SETTINGS) settings: Settings) {
    this.rounds = settings.FREEHOLD_PASSWORD_ROUNDS;
  }

  get work(): number {
    return this.roundsSpent;
  }

  make(password: string): Promise<string> {
    return this.spend(this.rounds, () => makePasswordVerifier(normalizePassword(password), this.rounds));
  }

  /**
   * Whether the password is that of the verifier. It takes as many rounds as the setting says, whether or not there is a verifier,
   * and whichever rounds it was made with, unless those are more.
   */
  async match(password: string, kept: string | null | undefined): Promise<boolean> {
    const verifier = kept ? readPasswordVerifier(kept) : undefined;
    const normal = normalizePassword(password);
    if (!verifier) {
      await this.check(normal, dummy(this.rounds));
      return false;
    }
    const matches = await this.check(normal, verifier);
    if (verifier.rounds < this.rounds) await this.check(normal, dummy(this.rounds - verifier.rounds));
    return matches;
  }

  /** Whether a verifier was made with fewer rounds than are asked for now. */
  isWeak(kept: string): boolean {
    return readPasswordVerifier(kept).rounds < this.rounds;
  }

  private check(password: string, verifier: PasswordVerifier): Promise<boolean> {
    return this.spend(verifier.rounds, () => matchesPassword(password, verifier));
  }

  /** @throws ProblemError `unavailable` when too many wait already */
  private spend<Result>(rounds: number, work: () => Promise<Result>): Promise<Result> {
    if (this.slots.pendingCount >= CHECKS_WAITING) {
      throw new ProblemError('unavailable', 'too many people sign in at this moment', { hint: 'try again in a moment' });
    }
    this.roundsSpent += rounds;
    return this.slots(work);
  }
}

/** Something to check against that nothing matches. */
const dummy = (rounds: number): PasswordVerifier => ({ rounds, salt: randomBytes(16), hash: randomBytes(64) });
