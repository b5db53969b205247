import type { Reach } from '../metadata/reach.js';
import { notFound, ProblemError } from '../problems/problem.js';
import { type Action, WHO_MAY, type Who } from './actions.js';
import {
  type Actor, customerScope, OPERATOR, type Owed, PROVISION_SCOPE, reachOf, scopesOf, type UserActor,
} from './actor.js';
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
 * @throws ProblemError `forbidden`, `new-password-required`, `second-factor-required`
 */
function requirePermission(actor: Actor, action: Action, customerId?: string): void {
  if (actor.type === 'system') return;
  const who: Who = WHO_MAY[action];
  if (who === 'public') return;
  if (actor.type === 'user' && actor.owes !== null && who !== 'newcomer') throw owed(actor.owes);
  if (who === 'authenticated') return;
  if (who === 'person' || who === 'newcomer') {
    if (actor.type === 'user') return;
    throw new ProblemError('forbidden', 'a key has no account of its own', { hint: 'sign in as a user' });
  }
  const scopes = scopesOf(actor);
  if (who !== 'system' && scopes.includes(OPERATOR)) return;
  const wanted = scopesFor(who, customerId);
  if (wanted.some((scope) => scopes.includes(scope))) return;
  throw actor.type === 'user' ? refuseUser(actor) : refuseKey(wanted);
}

function refuseKey(wanted: readonly string[]): ProblemError {
  const named = wanted.map((scope) => `"${scope}"`).join(' or ');
  const reason = wanted.length > 0 ? `the key lacks the scope ${named}` : 'no key may do that';
  return new ProblemError('forbidden', reason, { extensions: { scopes: wanted } });
}

function refuseUser({ role }: UserActor): ProblemError {
  const reason = role === 'member' ? 'a member may read, and change nothing' : `no user with the role ${role} may do that`;
  return new ProblemError('forbidden', reason);
}

function owed(what: Owed): ProblemError {
  return what === 'new-password'
    ? new ProblemError('new-password-required', 'the password was given by somebody else', { hint: 'choose one of your own first' })
    : new ProblemError('second-factor-required', 'operators sign in with a second factor', { hint: 'set one up first' });
}

function scopesFor(
  who: Exclude<Who, 'public' | 'authenticated' | 'person' | 'newcomer'>, customerId: string | undefined,
): readonly string[] {
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
