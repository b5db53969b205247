/**
 * What every session of the control plane's is opened with in a server that a tenant has a database in.
 *
 * A tenant sets defaults for everybody who enters, superusers too: `ALTER DATABASE … SET` and `ALTER ROLE … SET` take every
 * setting of context `user`. What is given at the start of a connection goes before those defaults (PostgreSQL's guc.h,
 * `PGC_S_CLIENT`). Listed is what changes whose code runs, with which rights, what an answer means, or whether there is one.
 */
const FIXED: Readonly<Record<string, string>> = {
  // Nothing of the tenant's is found by a name without a schema: not a table, function, operator, cast or type.
  search_path: 'pg_catalog,pg_temp',
  role: 'none',
  local_preload_libraries: '',
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
  tcp_user_timeout: '0',
  client_connection_check_interval: '0',
  default_transaction_read_only: 'off',
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',
  synchronous_commit: 'on',
  row_security: 'off',
  exit_on_error: 'off',
  client_encoding: 'UTF8',
  client_min_messages: 'warning',
  standard_conforming_strings: 'on',
  quote_all_identifiers: 'off',
  transform_null_equals: 'off',
  DateStyle: 'ISO,MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  bytea_output: 'hex',
  extra_float_digits: '1',
  lc_monetary: 'C',
  lc_numeric: 'C',
  lc_time: 'C',
  default_tablespace: '',
  temp_tablespaces: '',
  default_table_access_method: 'heap',
  jit: 'off',
  work_mem: '4MB',
  maintenance_work_mem: '64MB',
  temp_buffers: '8MB',
  debug_print_parse: 'off',
  debug_print_rewritten: 'off',
  debug_print_plan: 'off',
  trace_sort: 'off',
};

/** Settings of the kind that a later major brought, by the first that has them. */
const FIXED_SINCE: readonly { readonly major: number; readonly settings: Readonly<Record<string, string>> }[] = [
  { major: 17, settings: { transaction_timeout: '0' } },
];

/** Only superusers may set these, so that no tenant can; they are fixed for sessions that a superuser opens. */
const FIXED_FOR_SUPERUSERS: Readonly<Record<string, string>> = { session_replication_role: 'origin' };

/** A tenant's database, for a session of ours there. */
export interface TenantDatabase {
  readonly name: string;
  /** Of its server, such as `15.18`: the settings that a tenant can have set depend on the major. */
  readonly version: string;
}

export interface SessionKind {
  /** Of the server, such as `15.18`. Left out where no tenant can set a default, as in `postgres`: then what every major has is fixed. */
  readonly version?: string | undefined;
  /** Whether the role that logs in is a superuser: others are refused some of the settings. */
  readonly superuser: boolean;
  /** What this session needs otherwise. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Settings that stay as the tenant has them. */
  readonly left?: readonly string[];
}

/** The settings that a session is opened with. */
export function sessionSettings({ version = '', superuser, settings, left = [] }: SessionKind): Readonly<Record<string, string>> {
  const major = Number.parseInt(version, 10);
  const later = FIXED_SINCE.filter((since) => major >= since.major).map((since) => since.settings);
  const all = Object.assign({}, FIXED, ...later, superuser ? FIXED_FOR_SUPERUSERS : {}, settings) as Record<string, string>;
  return Object.fromEntries(Object.entries(all).filter(([name]) => !left.includes(name)));
}

/** The same as the `options` of a connection (libpq's `PGOPTIONS`): words, in which a backslash keeps a blank. */
export function sessionOptions(kind: SessionKind): string {
  const escape = (value: string): string => value.replaceAll(/([\\\s])/g, '\\$1');
  return Object.entries(sessionSettings(kind)).map(([name, value]) => `-c ${name}=${escape(value)}`).join(' ');
}

const IS_BOUND = /^(statement|transaction)_timeout$/;

/** What cannot be changed any more once a session has begun, or is said by BEGIN itself. */
const ONLY_AT_START = /^(local_preload_libraries|client_encoding|default_transaction_.*)$/;

/**
 * The same as statements for one transaction of a role that is no superuser, where a route takes no options. They belong
 * into one message with what follows: time-outs that the tenant set end with the first of them.
 */
export function transactionSettings(version: string): string[] {
  const settings = Object.entries(sessionSettings({ version, superuser: false })).filter(([name]) => !ONLY_AT_START.test(name));
  const bounds = settings.filter(([name]) => IS_BOUND.test(name));
  const others = settings.filter(([name]) => !IS_BOUND.test(name));
  return [...bounds, ...others].map(([name, value]) => `SET LOCAL ${name} = ${value.split(',').map((item) => `'${item}'`).join(', ')}`);
}
