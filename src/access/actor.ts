import { EVERYTHING, type Reach } from '../metadata/reach.js';

/** A program, by its API key. */
export interface ApiKeyActor {
  readonly type: 'api-key';
  /** The credential's id. */
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
}

/** What a person may do: all for their customer, read for their customer, or all. */
export const USER_ROLES = ['owner', 'member', 'operator'] as const;
export type UserRole = (typeof USER_ROLES)[number];

/** What a person has to do before anything else: until then they act on nothing but their own account. */
export type Owed = 'new-password' | 'second-factor';

/** A person, by a session. */
export interface UserActor {
  readonly type: 'user';
  /** The user's id. */
  readonly id: string;
  readonly role: UserRole;
  /** Null for an operator. */
  readonly customerId: string | null;
  /** The session that they act by; its hash is the name under which it is kept. */
  readonly session: { readonly id: string; readonly hash: string };
  readonly owes: Owed | null;
}

/** The control plane by itself, by the part of it that acts. */
export interface SystemActor {
  readonly type: 'system';
  /** The part's name, such as `recover`; no credential has an id of this form. */
  readonly id: string;
}

/** Who is acting. */
export type Actor = ApiKeyActor | UserActor | SystemActor;

export const OPERATOR = 'operator';
export const PROVISION_SCOPE = 'provision';
export const customerScope = (customerId: string): string => `customer:${customerId}`;

/**
 * What an actor may change, in the words of API keys: an owner may what a key of their customer may, an operator what a key of
 * operators may, and a member, who only reads, nothing.
 */
export function scopesOf(actor: ApiKeyActor | UserActor): readonly string[] {
  if (actor.type === 'api-key') return actor.scopes;
  if (actor.role === 'operator') return [OPERATOR];
  return actor.role === 'owner' && actor.customerId !== null ? [customerScope(actor.customerId)] : [];
}

/** How far an actor sees: the control plane and operators everything, a customer its own, the signup flow what it created. */
export function reachOf(actor: Actor): Reach {
  if (actor.type === 'system' || scopesOf(actor).includes(OPERATOR)) return EVERYTHING;
  if (actor.type === 'user') return { sees: 'customer', customerId: actor.customerId ?? 'nobody' };
  const customer = actor.scopes.find((scope) => scope.startsWith('customer:'));
  if (customer) return { sees: 'customer', customerId: customer.slice('customer:'.length) };
  return { sees: 'created-by', credentialId: actor.id };
}
