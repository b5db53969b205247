import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { ProblemError } from '../../problems/problem.js';
import { SharedMemory } from '../../redis/shared-memory.js';
import { addressGroup } from './address-group.js';
import { backOffSeconds, type BackOffRule } from './back-off.js';

/** An attempt that could be somebody's guess. */
export interface Attempt {
  /** Whom it is about, as it was written: whether there is such a user makes no difference. */
  readonly account: string;
  readonly address: string | null;
}

/** For how long attempts are remembered, from the first. */
const REMEMBERED_SECONDS = 24 * 60 * 60;

/**
 * An account from one address waits longest; from all addresses together it waits little, so that whoever guesses from many
 * places keeps its owner out for a minute and not for a day; an address that tries many accounts is in between, since an
 * office may have one.
 */
const RULES = {
  pair: { free: 5, longestSeconds: 900 },
  account: { free: 20, longestSeconds: 60 },
  address: { free: 50, longestSeconds: 300 },
} as const satisfies Readonly<Record<string, BackOffRule>>;
type Scope = keyof typeof RULES;
const SCOPES = Object.keys(RULES) as Scope[];

/** Higher than any count: the rules above decide, and not the library's own limit. */
const NO_LIMIT = 1_000_000_000;

/**
 * Makes who guesses wait, longer each time. An attempt is counted before it is made, and taken back when it succeeds: of many that
 * come at once no more are made than one after the other.
 */
@Injectable()
export class GuessLimits {
  private readonly counts: RateLimiterRedis;
  /** Taken by the one attempt that may be made until the wait after it is over. */
  private readonly gates: RateLimiterRedis;

  constructor(private readonly memory: SharedMemory) {
    const storeClient = memory.redis;
    this.counts = new RateLimiterRedis({ storeClient, keyPrefix: 'freehold:attempts', points: NO_LIMIT, duration: REMEMBERED_SECONDS });
    this.gates = new RateLimiterRedis({ storeClient, keyPrefix: 'freehold:gate', points: 1, duration: REMEMBERED_SECONDS });
  }

  /** @throws ProblemError `too-many-attempts` with the time to wait */
  async begin(attempt: Attempt): Promise<void> {
    const begun: string[] = [];
    for (const scope of SCOPES) {
      const key = keyOf(scope, attempt);
      try {
        await this.memory.ask(() => this.pass(key, RULES[scope]));
        begun.push(key);
      } catch (refusal) {
        // What was not tried does not count.
        await this.memory.ask(() => Promise.all([...begun, key].map((counted) => this.counts.reward(counted))));
        throw refusal instanceof RateLimiterRes ? tooMany(refusal) : refusal;
      }
    }
  }

  /** The attempt was no guess: its account begins anew, here and from all addresses together. */
  async succeed(attempt: Attempt): Promise<void> {
    const [pair, account, address] = SCOPES.map((scope) => keyOf(scope, attempt)) as [string, string, string];
    await this.memory.ask(() => Promise.all([
      ...[pair, account].flatMap((key) => [this.counts.delete(key), this.gates.delete(key)]),
      this.counts.reward(address),
    ]));
  }

  private async pass(key: string, rule: BackOffRule): Promise<void> {
    const { consumedPoints } = await this.counts.penalty(key);
    const seconds = backOffSeconds(consumedPoints, rule);
    if (seconds > 0) await this.gates.consume(key, 1, { customDuration: seconds });
  }
}

/** Addresses of people are not written into Redis. */
function keyOf(scope: Scope, { account, address }: Attempt): string {
  const hash = createHash('sha256').update(account).digest('base64url');
  const from = addressGroup(address);
  return { pair: `${scope}:${hash}:${from}`, account: `${scope}:${hash}`, address: `${scope}:${from}` }[scope];
}

function tooMany({ msBeforeNext }: RateLimiterRes): ProblemError {
  return new ProblemError('too-many-attempts', 'too many attempts to sign in have failed', {
    hint: 'wait, and try again', retryAfterSeconds: Math.max(1, Math.ceil(msBeforeNext / 1000)),
  });
}
