import { type Actor, reachOf } from '../access/actor.js';
import type { Reach } from '../metadata/reach.js';

/** Who asks for a change or reads, and from where. It is the same for a controller, a page and what acts by itself. */
export interface Caller {
  readonly actor: Actor;
  /** Ties the request, its operation and every log line of both together; null for what acts by itself. */
  readonly requestId: string | null;
  /** Where the request came from; null for what acts by itself. */
  readonly address: string | null;
  /** The caller's name for this change, by which it is made once however often it is asked for; none is remembered if absent. */
  readonly idempotencyKey?: string | undefined;
}

/** A part of the control plane that acts by itself, such as a watch, or an operation that asks for others. */
export const systemCaller = (part: string): Caller => ({ actor: { type: 'system', id: part }, requestId: null, address: null });

/** Who asks, as what is recorded of a change names it. */
export interface Asker {
  readonly id: string;
  readonly reach: Reach;
  readonly requestId: string | null;
}

export const askerOf = ({ actor, requestId }: Caller): Asker => ({ id: actor.id, reach: reachOf(actor), requestId });
