import { monotonicFactory } from 'ulid';

/** The kinds of things that have an id, by the prefix that their ids carry. */
export const ID_PREFIXES = {
  customer: 'cus',
  database: 'db',
  instance: 'ins',
  operation: 'op',
  backup: 'bkp',
  apiKey: 'key',
  alert: 'alt',
  outage: 'out',
  auditEvent: 'aud',
  maintenanceWindow: 'mw',
  user: 'usr',
  invitation: 'inv',
  session: 'ses',
  mail: 'mail',
} as const;

export type IdKind = keyof typeof ID_PREFIXES;

const nextUlid = monotonicFactory();

/**
 * Makes an id such as `db_01hzy3…`: a prefix that says what it names and a ULID in lower case, so that ids sort by
 * their time of birth and a list can be paged by id while rows come and go.
 */
export function newId(kind: IdKind): string {
  return `${ID_PREFIXES[kind]}_${nextUlid().toLowerCase()}`;
}

/** Whether a text has the form of an id of that kind. */
export function isId(kind: IdKind, text: string): boolean {
  const prefix = `${ID_PREFIXES[kind]}_`;
  return text.startsWith(prefix) && /^[0-9a-hjkmnp-tv-z]{26}$/.test(text.slice(prefix.length));
}
