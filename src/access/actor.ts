import { EVERYTHING, type Reach } from '../metadata/reach.js';

/** A program, by its API key. */
export interface ApiKeyActor {
  readonly type: 'api-key';
  /** The credential's id. */
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
}

/** The control plane by itself, by the part of it that acts. */
export interface SystemActor {
  readonly type: 'system';
  /** The part's name, such as `recover`; no credential has an id of this form. */
  readonly id: string;
}

/** Who is acting. */
export type Actor = ApiKeyActor | SystemActor;

export const OPERATOR = 'operator';
export const PROVISION_SCOPE = 'provision';
export const customerScope = (customerId: string): string => `customer:${customerId}`;

/** How far an actor sees: the control plane and operators everything, a customer its own, the signup flow what it created. */
export function reachOf(actor: Actor): Reach {
  if (actor.type === 'system' || actor.scopes.includes(OPERATOR)) return EVERYTHING;
  const customer = actor.scopes.find((scope) => scope.startsWith('customer:'));
  if (customer) return { sees: 'customer', customerId: customer.slice('customer:'.length) };
  return { sees: 'created-by', credentialId: actor.id };
}
