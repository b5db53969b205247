/**
 * Which extensions a customer may have, in one list with the reason for each.
 *
 * - `owner`: PostgreSQL itself trusts it with whoever owns a database, who makes it with `CREATE EXTENSION`, or asks for it here;
 * - `request`: PostgreSQL wants a superuser, and it does no harm in an instance of one customer: Freehold makes it on request;
 * - `refused`: it reaches out of the instance, or its memory, files or secrets can be reached with it;
 * - `present`: it is in every database.
 *
 * An extension is `request` only if its script is of PostgreSQL's own contrib, and so was hardened against what lies in the
 * schemas that it is made in; even so it is never run where a customer can put anything (see `extension-sql.ts`).
 */
export type ExtensionAccess = 'owner' | 'request' | 'refused' | 'present';

export interface ExtensionRule {
  readonly access: ExtensionAccess;
  /** What it is for, or why it is refused. */
  readonly why: string;
  /** Others that it needs, each in this list and `request` or `owner`. */
  readonly requires?: readonly string[];
  /** Its functions and views that PostgreSQL gives to superusers and monitors alone, and the owner gets here. */
  readonly granted?: readonly string[];
  /** Its functions that PostgreSQL gives to everybody, and nobody gets here. */
  readonly withheld?: readonly string[];
}

const owner = (why: string): ExtensionRule => ({ access: 'owner', why });
const refused = (why: string): ExtensionRule => ({ access: 'refused', why });
const request = (why: string, more: Omit<ExtensionRule, 'access' | 'why'> = {}): ExtensionRule => ({ access: 'request', why, ...more });

/** Every extension that comes with PostgreSQL 15 to 18. */
export const EXTENSION_LIST: Readonly<Record<string, ExtensionRule>> = {
  adminpack: refused('it writes files of the server'),
  amcheck: request('checks tables and indexes for damage; it only reads', {
    granted: ['bt_index_check', 'bt_index_parent_check', 'verify_heapam', 'gin_index_check'],
  }),
  autoinc: request('a trigger that numbers rows; it changes nothing but the row that is written'),
  bloom: request('indexes over many columns; written through PostgreSQL\'s own generic WAL, which standbys play'),
  btree_gin: owner('GIN indexes for ordinary types'),
  btree_gist: owner('GiST indexes for ordinary types, such as for exclusion constraints'),
  citext: owner('text without regard to case'),
  cube: owner('points and boxes of many dimensions'),
  dblink: refused('it connects from the server to wherever it likes: to other customers\' servers and into the fleet\'s own network'),
  dict_int: owner('text search: integers'),
  dict_xsyn: request('text search: synonyms; it reads rules from the server\'s directory for text search alone'),
  earthdistance: request('distances on the surface of the Earth; functions over cube and nothing else', { requires: ['cube'] }),
  file_fdw: refused('it reads files of the server and runs programs there'),
  fuzzystrmatch: owner('texts that sound or look alike'),
  hstore: owner('keys and values in one column'),
  insert_username: request('a trigger that writes down who changed a row; it changes nothing but that row'),
  intagg: request('arrays of integers as aggregates, for old programs; array_agg and unnest under other names'),
  intarray: owner('arrays of integers, with indexes'),
  isn: owner('ISBN, ISSN, EAN and the like'),
  lo: owner('large objects that go with their rows'),
  ltree: owner('labels of trees'),
  moddatetime: request('a trigger that writes down when a row was changed; it changes nothing but that row'),
  old_snapshot: refused('it shows what is kept for old_snapshot_threshold, which is not used here; PostgreSQL 17 took it away'),
  pageinspect: refused('it takes pages from whoever calls it, and a page that is made up can crash the server'),
  pg_buffercache: request('what is in shared memory; the instance has no other customer\'s', {
    granted: ['pg_buffercache', 'pg_buffercache_pages', 'pg_buffercache_summary', 'pg_buffercache_usage_counts'],
  }),
  pg_freespacemap: request('free room in tables; it only reads', { granted: ['pg_freespace'] }),
  pg_logicalinspect: refused('it reads files of logical replication, which is not offered'),
  pg_prewarm: request('reads tables into memory, with the caller\'s own rights', {
    withheld: ['autoprewarm_start_worker', 'autoprewarm_dump_now'],
  }),
  pg_stat_statements: request('what statements cost; its library is loaded in every instance', { granted: ['pg_stat_statements_reset'] }),
  pg_surgery: refused('it removes and freezes rows behind the back of transactions'),
  pg_trgm: owner('texts that resemble each other, with indexes'),
  pg_visibility: request('which pages vacuum may skip; what only reads is granted', {
    granted: ['pg_visibility', 'pg_visibility_map', 'pg_visibility_map_summary', 'pg_check_frozen', 'pg_check_visible'],
  }),
  pg_walinspect: refused('it reads all WAL, in which the verifiers of Freehold\'s own roles are'),
  pgcrypto: owner('hashes and encryption'),
  pgrowlocks: request('which rows are locked; only of tables that the caller may read'),
  pgstattuple: request('bloat of tables and indexes; it only reads', {
    granted: ['pgstattuple', 'pgstatindex', 'pg_relpages', 'pgstatginindex', 'pgstattuple_approx', 'pgstathashindex'],
  }),
  plperl: owner('PL/Perl in its safe form, where the server has it'),
  plperlu: refused('its functions do on the server what the server\'s account may do'),
  plpgsql: { access: 'present', why: 'PostgreSQL\'s own language for functions' },
  plpython3u: refused('its functions do on the server what the server\'s account may do'),
  pltcl: owner('PL/Tcl in its safe form, where the server has it'),
  pltclu: refused('its functions do on the server what the server\'s account may do'),
  postgres_fdw: refused('it connects from the server to wherever it likes: to other customers\' servers and into the fleet\'s own network'),
  refint: refused('its triggers put together statements from column values; foreign keys do its work'),
  seg: owner('intervals with a precision'),
  sslinfo: request('what TLS says of the caller\'s own connection, which is the gateway\'s to the server'),
  tablefunc: owner('crosstab and other functions that return tables'),
  tcn: owner('a trigger that notifies of changes'),
  tsm_system_rows: owner('TABLESAMPLE by a number of rows'),
  tsm_system_time: owner('TABLESAMPLE by time'),
  unaccent: owner('text search without accents'),
  'uuid-ossp': owner('UUIDs; gen_random_uuid() works without it'),
  xml2: refused('it is deprecated, and the library behind it is not maintained; PostgreSQL has xpath() and XMLTABLE'),
};

