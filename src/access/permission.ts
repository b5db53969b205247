import type { Reach } from '../metadata/reach.js';
import { notFound, ProblemError } from '../problems/problem.js';
import { type Action, WHO_MAY, type Who } from './actions.js';
import { type Actor, customerScope, OPERATOR, PROVISION_SCOPE, reachOf } from './actor.js';
import type { Subject } from './subject.js';

/**
 * Finds the subject of an action within the actor's reach and checks that the actor may take the action: the one way
 * to a customer's thing, so that an actor is never told of what it cannot see.
 *
 * @throws ProblemError `not-found`, `forbidden`
 */
export async function admit<Found extends object>(actor: Actor, action: Action, { find, ownerOf }: Subject<Found>): Promise<Found> {
  if (!ownerOf) requirePermission(actor, action);
  const found = await find(reachOf(actor));
  if (!found) throw notFound();
  if (ownerOf) requirePermission(actor, action, ownerOf(found));
  return found;
}

/**
 * How far an actor sees that takes an action on all that it can see, such as a list.
 *
 * @throws ProblemError `forbidden`
 */
export function reachFor(actor: Actor, action: Action): Reach {
  requirePermission(actor, action);
  return reachOf(actor);
}

/**
 * Refuses an actor that may not take the action.
 *
 * @throws ProblemError `forbidden`
 */
function requirePermission(actor: Actor, action: Action, customerId?: string): void {
  if (actor.type === 'system') return;
  const who: Who = WHO_MAY[action];
  if (who === 'public' || who === 'authenticated') return;
  if (who !== 'system' && actor.scopes.includes(OPERATOR)) return;
  const wanted = scopesFor(who, customerId);
  if (wanted.some((scope) => actor.scopes.includes(scope))) return;
  const named = wanted.map((scope) => `"${scope}"`).join(' or ');
  const reason = wanted.length > 0 ? `the key lacks the scope ${named}` : 'no key may do that';
  throw new ProblemError('forbidden', reason, { extensions: { scopes: wanted } });
}

function scopesFor(who: Exclude<Who, 'public' | 'authenticated'>, customerId: string | undefined): readonly string[] {
  const owner = customerId === undefined ? OPERATOR : customerScope(customerId);
  switch (who) {
    case 'signup':
      return [PROVISION_SCOPE];
    case 'owner':
      return [owner];
    case 'owner-or-signup':
      return [owner, PROVISION_SCOPE];
    case 'operator':
      return [OPERATOR];
    case 'system':
      return [];
  }
}
