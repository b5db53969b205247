import type { UserActor } from '../access/actor.js';
import type { Subject } from '../access/subject.js';
import type { User, UsersService } from '../access/users/users.service.js';
import type { Caller } from '../changes/caller.js';
import { EVERYTHING } from '../metadata/reach.js';

/** The caller's own account. A program has none, and is refused by the table of actions before it is looked for. */
export function accountSubject({ actor }: Caller, users: UsersService): Subject<User> {
  if (actor.type !== 'user') return { id: null, find: () => Promise.resolve(undefined) };
  return { id: actor.id, find: () => users.find(EVERYTHING, actor.id), ownerOf: ({ customerId }) => customerId ?? undefined };
}

/** The person who asks, once it is admitted that it is one. */
export function requireUser({ actor }: Caller): UserActor {
  if (actor.type !== 'user') throw new Error(`${actor.id} is no user, and was admitted as one`);
  return actor;
}
