import { childEnvironment } from '../../config/settings.js';
import { CliError, EXIT } from '../cli-error.js';

/** An address for the command line of another program, and the password that must not be on it. */
export interface Connection {
  /** In libpq's form `keyword='value'`. */
  readonly address: string;
  readonly password: string | undefined;
}

/**
 * Takes the password out of an address.
 *
 * What libpq would read in another way than it was meant could put a part of the password where it is shown, as a host or
 * the name of a database. So the address is taken apart here, and no message repeats anything of it.
 *
 * @throws CliError if it is no address, or one of which it cannot be told what the password is
 */
export function splitPassword(uri: string): Connection {
  const rest = /^postgres(?:ql)?:\/\/(.*)$/s.exec(uri)?.[1];
  if (rest === undefined) throw new CliError('--from takes an address such as postgresql://user@host/database', EXIT.usage);
  const at = /^[^/@]*@/.exec(rest)?.[0].length ?? 0;
  const place = rest.slice(at);
  if (place.includes('@')) throw unclear('an @ that does not end a user name and password');
  const [, hosts = '', database, query = ''] = /^([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(place) ?? [];
  const found = new Map([
    ...readCredentials(rest.slice(0, Math.max(0, at - 1))), ...readHosts(hosts), ...readDatabase(database), ...readQuery(query),
  ]);
  const password = found.get('password');
  found.delete('password');
  if ([...found.values()].some((value) => value.includes('://'))) throw unclear('another address within it');
  return {
    address: [...found].map(([keyword, value]) => `${keyword}='${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`).join(' '),
    password: password === '' ? undefined : password,
  };
}

type Found = readonly (readonly [keyword: string, value: string])[];

function readCredentials(text: string): Found {
  const [, user = '', password] = /^([^:]*)(?::(.*))?$/s.exec(text) ?? [];
  const name = decode(user);
  if (user.includes('?') || name.includes(':')) throw unclear('a ? or a : in its user name');
  return [...(name === '' ? [] : [['user', name] as const]), ...(password === undefined ? [] : [['password', decode(password)] as const])];
}

function readHosts(text: string): Found {
  if (text === '') return [];
  const places = text.split(',').map((place) => {
    const [, address, name = '', port = ''] = /^(?:\[([0-9a-fA-F:.%]+)\]|([^:[\]]*))(?::([0-9]*))?$/.exec(place) ?? [
      undefined, '', undefined, undefined,
    ];
    if (address === '') throw unclear('a port that is no number');
    return { host: decode(address ?? name), port };
  });
  const list = (values: string[]): string => values.join(',');
  const hosts = list(places.map(({ host }) => host));
  const ports = list(places.map(({ port }) => port));
  return [...(hosts === '' ? [] : [['host', hosts] as const]), ...(/^,*$/.test(ports) ? [] : [['port', ports] as const])];
}

function readDatabase(text = ''): Found {
  if (text.includes('/')) throw unclear('more than one / after its host');
  return text === '' ? [] : [['dbname', decode(text)]];
}

function readQuery(text: string): Found {
  return text.split('&').filter(Boolean).map((parameter) => {
    const [keyword = '', value, ...more] = parameter.split('=');
    const name = decode(keyword);
    if (value === undefined || more.length > 0 || !KEYWORDS.has(name)) {
      throw unclear('a parameter that libpq does not know, or one without a single =');
    }
    if (name === 'sslpassword') {
      throw new CliError(
        'the address has sslpassword, which other programs can only be given where everybody sees it: use a key without a passphrase',
        EXIT.usage,
      );
    }
    return name === 'ssl' ? ['sslmode', decode(value) === 'true' ? 'require' : 'prefer'] : [name, decode(value)];
  });
}

/** Those of libpq 18; `ssl` is JDBC's. */
const KEYWORDS = new Set([
  'host', 'hostaddr', 'port', 'dbname', 'user', 'password', 'passfile', 'require_auth', 'channel_binding', 'connect_timeout',
  'client_encoding', 'options', 'application_name', 'fallback_application_name', 'keepalives', 'keepalives_idle', 'keepalives_interval',
  'keepalives_count', 'tcp_user_timeout', 'gssencmode', 'ssl', 'sslmode', 'sslnegotiation', 'sslcompression', 'sslcert', 'sslkey',
  'sslpassword', 'sslcertmode', 'sslrootcert', 'sslcrl', 'sslcrldir', 'sslsni', 'requirepeer', 'ssl_min_protocol_version',
  'ssl_max_protocol_version', 'min_protocol_version', 'max_protocol_version', 'krbsrvname', 'gsslib', 'gssdelegation', 'service',
  'target_session_attrs', 'load_balance_hosts',
]);

function decode(text: string): string {
  const decoded = attempt(() => decodeURIComponent(text));
  if (decoded === undefined) throw unclear('a % that begins no escape');
  if (/[\0\r\n]/.test(decoded)) throw unclear('a line break or a NUL byte');
  return decoded;
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

function unclear(fault: string): CliError {
  return new CliError(
    `the address has ${fault}: in a user name, a password or a database's name write % as %25, / as %2F, : as %3A, ? as %3F and @ as %40; `
      + 'or give the password with PGPASSWORD',
    EXIT.usage,
  );
}

/** Nothing of the control plane, and messages in the language in which they are read. */
const NOT_FOR_CHILDREN = /^(?:FREEHOLD_|DATABASE_URL$|REDIS_URL$|LC_|LANGUAGE$)/;

/** The environment in which a dump is made; libpq's variables of the caller hold, PGPASSWORD too. */
export function sourceEnvironment({ password }: Connection): Record<string, string> {
  return { ...without(NOT_FOR_CHILDREN), LC_ALL: 'C', ...(password !== undefined && { PGPASSWORD: password }) };
}

/** The environment in which a database of Freehold is filled: its address says all, and nothing of the caller's is meant for it. */
export function targetEnvironment({ password }: Connection): Record<string, string> {
  const kept = Object.entries(without(NOT_FOR_CHILDREN)).filter(([name]) => !name.startsWith('PG'));
  return { ...Object.fromEntries(kept), LC_ALL: 'C', ...(password !== undefined && { PGPASSWORD: password }) };
}

function without(names: RegExp): Record<string, string> {
  return Object.fromEntries(Object.entries(childEnvironment({})).filter(([name]) => !names.test(name)));
}
