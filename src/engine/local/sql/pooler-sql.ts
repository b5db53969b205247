import { CREATE_PROBE, PROBE_ROLE, PROBE_TABLE, settleProbeSql } from './probe-sql.js';
import { quoteIdentifier, quoteLiteral } from './quote-sql.js';

/** `pg_hba.conf` lets its members in: the owner and the customer's further roles. It has no rights, and membership gives none. */
export const CUSTOMERS_ROLE = 'freehold_customers';
/** As which a database's pooler looks up how its clients log in. It may do that and nothing else. */
export const POOLER_ROLE = 'freehold_pooler';
/** A database of our own beside the customer's, so that nothing for the pooler and for probes lies in theirs or in their dumps. */
export const POOLER_DATABASE = 'freehold';
/** What the pooler asks there (PgBouncer's `auth_query`). */
export const POOLER_LOOKUP = 'SELECT name, verifier FROM public.pooler_login($1)';

/**
 * Tells the pooler the verifier of a role that may come in through it, as PostgreSQL itself would judge it: one that may log
 * in and has not expired, of the customer's, and none that could do more than a customer may.
 */
const LOOKUP_SQL = [
  'CREATE OR REPLACE FUNCTION public.pooler_login(wanted text, OUT name text, OUT verifier text) RETURNS SETOF record',
  'LANGUAGE sql STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS',
  '$$ SELECT rolname::text, rolpassword FROM pg_catalog.pg_authid',
  'WHERE rolname = wanted AND rolcanlogin AND NOT rolsuper AND NOT rolreplication AND NOT rolbypassrls AND NOT rolcreaterole',
  `AND rolname <> ${quoteLiteral(POOLER_ROLE)} AND (rolvaliduntil IS NULL OR rolvaliduntil > pg_catalog.clock_timestamp())`,
  `AND rolpassword LIKE 'SCRAM-SHA-256$%'`,
  `AND pg_catalog.pg_has_role(oid, ${quoteLiteral(CUSTOMERS_ROLE)}, 'MEMBER') $$;`,
].join(' ');
const LOOKUP_RIGHTS = [
  'REVOKE ALL ON FUNCTION public.pooler_login(text) FROM PUBLIC;',
  `GRANT EXECUTE ON FUNCTION public.pooler_login(text) TO ${quoteIdentifier(POOLER_ROLE)};`,
];
const DATABASE_RIGHTS = [
  `REVOKE ALL ON DATABASE ${quoteIdentifier(POOLER_DATABASE)} FROM PUBLIC;`,
  `GRANT CONNECT ON DATABASE ${quoteIdentifier(POOLER_DATABASE)} TO ${quoteIdentifier(POOLER_ROLE)}, ${quoteIdentifier(PROBE_ROLE)};`,
];
const CREATE_CUSTOMERS =
  `CREATE ROLE ${quoteIdentifier(CUSTOMERS_ROLE)} NOLOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION NOBYPASSRLS`;
const CREATE_POOLER =
  `CREATE ROLE ${quoteIdentifier(POOLER_ROLE)} LOGIN NOINHERIT NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION NOBYPASSRLS`;
const CREATE_DATABASE = `CREATE DATABASE ${quoteIdentifier(POOLER_DATABASE)}`;
const SETTLE_POOLER = `ALTER ROLE ${quoteIdentifier(POOLER_ROLE)} SET pg_stat_statements.track = 'none';`;

/**
 * What the pooler and probes need in a new cluster; each statement in a line of its own, as single-user mode takes them. It
 * cannot change to another database, so the function and the table come into the new one by being copied along.
 */
export function newPoolerSql(controlPassword: string): string[] {
  return [
    `${CREATE_CUSTOMERS};`,
    `${CREATE_POOLER};`,
    SETTLE_POOLER,
    `${CREATE_PROBE};`,
    ...settleProbeSql(controlPassword),
    LOOKUP_SQL,
    ...LOOKUP_RIGHTS,
    ...PROBE_TABLE,
    `${CREATE_DATABASE} TEMPLATE postgres;`,
    ...DATABASE_RIGHTS,
    'DROP TABLE public.probe;',
    'DROP FUNCTION public.pooler_login(text);',
  ];
}

export interface OwnerRights {
  readonly owner: string;
  /** Sessions that the plan gives to the customer. */
  readonly maxConnections: number;
}

/** What an owner may do outside of the database that was made for them: make further ones, and log in to `postgres` for it. */
export function ownerRightsSql({ owner, maxConnections }: OwnerRights): string[] {
  const role = quoteIdentifier(owner);
  return [
    `ALTER ROLE ${role} CREATEDB CONNECTION LIMIT ${maxConnections};`,
    `GRANT ${quoteIdentifier(CUSTOMERS_ROLE)} TO ${role};`,
    `GRANT CONNECT ON DATABASE postgres TO ${role};`,
  ];
}

/** The same in a cluster that may have it already, or in part; for psql, in the database `postgres`. */
export function equipSql(rights: OwnerRights, controlPassword: string): string[] {
  const unless = (found: string, statement: string): string => `SELECT ${quoteLiteral(statement)} WHERE NOT EXISTS (${found}) \\gexec`;
  const role = (name: string): string => `SELECT FROM pg_catalog.pg_roles WHERE rolname = ${quoteLiteral(name)}`;
  return [
    unless(role(CUSTOMERS_ROLE), CREATE_CUSTOMERS),
    unless(role(POOLER_ROLE), CREATE_POOLER),
    SETTLE_POOLER,
    unless(role(PROBE_ROLE), CREATE_PROBE),
    ...settleProbeSql(controlPassword),
    unless(`SELECT FROM pg_catalog.pg_database WHERE datname = ${quoteLiteral(POOLER_DATABASE)}`, CREATE_DATABASE),
    ...DATABASE_RIGHTS,
    ...ownerRightsSql(rights),
    `\\connect ${POOLER_DATABASE}`,
    'BEGIN;',
    LOOKUP_SQL,
    ...LOOKUP_RIGHTS,
    ...PROBE_TABLE,
    'COMMIT;',
  ];
}
