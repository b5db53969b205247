import { describe, expect, it } from 'vitest';
import { isRoleName } from '../../../../../src/engine/role-names.js';
import { handOnSql, prepareSql, setRoleSql } from '../../../../../src/engine/local/sql/role-sql.js';

describe('the names of roles', () => {
  it.each(['reporting', 'a', 'r2_d2', 'owner', 'x'.repeat(40)])('may be "%s"', (name) => expect(isRoleName(name)).toBe(true));
  it.each(['', 'Upper', '2nd', '_x', 'with-hyphen', 'x'.repeat(41), 'é', 'a\n', 'freehold', 'freehold_dump', 'freeholder', 'pg_monitor', 'pgbouncer', 'postgres', 'public', 'none', 'user', 'current_user'])(
    'may not be "%s"', (name) => expect(isRoleName(name)).toBe(false));
});

describe('the SQL of roles', () => {
  const role = { name: 'reporting', verifier: 'SCRAM-SHA-256$x', connections: 20, exists: false };

  it('makes a role only where there is none, and takes writing from one that only reads', () => {
    expect(setRoleSql({ ...role, writes: false })).toEqual(expect.arrayContaining(['CREATE ROLE "reporting";', 'REVOKE freehold_writers FROM "reporting";']));
    const changed = setRoleSql({ ...role, writes: true, exists: true });
    expect(changed).toContain('GRANT freehold_writers TO "reporting";');
    expect(changed.some((statement) => statement.startsWith('CREATE'))).toBe(false);
  });

  it('gives no role anything that reaches beyond the customer\'s', () => {
    const all = [true, false].flatMap((writes) => setRoleSql({ ...role, writes })).join('\n');
    expect(all).not.toMatch(/pg_(read|write)_all|[^O]SUPERUSER|[^O]CREATEROLE|[^O]BYPASSRLS|ADMIN/);
  });

  it.each([['preparing', prepareSql('my "owner"')], ['handing on', handOnSql('reporting', 'my "owner"')]])('leaves no operator and no literal open to what lies in a customer\'s database: %s', (_, statements) => {
    const queries = statements.filter((statement) => statement.startsWith('SELECT'));
    expect(queries.length).toBeGreaterThan(0);
    for (const query of queries) {
      const bare = query.replaceAll(/'(?:[^']|'')*'::pg_catalog\.(?:text|"char"|regrole)/g, 'LITERAL').replaceAll(/OPERATOR\(pg_catalog\.[^)]+\)/g, 'OPERATOR');
      expect(bare).not.toMatch(/'|[=<>|]|(?<!pg_catalog\.)\bquote_ident/);
    }
    expect([statements[2], statements.at(-1)], 'all or nothing').toEqual(['BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;', 'COMMIT;']);
  });
});
