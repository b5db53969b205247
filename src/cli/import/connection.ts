import { childEnvironment } from '../../config/settings.js';
import { CliError, EXIT } from '../cli-error.js';

/** An address for the command line of another program, and the password that must not be on it. */
export interface Connection {
  readonly address: string;
  readonly password: string | undefined;
}

/**
 * Takes the password out of an address.
 *
 * @throws CliError if it is no address, or one from which libpq would not read the password that was meant
 */
export function splitPassword(uri: string): Connection {
  const [, scheme, rest] = /^(postgres(?:ql)?:\/\/)(.*)$/s.exec(uri) ?? [];
  if (scheme === undefined || rest === undefined) throw new CliError('--from takes an address such as postgresql://user@host/database', EXIT.usage);
  const [place = '', ...queries] = rest.split('?');
  const query = queries.join('?');
  // libpq ends the credentials at the first /, so that the rest of the password would be a database's name.
  if (/^[^@]*\/.*@/s.test(place)) throw new CliError('the address has a / before its @: write it as %2F in a password', EXIT.usage);
  const [, user = '', password, where = place] = /^([^:@]*)(?::([^@]*))?@(.*)$/s.exec(place) ?? [];
  const parameters = query.split('&').filter(Boolean);
  const asked = parameters.find((parameter) => parameter.startsWith('password='))?.slice('password='.length);
  const kept = parameters.filter((parameter) => !parameter.startsWith('password='));
  const given = asked ?? password;
  return {
    address: `${scheme}${user === '' ? '' : `${user}@`}${where}${kept.length === 0 ? '' : `?${kept.join('&')}`}`,
    password: given === undefined || given === '' ? undefined : decode(given),
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new CliError('the password in the address has a % that begins no escape: write it as %25', EXIT.usage);
  }
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
