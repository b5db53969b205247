const NAME = '"(?:[^"]|"")+"|[^\\s",;]+';
const GRANT = new RegExp(`^(?:GRANT|ALTER DEFAULT PRIVILEGES) (?:[^";]|"(?:[^"]|"")*")* TO (${NAME})(?: WITH GRANT OPTION)?;$`, 'gm');
const TABLE = '(?:"(?:[^"]|"")+"|[^\\s".]+)(?:\\.(?:"(?:[^"]|"")+"|[^\\s".]+))?';
const POLICY = new RegExp(
  `^CREATE POLICY (?:${NAME}) ON ${TABLE}(?: AS RESTRICTIVE)?(?: FOR [A-Z]+)? `
    + `TO ((?:${NAME})(?:, (?:${NAME}))*)(?: USING \\(| WITH CHECK \\(|;)`,
);

/** How many times each role is granted something by what pg_dump writes of privileges; `PUBLIC` is everybody. */
export function countGrants(definitions: readonly string[]): Map<string, number> {
  const grants = new Map<string, number>();
  for (const definition of definitions) {
    for (const [, grantee = ''] of definition.matchAll(GRANT)) grants.set(unquote(grantee), (grants.get(unquote(grantee)) ?? 0) + 1);
  }
  return grants;
}

/** The roles that a policy names, as pg_dump writes it: they have to exist. */
export function listPolicyRoles(definition: string): string[] {
  const roles = POLICY.exec(definition)?.[1] ?? '';
  return [...roles.matchAll(new RegExp(NAME, 'g'))].map(([role]) => unquote(role));
}

function unquote(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}
