import { CUSTOMERS_ROLE as CUSTOMERS } from './pooler-sql.js';
import { quoteIdentifier, quoteLiteral } from './quote-sql.js';
import type { DatabaseSpec } from '../../ports.js';
import { isOwnerLogin } from '../../role-names.js';

/**
 * Lets the owner log in with the passwords that are recorded, until the moments that are recorded, which PostgreSQL itself observes,
 * and with no other; for psql, in the database `postgres`. Sessions that are open stay open.
 *
 * A further log-in is a role that becomes the owner as its session begins, so that what it makes is the owner's. One that is not
 * recorded any more stays without a password, since sessions of it may be open.
 */
export function ownerLoginSql(database: Pick<DatabaseSpec, 'owner' | 'ownerVerifier' | 'ownerLogins' | 'size'>): string[] {
  const { owner, ownerVerifier, ownerLogins, size } = database;
  const wanted = ownerLogins?.others ?? [];
  const validUntil = (until: string | null): string => `VALID UNTIL ${quoteLiteral(until ?? 'infinity')}`;
  const role = quoteIdentifier(owner);
  return [
    `ALTER ROLE ${role} PASSWORD ${quoteLiteral(ownerVerifier)} ${validUntil(ownerLogins?.ownerUntil ?? null)};`,
    ...wanted.flatMap(({ name, verifier, until }) => {
      if (!isOwnerLogin(name, owner)) throw new Error(`"${name}" is no log-in of "${owner}"`);
      const login = quoteIdentifier(name);
      return [
        `SELECT ${quoteLiteral(`CREATE ROLE ${login}`)} `
          + `WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = ${quoteLiteral(name)}) \\gexec`,
        `ALTER ROLE ${login} NOLOGIN INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS `
          + `CONNECTION LIMIT ${Math.trunc(size.maxConnections)} PASSWORD ${quoteLiteral(verifier)} ${validUntil(until)};`,
        `GRANT ${role}, ${CUSTOMERS} TO ${login};`,
        `ALTER ROLE ${login} SET log_min_messages = fatal;`,
        `ALTER ROLE ${login} SET role = ${quoteLiteral(owner)};`,
        // Last: nobody is in under a name that is not the owner yet.
        `ALTER ROLE ${login} LOGIN;`,
      ];
    }),
    // Names are ours alone: see `role-names.ts`.
    'SELECT pg_catalog.format(\'ALTER ROLE %I NOLOGIN PASSWORD NULL\', rolname) FROM pg_catalog.pg_roles '
      + `WHERE rolname IN (${['a', 'b'].map((letter) => quoteLiteral(`${owner}_login_${letter}`)).join(', ')}) `
      + `AND rolname NOT IN (${[...wanted.map(({ name }) => name), ''].map(quoteLiteral).join(', ')}) \\gexec`,
  ];
}
