import type { ExtensionObservation, ExtensionRule } from '../../extension-list.js';
import { CONTROL_USER } from './cluster-sql.js';
import { quoteIdentifier, quoteLiteral } from './quote-sql.js';

const BEGIN = 'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;';
/** Waits for a customer's own transaction are short, and a script takes milliseconds. */
const BOUNDS = ['SET lock_timeout = \'5s\';', 'SET statement_timeout = \'15s\';'];

/**
 * Every extension that the server has, read in the database.
 *
 * The owner of a database may make trusted extensions in `pg_catalog`, whose operators and functions are then found under each
 * search path, and under `OPERATOR(pg_catalog.=)` too. PostgreSQL takes one that fits the types exactly before all others, and
 * those of its own are there first: so in each statement here every operator and function is given exactly the types of one of
 * PostgreSQL's own, without `VARIADIC` and without literals that have no type.
 */
export const OBSERVE_EXTENSIONS = `SELECT a.name, a.default_version AS version, a.comment AS description,
    v.trusted AND v.superuser AS trusted,
    e.extversion AS "installedVersion", n.nspname AS "installedSchema", pg_catalog.pg_get_userbyid(e.extowner) AS "installedBy"
  FROM pg_catalog.pg_available_extensions() a(name, default_version, comment)
  LEFT JOIN pg_catalog.pg_available_extension_versions() v(name, version, superuser, trusted, relocatable, schema, requires, comment)
    ON v.name OPERATOR(pg_catalog.=) a.name AND v.version OPERATOR(pg_catalog.=) a.default_version
  LEFT JOIN pg_catalog.pg_extension e ON e.extname OPERATOR(pg_catalog.=) a.name
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) e.extnamespace
  ORDER BY a.name`;

export interface ExtensionRow {
  readonly name: string;
  readonly version: string;
  readonly description: string | null;
  readonly trusted: boolean | null;
  readonly installedVersion: string | null;
  readonly installedSchema: string | null;
  readonly installedBy: string | null;
}

export function observationOf({
  name, version, description, trusted, installedVersion, installedSchema, installedBy,
}: ExtensionRow): ExtensionObservation {
  const installed =
    installedVersion === null
      ? null
      : {
          version: installedVersion,
          schema: installedSchema ?? '',
          by: installedBy === CONTROL_USER ? ('freehold' as const) : ('owner' as const),
        };
  return { name, version, description: description ?? '', trusted: trusted ?? false, installed };
}

const nameLiteral = (text: string): string => `${quoteLiteral(text)}::pg_catalog.name`;
const textLiteral = (text: string): string => `${quoteLiteral(text)}::pg_catalog.text`;

/**
 * Makes an extension that the server trusts owners with: as the owner, whose it is then. Only where the server runs the script as
 * its own superuser: code of the owner's that ran as the owner could leave the role that this session has taken on.
 */
export function createAsOwnerSql(name: string, schema: string, owner: string): string[] {
  const create = `CREATE EXTENSION ${quoteIdentifier(name)} SCHEMA ${quoteIdentifier(schema)} CASCADE;`;
  return [...BOUNDS, BEGIN, `SET LOCAL ROLE ${quoteIdentifier(owner)};`, create, 'COMMIT;'];
}

export interface Request {
  readonly name: string;
  readonly rule: ExtensionRule;
  readonly schema: string;
  readonly owner: string;
  /** What it needs, and what the database has of that. */
  readonly needs: readonly { readonly name: string; readonly installed: ExtensionObservation['installed'] }[];
  /** A name that nobody can guess. */
  readonly room: string;
}

/**
 * Makes an extension that PostgreSQL gives to superusers alone; all of it in one transaction.
 *
 * Its script runs as a superuser and finds by name what lies in the schema that it is made in and in those of the
 * extensions that it needs. Every schema of a customer's database may hold the customer's traps: a function that fits
 * better than the one that is meant. So it is made in a schema that is there for this transaction only, belongs to the
 * control plane and that nobody else sees, and is moved where the customer wants it afterwards; a move runs no script. What
 * it needs is made, or moved, there as well, and only if it is the control plane's: an owner can add members to an extension
 * of their own.
 */
