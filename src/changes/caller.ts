import type { Actor } from '../access/actor.js';

/** Who is acting, and in which request. */
export interface Caller {
  readonly actor: Actor;
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly idempotencyKey: string | undefined;
}
