/** What a customer's role may do in the databases of its instance. */
export const ROLE_ACCESS = ['readOnly', 'readWrite'] as const;
export type RoleAccess = (typeof ROLE_ACCESS)[number];

/** A role of a customer's own, beside the owner. */
export interface RoleObservation {
  readonly name: string;
  readonly access: RoleAccess;
}

/** A role as it is to be. */
export interface WantedRole extends RoleObservation {
  /** The SCRAM-SHA-256 verifier of its password. */
  readonly verifier: string;
  /** Whether it is made where it is not there. */
  readonly create: boolean;
}

const ROLE_NAME = /^[a-z][a-z0-9_]{0,39}$/;
/**
 * Names that are PostgreSQL's, the pooler's or ours, as those of the owner's further log-ins are, or that SQL takes for something else
 * where they are not quoted.
 */
const RESERVED = /^(?:freehold.*|pg_.*|.*_login_[ab]|pgbouncer|postgres|public|none|user|current_user|current_role|session_user)$/;

/** Whether a customer may give a role that name; its owner's is taken in each database besides. */
export const isRoleName = (name: string): boolean => ROLE_NAME.test(name) && !RESERVED.test(name);

/** Whether a role is the owner under another name. */
export const isOwnerLogin = (name: string, owner: string): boolean => [`${owner}_login_a`, `${owner}_login_b`].includes(name);
