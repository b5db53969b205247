import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { EXTENSION_LIST, EXTENSION_NAME, isCustomersSchema, ruleOf } from '../../../src/engine/extension-list.js';
import { createOnRequestSql } from '../../../src/engine/local/sql/extension-sql.js';
import { refusal } from '../../../src/engine/local/instances/verbs/extensions.js';

const MADE_BY = { owner: 'owner', request: 'Freehold', refused: 'nobody', present: '-' } as const;
const entries = Object.entries(EXTENSION_LIST);

describe('the list of extensions', () => {
  it('has every extension that comes with this machine\'s PostgreSQL, and trusts owners with what PostgreSQL does', () => {
    const share = '/usr/share/postgresql';
    const controls = readdirSync(share).filter((major) => /^\d+$/.test(major)).flatMap((major) => {
      const directory = `${share}/${major}/extension`;
      return readdirSync(directory).filter((file) => file.endsWith('.control')).map((file) => ({ name: file.replace('.control', ''), text: readFileSync(`${directory}/${file}`, 'utf8') }));
    });
    expect(controls.length).toBeGreaterThan(40);
    for (const { name, text } of controls) {
      const trusted = /^trusted *= *true/m.test(text);
      const rule = EXTENSION_LIST[name];
      // Packages of others may be installed besides.
      if (!rule) continue;
      expect(['owner', 'present'].includes(ruleOf(name, trusted).access), name).toBe(trusted);
      if (rule.access === 'owner') expect(trusted, name).toBe(true);
      const requires = /^requires *= *'([^']*)'/m.exec(text)?.[1]?.split(/, */);
      if (rule.access === 'request') expect(rule.requires, name).toEqual(requires);
    }
    expect(controls.filter(({ name }) => !(name in EXTENSION_LIST)).map(({ name }) => name).filter((name) => /^(pg|hs|tsm|dict)/.test(name))).toEqual([]);
  });

  it('has a reason for each, names that are safe anywhere, and needs only what is made on request or by owners', () => {
    for (const [name, { why, requires }] of entries) {
      expect(why.length, name).toBeGreaterThan(10);
      expect(name).toMatch(EXTENSION_NAME);
      for (const need of requires ?? []) expect(['owner', 'request']).toContain(EXTENSION_LIST[need]?.access);
    }
  });

  it('refuses what is not listed, and says where its owner can make it; and never trusts more than the server', () => {
    expect(ruleOf('vector', true)).toMatchObject({ access: 'refused', why: expect.stringContaining('CREATE EXTENSION') as string });
    expect(ruleOf('postgis', false).access).toBe('refused');
    expect(ruleOf('hstore', false).access).toBe('refused');
    expect([ruleOf('moddatetime', true).access, ruleOf('moddatetime', false).access]).toEqual(['owner', 'request']);
    expect(ruleOf('dblink', true).access).toBe('refused');
    expect(ruleOf('toString', false).access).toBe('refused');
    expect(['public', 'Mine', 'pg_catalog', 'pg_toast', 'information_schema', ''].filter(isCustomersSchema)).toEqual(['public', 'Mine']);
  });

  it('is told in the docs as it is', async () => {
    const path = fileURLToPath(new URL('../../../docs/extensions.md', import.meta.url));
    const table = ['| extension | made by | |', '|---|---|---|', ...entries.map(([name, { access, why }]) => `| \`${name}\` | ${MADE_BY[access]} | ${why} |`)].join('\n');
    const generated = /(<!-- generated [^\n]*-->\n)[^]*(<!-- end of what is generated -->)/;
    const text = readFileSync(path, 'utf8');
    expect(text).toMatch(generated);
    await expect(text.replace(generated, (_, begin: string, end: string) => `${begin}\n${table}\n\n${end}`)).toMatchFileSnapshot(path);
  });
});

describe('what is made on request', () => {
  const of = (installed: { version: string; schema: string; by: 'freehold' | 'owner' } | null): string[] => createOnRequestSql({
    name: 'earthdistance', rule: EXTENSION_LIST.earthdistance!, schema: 'my "app"', owner: 'shop', needs: [{ name: 'cube', installed }], room: 'freehold_1234',
  });
  const creations = (statements: readonly string[]): string[] => statements.filter((statement) => /^(CREATE|ALTER|DROP) (EXTENSION|SCHEMA)/.test(statement));

  it('is made in a schema of Freehold\'s, with what it needs, and moved from there', () => {
    expect(creations(of(null))).toEqual([
      'CREATE SCHEMA "freehold_1234";', 'CREATE EXTENSION "cube" SCHEMA "freehold_1234";', 'CREATE EXTENSION "earthdistance" SCHEMA "freehold_1234";',
      'ALTER EXTENSION "earthdistance" SET SCHEMA "my ""app""";', 'ALTER EXTENSION "cube" SET SCHEMA "my ""app""";', 'DROP SCHEMA "freehold_1234";',
    ]);
  });

  it('takes what it needs there and back, once it is known to be Freehold\'s', () => {
    const statements = of({ version: '1.5', schema: 'other', by: 'freehold' });
    expect(creations(statements)).toEqual([
      'CREATE SCHEMA "freehold_1234";', 'ALTER EXTENSION "cube" SET SCHEMA "freehold_1234";', 'CREATE EXTENSION "earthdistance" SCHEMA "freehold_1234";',
      'ALTER EXTENSION "earthdistance" SET SCHEMA "my ""app""";', 'ALTER EXTENSION "cube" SET SCHEMA "other";', 'DROP SCHEMA "freehold_1234";',
    ]);
    const moved = statements.findIndex((statement) => statement.startsWith('ALTER EXTENSION "cube" SET SCHEMA "freehold_1234"'));
    expect(statements[moved + 1]).toContain('is not Freehold');
  });

  it.each([
    [3, 'ERROR:  2BP01: cannot drop extension cube because other objects depend on it\nDETAIL:  table t depends on type cube\ntable u depends on type cube\nHINT:  Use DROP ... CASCADE\nLOCATION:  x', 'permanent', 'table t depends on type cube | table u'],
    [3, 'ERROR:  3F000: schema "nowhere" does not exist\nLOCATION:  x', 'permanent', 'schema "nowhere" does not exist'],
    [3, 'ERROR:  55P03: canceling statement due to lock timeout\n', 'transient', 'lock timeout'],
    [3, 'ERROR:  40P01: deadlock detected\n', 'transient', 'deadlock'],
    [2, 'psql: error: connection refused', 'transient', 'refused'],
  ])('is refused for good by PostgreSQL\'s rules, and tried again after trouble: %i, %s', (code, stderr, kind, message) => {
    expect(refusal('creating', { code, stdout: '', stderr })).toMatchObject({ kind, message: expect.stringContaining(message) as string });
  });
});
