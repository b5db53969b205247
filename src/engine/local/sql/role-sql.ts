import { CUSTOMERS_ROLE as CUSTOMERS } from './pooler-sql.js';
import { quoteIdentifier, quoteLiteral } from './quote-sql.js';

/** Its members read what the owner makes, in each database. */
const READERS = 'freehold_readers';
/** Its members write it. */
const WRITERS = 'freehold_writers';

/** The first of the databases that others are made from. */
export const EMPTY_TEMPLATE = 'template0';

/*
 * PostgreSQL's own pg_read_all_data and pg_write_all_data are not given, although they would follow everything by themselves:
 *
 * - pg_read_all_data reads pg_authid, with the verifiers of the control plane's roles;
 * - pg_write_all_data writes through the views of pg_catalog that PostgreSQL takes for updatable, which belong to the control
 *   plane: UPDATE pg_group renames roles, DELETE FROM pg_stat_database_conflicts removes databases; and LOCK TABLE pg_roles
 *   locks pg_authid, so that nobody can log in any more.
 *
 * Instead two groups are given rights in what the owner has, and in what the owner makes later by default privileges. Those
 * stand in the templates, too, and so in each database that is made later, whichever template it is made from.
 */

const BEGIN = 'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;';
/** Waits for a customer's own transaction are short; a statement gives one relation's rights, or hands on all that one role has. */
const BOUNDS = ["SET lock_timeout = '5s';", "SET statement_timeout = '30s';"];

const roleOid = (role: string): string => `${quoteLiteral(quoteIdentifier(role))}::pg_catalog.regrole::pg_catalog.oid`;
const text = (value: string): string => `${quoteLiteral(value)}::pg_catalog.text`;
const chars = (...values: readonly string[]): string => `ARRAY[${values.map((value) => `'${value}'::pg_catalog."char"`).join(', ')}]`;
const join = (...parts: readonly string[]): string => parts.join(' OPERATOR(pg_catalog.||) ');
const quoted = (column: string): string => `pg_catalog.quote_ident(${column}::pg_catalog.text)`;
const members = (group: string): string =>
  `(SELECT m.member FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles g ON g.oid = m.roleid WHERE g.rolname = '${group}')`;

/** Every role that is a member of the customers' group, but the owner's, and those that are the owner under other names. */
export const observeRolesSql = (owner: string): string => `
  SELECT r.rolname::pg_catalog.text AS name, CASE WHEN r.oid IN ${members(WRITERS)} THEN 'readWrite' ELSE 'readOnly' END AS access
    FROM pg_catalog.pg_roles r WHERE r.oid IN ${members(CUSTOMERS)}
     AND r.rolname NOT IN (${['', '_login_a', '_login_b'].map((suffix) => quoteLiteral(owner + suffix)).join(', ')}) ORDER BY r.rolname`;

/** Whether there is a role of that name, and whether it is a customer's. */
export const findRoleSql = (name: string): string => `
  SELECT r.oid::pg_catalog.int8::pg_catalog.text AS oid, r.oid IN ${members(CUSTOMERS)} AS customers
    FROM pg_catalog.pg_roles r WHERE r.rolname = ${quoteLiteral(name)}`;

/** Makes the groups, and lets them into the customer's database; nobody but the control plane into the empty template. */
export function groupsSql(database: string): string[] {
  const make = (group: string): string =>
    `SELECT 'CREATE ROLE ${group} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS'
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '${group}') \\gexec`;
  return [
    ...BOUNDS,
    BEGIN,
    ...[CUSTOMERS, READERS, WRITERS].map(make),
    `REVOKE CONNECT ON DATABASE ${EMPTY_TEMPLATE} FROM PUBLIC;`,
    `GRANT CONNECT ON DATABASE ${quoteIdentifier(database)} TO ${READERS};`,
    `GRANT TEMPORARY ON DATABASE ${quoteIdentifier(database)} TO ${WRITERS};`,
    'COMMIT;',
    // One that was interrupted may have left it open.
    `SELECT 'ALTER DATABASE ${EMPTY_TEMPLATE} ALLOW_CONNECTIONS false' `
      + `FROM pg_catalog.pg_database WHERE datname = '${EMPTY_TEMPLATE}' AND datallowconn \\gexec`,
  ];
}

export const openTemplateSql = (open: boolean): string[] => [`ALTER DATABASE ${EMPTY_TEMPLATE} ALLOW_CONNECTIONS ${open};`];

/**
 * The databases in which the groups have no rights yet, those first that others are made from. Of a database that takes no
 * connections only the template is looked after; one whose removal was interrupted (-2) is none any more.
 */
export const UNPREPARED = `
  SELECT d.datname::pg_catalog.text AS name FROM pg_catalog.pg_database d
   WHERE d.datconnlimit <> -2 AND (d.datallowconn OR d.datname = '${EMPTY_TEMPLATE}') AND d.datname <> 'freehold'
     AND NOT EXISTS (SELECT FROM pg_catalog.pg_shdepend s WHERE s.dbid = d.oid
       AND s.classid = 'pg_catalog.pg_default_acl'::pg_catalog.regclass
       AND s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND s.refobjid = '${READERS}'::pg_catalog.regrole::pg_catalog.oid)
   ORDER BY d.datname <> '${EMPTY_TEMPLATE}', d.datname <> 'template1', d.datname`;