/** What the server says of an extension, and what the database has of it. */
export interface ExtensionObservation {
  readonly name: string;
  /** The version that would be made. */
  readonly version: string;
  readonly description: string;
  /** Whether the server lets the owner of a database make it, and runs its script as its own superuser for that. */
  readonly trusted: boolean;
  readonly installed: { readonly version: string; readonly schema: string; readonly by: 'freehold' | 'owner' } | null;
}

const MAKE_IT_YOURSELF = 'it is not on Freehold\'s list, but the server trusts you with it: CREATE EXTENSION makes it';
const NOT_LISTED = 'it is not on Freehold\'s list; ask the operator to have it looked at';

/**
 * What holds for an extension on a server. One that is not listed is refused even where the server trusts it: nobody has read its
 * script, which would run in a session of ours. Its owner may still make it in a session of their own.
 */
export function ruleOf(name: string, trusted: boolean): ExtensionRule {
  const rule = Object.hasOwn(EXTENSION_LIST, name) ? EXTENSION_LIST[name] : undefined;
  if (rule?.access === 'owner' && !trusted) return refused('this server does not trust owners with it');
  // Later majors trust owners with more.
  if (rule?.access === 'request' && trusted) return { ...rule, access: 'owner' };
  return rule ?? refused(trusted ? MAKE_IT_YOURSELF : NOT_LISTED);
}

/** Letters, digits, `_` and `-`, as PostgreSQL's own extensions are called; so none needs care in a command line either. */
export const EXTENSION_NAME = /^[a-z][a-z0-9_-]{0,62}$/;

/** A schema that is the customer's to use: any but those of PostgreSQL itself. */
export const isCustomersSchema = (schema: string): boolean =>
  schema.length > 0 && schema.length <= 63 && !/^pg_|\0/.test(schema) && schema !== 'information_schema';
