/** What a dump says of roles, apart from owners. */
export interface RoleUse {
  /** How many times each role is granted something; `PUBLIC` is everybody. */
  readonly grants: ReadonlyMap<string, number>;
  /** Policies for named roles, by `schema.table policy` as a table of contents names them, which roles have to exist. */
  readonly policies: ReadonlyMap<string, readonly string[]>;
}

const NAME = '"(?:[^"]|"")+"|[^\\s",;]+';
const GRANT = new RegExp(`^(?:GRANT|ALTER DEFAULT PRIVILEGES) .* TO (${NAME})(?: WITH GRANT OPTION)?;$`);
const TABLE = '(?:"(?:[^"]|"")+"|[^\\s".]+)(?:\\.(?:"(?:[^"]|"")+"|[^\\s".]+))?';
const POLICY = new RegExp(`^CREATE POLICY (?:${NAME}) ON ${TABLE}(?: AS RESTRICTIVE)?(?: FOR [A-Z]+)? TO ((?:${NAME})(?:, (?:${NAME}))*)(?: USING \\(| WITH CHECK \\(|;)`);
const HEADING = /^-- (?:Data for )?Name: (.*); Type: (.*); Schema: (.*); Owner: .*$/;

/** Reads the statements that pg_restore writes for privileges and policies; it must be given no others. */
export function parseGrants(sql: string): RoleUse {
  const grants = new Map<string, number>();
  const policies = new Map<string, string[]>();
  let entry = '';
  for (const line of sql.split('\n')) {
    const [, name, , schema] = HEADING.exec(line) ?? [];
    if (name !== undefined) entry = `${schema}.${name}`;
    const grantee = GRANT.exec(line)?.[1];
    if (grantee !== undefined) grants.set(unquote(grantee), (grants.get(unquote(grantee)) ?? 0) + 1);
    const roles = POLICY.exec(line)?.[1];
    if (roles !== undefined) policies.set(entry, [...roles.matchAll(new RegExp(NAME, 'g'))].map(([role]) => unquote(role)));
  }
  return { grants, policies };
}

function unquote(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}
