import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { ProblemError } from '../../problems/problem.js';
import { SharedMemory } from '../../redis/shared-memory.js';
import { addressGroup } from './address-group.js';

const HOUR_SECONDS = 3_600;
/** Mails that anybody can have sent to one address in an hour. */
const TO_ONE_RECIPIENT = 3;
/** Mails that may be asked for from one address of the network in an hour. */
const FROM_ONE_ADDRESS = 30;

/** How many mails strangers may have sent: nobody's mailbox is to be filled from here. */
@Injectable()
export class LetterLimits {
  private readonly recipients: RateLimiterRedis;
  private readonly addresses: RateLimiterRedis;

  constructor(private readonly memory: SharedMemory) {
    const shared = { storeClient: memory.redis, duration: HOUR_SECONDS };
    this.recipients = new RateLimiterRedis({ ...shared, keyPrefix: 'freehold:letters-to', points: TO_ONE_RECIPIENT });
    this.addresses = new RateLimiterRedis({ ...shared, keyPrefix: 'freehold:letters-from', points: FROM_ONE_ADDRESS });
  }

  /**
   * Whether another mail may go to the recipient. If not, whoever asks is answered as if it went: they may be the one who is to be
   * kept from writing.
   *
   * @throws ProblemError `rate-limited` for an address that has asked for too many
   */
  async mayWrite(recipient: string, address: string | null): Promise<boolean> {
    const refusal = await this.consume(this.addresses, addressGroup(address));
    if (refusal) {
      throw new ProblemError('rate-limited', 'too many mails were asked for from this address', {
        retryAfterSeconds: Math.max(1, Math.ceil(refusal.msBeforeNext / 1000)),
      });
    }
    return !(await this.consume(this.recipients, createHash('sha256').update(recipient).digest('base64url')));
  }

  private async consume(limiter: RateLimiterRedis, key: string): Promise<RateLimiterRes | undefined> {
    try {
      await this.memory.ask(() => limiter.consume(key));
      return undefined;
    } catch (refusal) {
      if (refusal instanceof RateLimiterRes) return refusal;
      throw refusal;
    }
  }
}