/**
 * Gives the groups their rights in one database, all of it or nothing: in what the owner makes from now on, and in what is
 * there. What others own is not touched, such as what an extension has brought.
 *
 * It runs no code of the customer's. Operators and functions are given exactly PostgreSQL's own types, since an owner's
 * extension may put others of the same name into `pg_catalog`.
 */
export function prepareSql(owner: string): string[] {
  const byDefault = (rights: string, what: string, group: string): string =>
    `ALTER DEFAULT PRIVILEGES FOR ROLE ${quoteIdentifier(owner)} GRANT ${rights} ON ${what} TO ${group};`;
  const grant = (rights: string, what: string, name: string, group: string): string =>
    join(text(`GRANT ${rights} ON ${what} `), name, text(` TO ${group}`));
  const relation = join(quoted('n.nspname'), text('.'), quoted('c.relname'));
  const relations = (...kinds: readonly string[]): string =>
    `FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
    WHERE c.relowner OPERATOR(pg_catalog.=) ${roleOid(owner)} AND c.relkind OPERATOR(pg_catalog.=) ANY (${chars(...kinds)})
      AND c.relpersistence OPERATOR(pg_catalog.<>) 't'::pg_catalog."char"`;
  return [
    ...BOUNDS,
    BEGIN,
    byDefault('USAGE', 'SCHEMAS', READERS),
    byDefault('SELECT', 'TABLES', READERS),
    byDefault('INSERT, UPDATE, DELETE', 'TABLES', WRITERS),
    byDefault('SELECT', 'SEQUENCES', READERS),
    byDefault('USAGE, UPDATE', 'SEQUENCES', WRITERS),
    `SELECT ${grant('USAGE', 'SCHEMA', quoted('n.nspname'), READERS)} FROM pg_catalog.pg_namespace n `
      + `WHERE n.nspowner OPERATOR(pg_catalog.=) ${roleOid(owner)} \\gexec`,
    `SELECT ${grant('SELECT', 'TABLE', relation, READERS)}, ${grant('INSERT, UPDATE, DELETE', 'TABLE', relation, WRITERS)} `
      + `${relations('r', 'p', 'v', 'm', 'f')} \\gexec`,
    `SELECT ${grant('SELECT', 'SEQUENCE', relation, READERS)}, ${grant('USAGE, UPDATE', 'SEQUENCE', relation, WRITERS)} `
      + `${relations('S')} \\gexec`,
    'COMMIT;',
  ];
}

export interface RoleToSet {
  readonly name: string;
  readonly writes: boolean;
  readonly verifier: string;
  readonly connections: number;
  /** Whether it is there already. */
  readonly exists: boolean;
}

/** Makes a role, or changes it into what is wanted. */
export function setRoleSql({ name, writes, verifier, connections, exists }: RoleToSet): string[] {
  const role = quoteIdentifier(name);
  return [
    ...BOUNDS,
    BEGIN,
    ...(exists ? [] : [`CREATE ROLE ${role};`]),
    `ALTER ROLE ${role} LOGIN INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS `
      + `CONNECTION LIMIT ${Math.trunc(connections)} PASSWORD ${quoteLiteral(verifier)};`,
    // A customer's own errors, and RAISE LOG, would fill the host's disk.
    `ALTER ROLE ${role} SET log_min_messages = fatal;`,
    `GRANT ${CUSTOMERS}, ${READERS} TO ${role};`,
    writes ? `GRANT ${WRITERS} TO ${role};` : `REVOKE ${WRITERS} FROM ${role};`,
    'COMMIT;',
  ];
}

/** Lets a role log in no more, and ends its sessions. */
export function shutOutSql(name: string): string[] {
  return [...BOUNDS, `ALTER ROLE ${quoteIdentifier(name)} NOLOGIN;`, endSessionsSql(name)];
}

/** Removes a role that has nothing any more. */
export function removeRoleSql(name: string): string[] {
  return [...BOUNDS, endSessionsSql(name), `DROP ROLE ${quoteIdentifier(name)};`];
}

const endSessionsSql = (name: string): string =>
  `SELECT pg_catalog.pg_terminate_backend(pid, 5000) FROM pg_catalog.pg_stat_activity WHERE usesysid = ${roleOid(name)};`;

/** The databases in which a role owns something, or may do something beyond what its groups may. */
export const databasesOfSql = (name: string): string => `
  SELECT DISTINCT d.datname::pg_catalog.text AS name, d.datallowconn AS open
    FROM pg_catalog.pg_shdepend s JOIN pg_catalog.pg_database d ON d.oid = s.dbid
   WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND s.refobjid = ${roleOid(name)} ORDER BY 1`;

/**
 * Hands what a role has in one database to the owner, and takes what it may do there. Its functions lose SECURITY DEFINER first:
 * they would run with the owner's rights from then on, for everybody who may call them.
 */
export function handOnSql(name: string, owner: string): string[] {
  const alter = join(text('ALTER ROUTINE '), 'p.oid::pg_catalog.regprocedure::pg_catalog.text', text(' SECURITY INVOKER'));
  return [
    ...BOUNDS,
    BEGIN,
    `SELECT ${alter} FROM pg_catalog.pg_proc p WHERE p.proowner OPERATOR(pg_catalog.=) ${roleOid(name)} AND p.prosecdef \\gexec`,
    `REASSIGN OWNED BY ${quoteIdentifier(name)} TO ${quoteIdentifier(owner)};`,
    `DROP OWNED BY ${quoteIdentifier(name)};`,
    'COMMIT;',
  ];
}
