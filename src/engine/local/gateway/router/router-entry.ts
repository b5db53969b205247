import { isIP, isIPv4 } from 'node:net';

import { EngineError } from '../../../errors.js';
import { requireId } from '../../../require-id.js';

/** What the router knows of one of its ports: whose it is, and where it leads. */
export interface RouterEntry {
  readonly port: number;
  readonly databaseId: string;
  /** The route's; it covers all ports of the database. */
  readonly token: bigint;
  /** Through a held port nobody is let; who comes waits, {@link HOLD_MS} at most, and goes on when it opens. */
  readonly state: 'held' | 'open';
  /** A new session takes one of them at random. A held port may have none. */
  readonly targets: readonly RouterTarget[];
  /**
   * Connections at once, from all sources together; one source may have four fifths of them. What PostgreSQL itself
   * allows should be less than that: it tells its clients the reason, and the router cannot.
   */
  readonly mostConnections: number;
  /** Networks such as `192.0.2.0/24` or `2001:db8::/32` from which clients may come; null for all, empty for none. */
  readonly allow: readonly string[] | null;
}

export interface RouterTarget {
  readonly address: string;
  readonly port: number;
}

/** A database that has no ports any more, and the token of that: an older one stays refused. */
export interface RemovedRoute {
  readonly databaseId: string;
  readonly token: bigint;
}

/** How long a client waits at a held port. */
export const HOLD_MS = 10_000;
/** Over how many seconds new connections are counted. */
export const RATE_WINDOW_S = 10;
/** New connections in that time; each costs PostgreSQL a process and a handshake of some milliseconds. */
const LEAST_RATE = 1_000;
/** So that all clients of a database can come back at once after a failover, and try again. */
const RATE_PER_CONNECTION = 4;
/** What one source may have of a database's connections and of their rate, so that it does not lock out the others. */
const SHARE_OF_SOURCE = 0.8;
/** Lines longer than HAProxy's buffer, 16 KB, would be torn, or hang. The longest allow-list has some 9 KB. */
const LONGEST_ENTRY_BYTES = 10 * 1024;

/** The fields of an entry's value in the map, counted from 1 as HAProxy does. */
export const FIELDS = { databaseId: 1, state: 2, most: 3, mostOfSource: 4, rate: 5, rateOfSource: 6, targets: 7, allow: 8 } as const;

/**
 * Writes an entry's value in the map: its {@link FIELDS}, with `|` between them.
 *
 * @throws EngineError `permanent` for what the router could misread.
 */
export function entryValue(entry: RouterEntry): string {
  refuseUnreadable(entry);
  const most = entry.mostConnections;
  const rate = Math.max(LEAST_RATE, RATE_PER_CONNECTION * most);
  const targets = entry.targets.map(({ address, port }) => `${address}@${port}`).join(',') || '-';
  const allow = entry.allow === null ? 'any' : entry.allow.join(',') || 'none';
  const value = [entry.databaseId, entry.state, most, shareOfSource(most), rate, shareOfSource(rate), targets, allow].join('|');
  if (value.length > LONGEST_ENTRY_BYTES) {
    throw new EngineError(
      'permanent',
      `the route of ${entry.databaseId} is longer than the router can read`,
      'allow fewer networks, or wider ones',
    );
  }
  return value;
}

/** The whole map as the router reads it at its start: a line per port, and one per database with its token. */
export function renderMap(entries: readonly RouterEntry[], removed: readonly RemovedRoute[]): string {
  const tokens = new Map<string, bigint>();
  for (const { databaseId, token } of [...entries, ...removed]) {
    requireId(databaseId);
    tokens.set(databaseId, token > (tokens.get(databaseId) ?? 0n) ? token : (tokens.get(databaseId) ?? 0n));
  }
  const lines = [
    ...entries.map((entry) => `${entry.port} ${entryValue(entry)}`),
    ...[...tokens].map(([id, token]) => `${tokenKey(id)} ${token}`),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** Under which the map keeps the highest token that was seen of a database; no port looks like it. */
const tokenKey = (databaseId: string): string => `=${databaseId}`;

function shareOfSource(whole: number): number {
  return Math.ceil(whole * SHARE_OF_SOURCE);
}

function refuseUnreadable(entry: RouterEntry): void {
  const { databaseId, port, state, targets, mostConnections, allow, token } = entry;
  requireId(databaseId);
  const isPort = (number: number): boolean => Number.isInteger(number) && number > 0 && number < 65_536;
  const faults = [
    ...(isPort(port) ? [] : [`${port} is not a port`]),
    ...(token >= 0n && token < 2n ** 63n ? [] : [`${token} is not a token`]),
    ...(Number.isInteger(mostConnections) && mostConnections > 0 ? [] : [`${mostConnections} connections cannot be allowed`]),
    ...(state === 'held' || targets.length > 0 ? [] : ['an open route leads somewhere']),
    ...targets
      .filter((target) => isIP(target.address) === 0 || !isPort(target.port))
      .map((target) => `${target.address}:${target.port} is not a target`),
    ...(allow ?? []).filter((network) => !isNetwork(network)).map((network) => `"${network}" is not a network`),
  ];
  if (faults.length > 0) throw new EngineError('permanent', `the route of ${databaseId} cannot be used: ${faults.join('; ')}`);
}

function isNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  if (isIP(address) === 0 || address.includes('%') || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (isIPv4(address) ? 32 : 128));
}
