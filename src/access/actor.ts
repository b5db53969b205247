import { EVERYTHING, type Reach } from '../metadata/reach.js';
import { ProblemError } from '../problems/problem.js';

/** Who is acting: a program, by its API key. */
export interface Actor {
  /** The credential's id. */
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
}

export const OPERATOR = 'operator';
export const PROVISION_SCOPE = 'provision';
export const customerScope = (customerId: string): string => `customer:${customerId}`;

/** How far an actor sees: an operator everything, a customer its own, the signup flow what it created. */
export function reachOf(actor: Actor): Reach {
  if (actor.scopes.includes(OPERATOR)) return EVERYTHING;
  const customer = actor.scopes.find((scope) => scope.startsWith('customer:'));
  if (customer) return { sees: 'customer', customerId: customer.slice('customer:'.length) };
  return { sees: 'created-by', credentialId: actor.id };
}

/**
 * Refuses an actor that has none of the scopes. To be asked only about things that the actor can see: what it cannot
 * see does not exist for it.
 *
 * @throws ProblemError `forbidden`
 */
export function requireScope(actor: Actor, ...scopes: readonly string[]): void {
  if (actor.scopes.includes(OPERATOR) || scopes.some((scope) => actor.scopes.includes(scope))) return;
  const wanted = scopes.length > 0 ? scopes : [OPERATOR];
  throw new ProblemError('forbidden', `the key lacks the scope ${wanted.map((scope) => `"${scope}"`).join(' or ')}`, { extensions: { scopes: wanted } });
}