export function createOnRequestSql({ name, rule, schema, owner, needs, room }: Request): string[] {
  const there = quoteIdentifier(room);
  const target = quoteIdentifier(schema);
  const move = (extension: string, to: string): string => `ALTER EXTENSION ${quoteIdentifier(extension)} SET SCHEMA ${to};`;
  const create = (extension: string): string => `CREATE EXTENSION ${quoteIdentifier(extension)} SCHEMA ${there};`;
  return [
    ...BOUNDS,
    BEGIN,
    requireSql(
      `pg_catalog.has_schema_privilege(${nameLiteral(owner)}, ${textLiteral(schema)}, 'CREATE'::pg_catalog.text)`,
      `the owner may make nothing in schema "${schema}"`,
    ),
    `CREATE SCHEMA ${there};`,
    ...needs.flatMap((need) => (need.installed ? [move(need.name, there), requireOursSql(need.name)] : [create(need.name)])),
    create(name),
    move(name, target),
    ...[...needs].reverse().map((need) => move(need.name, need.installed ? quoteIdentifier(need.installed.schema) : target)),
    `DROP SCHEMA ${there};`,
    ...memberSql(name, 'GRANT', rule.granted, `TO ${quoteIdentifier(owner)}`),
    ...memberSql(name, 'REVOKE', rule.withheld, 'FROM PUBLIC'),
    'COMMIT;',
  ];
}

/** Takes an extension away, unless something of the customer's rests on it. */
export function dropExtensionSql(name: string): string[] {
  return [...BOUNDS, `DROP EXTENSION IF EXISTS ${quoteIdentifier(name)};`];
}

/** Only after it was moved, which keeps everybody else from dropping or making one of that name until the end. */
function requireOursSql(extension: string): string {
  const ours = `EXISTS (SELECT FROM pg_catalog.pg_extension e
    WHERE e.extname OPERATOR(pg_catalog.=) ${nameLiteral(extension)}
      AND pg_catalog.pg_get_userbyid(e.extowner) OPERATOR(pg_catalog.=) ${nameLiteral(CONTROL_USER)})`;
  return requireSql(ours, `extension "${extension}" is not Freehold's`);
}

function requireSql(condition: string, otherwise: string): string {
  return inBlock(
    `IF NOT (${condition}) THEN RAISE EXCEPTION USING MESSAGE = ${quoteLiteral(otherwise)}, ERRCODE = 'invalid_parameter_value'; END IF;`,
  );
}

/** Gives or takes members of an extension, by their names: every function and relation that has one of them. */
function memberSql(extension: string, verb: 'GRANT' | 'REVOKE', names: readonly string[] | undefined, whom: string): string[] {
  if (!names || names.length === 0) return [];
  const list = names.map(nameLiteral).join(', ');
  const is = (column: string, value: string): string => `${column} OPERATOR(pg_catalog.=) ${value}`;
  const catalogOid = (catalog: string): string => `'${catalog}'::pg_catalog.regclass::pg_catalog.oid`;
  const members = (what: string, type: string, catalog: string, name: string): string =>
    `SELECT ${textLiteral(what)} OPERATOR(pg_catalog.||) m.oid::${type}::pg_catalog.text AS named
    FROM pg_catalog.pg_extension e
    JOIN pg_catalog.pg_depend d ON ${is('d.refclassid', catalogOid('pg_catalog.pg_extension'))} AND ${is('d.refobjid', 'e.oid')}
      AND ${is('d.deptype', `'e'::pg_catalog."char"`)} AND ${is('d.classid', catalogOid(catalog))}
    JOIN ${catalog} m ON ${is('m.oid', 'd.objid')}
    WHERE ${is('e.extname', nameLiteral(extension))} AND ${is(`m.${name}`, `ANY (ARRAY[${list}])`)}`;
  const statement = `${textLiteral(`${verb} `)} OPERATOR(pg_catalog.||) member.named OPERATOR(pg_catalog.||) ${textLiteral(` ${whom}`)}`;
  return [inBlock(`FOR member IN ${members('EXECUTE ON FUNCTION ', 'pg_catalog.regprocedure', 'pg_catalog.pg_proc', 'proname')}
    UNION ALL ${members('SELECT ON ', 'pg_catalog.regclass', 'pg_catalog.pg_class', 'relname')}
    LOOP EXECUTE ${statement}; END LOOP;`, 'member record;')];
}

function inBlock(body: string, declared = ''): string {
  const text = `${declared === '' ? '' : `DECLARE ${declared} `}BEGIN ${body} END`;
  return `DO LANGUAGE plpgsql ${quoteLiteral(text)};`;
}
