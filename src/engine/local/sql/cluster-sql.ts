import { createHmac } from 'node:crypto';

import { newPoolerSql, ownerRightsSql } from './pooler-sql.js';
import { quoteIdentifier, quoteLiteral } from './quote-sql.js';

/** The superuser of every instance, as which the control plane connects. */
export const CONTROL_USER = 'freehold';
/** The name of sessions that dump. */
export const DUMP_APPLICATION = 'freehold-dump';
/** A dump logs in as this role, which may read everything and nothing else; no superuser is behind it to go back to. */
export const DUMP_ROLE = 'freehold_dump';
/** May replicate and nothing else. */
export const REPLICATION_USER = 'freehold_replication';
/** How sessions that have an effect name themselves; see {@link endStaleEffects}. */
export const EFFECT_APPLICATION = 'freehold-effect';

/**
 * The first statement of every session that has an effect: ends those that a killed holder of the lock left behind.
 *
 * A client that is killed leaves a backend that finishes the statement it was sent. Under the lock no other such session
 * is rightful, and a query is sent only after its backend shows in pg_stat_activity, so that once these are gone no
 * older statement can take effect any more. What else a stale statement could collide with is no concern: an effect
 * that is not SQL leaves roles and slots alone. It is sent into customers' databases, too, and so has exact types (see
 * `extension-sql.ts`).
 */
export const endStaleEffects = `SELECT pg_catalog.pg_terminate_backend(pid, 5000::pg_catalog.int8) FROM pg_catalog.pg_stat_activity
  WHERE application_name OPERATOR(pg_catalog.=) '${EFFECT_APPLICATION}'::pg_catalog.text
    AND usename OPERATOR(pg_catalog.=) '${CONTROL_USER}'::pg_catalog.name AND pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid();`;

export interface NewDatabase {
  readonly name: string;
  readonly owner: string;
  readonly ownerVerifier: string;
  readonly replicationVerifier: string;
  readonly dumpVerifier: string;
  /** Of which the passwords of our lesser roles are made; it is not sent. */
  readonly controlPassword: string;
  readonly maxConnections: number;
}

/**
 * Makes the roles and the customer's database in a new cluster; each statement in a line of its own, as single-user mode
 * takes them.
 *
 * The owner may do everything in the one database; outside of it, make further ones.
 */
export function newDatabaseSql(database: NewDatabase): string[] {
  const owner = quoteIdentifier(database.owner);
  const name = quoteIdentifier(database.name);
  return [
    `CREATE ROLE ${quoteIdentifier(REPLICATION_USER)} LOGIN REPLICATION NOINHERIT PASSWORD ${quoteLiteral(database.replicationVerifier)};`,
    `CREATE ROLE ${quoteIdentifier(DUMP_ROLE)} NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION BYPASSRLS IN ROLE pg_read_all_data;`,
    `CREATE ROLE ${owner} LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION NOBYPASSRLS `
      + `PASSWORD ${quoteLiteral(database.ownerVerifier)};`,
    // A customer's own errors, and RAISE LOG, would fill the host's disk.
    `ALTER ROLE ${owner} SET log_min_messages = fatal;`,
    // What the control plane asks all the time would push the customer's own statements out of the view.
    ...[CONTROL_USER, DUMP_ROLE].map((role) => `ALTER ROLE ${quoteIdentifier(role)} SET pg_stat_statements.track = 'none';`),
    `CREATE DATABASE ${name} OWNER ${owner};`,
    'REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC;',
    ...newPoolerSql(database.controlPassword),
    ...ownerRightsSql(database),
    `REVOKE ALL ON DATABASE ${name} FROM PUBLIC;`,
    ...dumpLoginSql(database.name, database.dumpVerifier),
  ];
}

/** Lets the role of dumps into a database. */
export function dumpLoginSql(database: string, verifier: string): string[] {
  return [...dumpRoleSql(verifier), letDumpsInSql(database)];
}

/** Lets the role of dumps log in. Large objects have rights of their own, which no role that reads everything has. */
export function dumpRoleSql(verifier: string): string[] {
  const role = quoteIdentifier(DUMP_ROLE);
  return [`ALTER ROLE ${role} LOGIN PASSWORD ${quoteLiteral(verifier)};`, `ALTER ROLE ${role} SET lo_compat_privileges = on;`];
}

export const letDumpsInSql = (database: string): string =>
  `GRANT CONNECT ON DATABASE ${quoteIdentifier(database)} TO ${quoteIdentifier(DUMP_ROLE)};`;

/** The password of {@link DUMP_ROLE}: made of the control plane's own, so that both are known and changed together. */
export const dumpPassword = (controlPassword: string): string =>
  createHmac('sha256', controlPassword).update(DUMP_ROLE).digest('base64url');
