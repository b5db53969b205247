import type { Reach } from '../metadata/reach.js';
import { notFound, ProblemError } from '../problems/problem.js';
import { type Action, WHO_MAY, type Who } from './actions.js';
import { type Actor, customerScope, OPERATOR, PROVISION_SCOPE, reachOf } from './actor.js';

/**
 * Finds the subject of an action within the actor's reach and checks that the actor may take the action: the one way
 * to a customer's thing, so that an actor is never told of what it cannot see.
 *
 * @param find answers nothing for a subject that is missing or out of reach, or throws an error of its own that says so
 * @param ownerOf the customer whose thing the subject is; by default its member `customerId`. A subject without one
 *   has no owner: an action that is for owners is then for operators alone
 * @throws ProblemError `not-found`, `forbidden`
 */
export async function admit<Subject extends object>(
  actor: Actor, action: Action, find: (reach: Reach) => Promise<Subject | undefined>,
  ownerOf: (subject: Subject) => string | undefined = customerOf,
): Promise<Subject> {
  const subject = await find(reachOf(actor));
  if (!subject) throw notFound();
  requirePermission(actor, action, ownerOf(subject));
  return subject;
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
 * Refuses an actor that may not take the action. By itself only for actions without a subject of a customer's; the
 * others begin with {@link admit}.
 *
 * @throws ProblemError `forbidden`
 */
export function requirePermission(actor: Actor, action: Action, customerId?: string): void {
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

const customerOf = (subject: object): string | undefined =>
  'customerId' in subject && typeof subject.customerId === 'string' ? subject.customerId : undefined;
