import { isIPv6 } from 'node:net';

import { EngineError } from '../../../errors.js';
import { FIELDS, HOLD_MS, RATE_WINDOW_S } from './router-entry.js';

export interface RouterSettings {
  /** One address of this machine, or `0.0.0.0` and `::`. */
  readonly listenAddresses: readonly string[];
  /** The address that instances see as their clients'. */
  readonly sourceAddress: string;
  readonly firstPort: number;
  /** Databases that the region can hold; each has two ports here: `firstPort` + n, and `firstPort` + `slots` + n. */
  readonly slots: number;
  /** Ports of that range which other programs hold, and which are left out. */
  readonly busyPorts: ReadonlySet<number>;
  /** Clients at once, of all databases together; see {@link connectionsWithin}. */
  readonly maxConnections: number;
  readonly mapPath: string;
  readonly scriptPath: string;
  readonly socketPath: string;
}

/** Why the router refuses a client, in the order of their counters; the first counter is that of all together. */
export const REFUSALS = ['unassigned', 'source-limit', 'allow-list', 'endpoint-limit', 'first-bytes', 'held-too-long'] as const;
export type Refusal = (typeof REFUSALS)[number];
const counterOf = (reason: Refusal): number => REFUSALS.indexOf(reason) + 1;

/** How long a client may take for its first eight bytes. */
const FIRST_BYTES_S = 5;
/** Peers that do not acknowledge, and idle ones that do not answer (30 + 10 s), are gone after this long. */
const UNACKNOWLEDGED_S = 40;
/** Longer than a client is held, or HAProxy would end the wait in its own way. */
const HOLD_MARGIN_MS = 2_000;
/** Lines in the log of what one source is refused at one port, and of all that is refused at one port, in {@link RATE_WINDOW_S}. */
const LOUD_PER_SOURCE = 3;
const LOUD_PER_PORT = 30;
const MOST_CONNECTIONS = 20_000;
const LEAST_CONNECTIONS = 100;
/** Logs, libraries, the admin socket and its clients. */
const OTHER_FILES = 200;

/** The ports of a router. */
export const portCount = (slots: number): number => 2 * slots;

/**
 * How many clients a router can have at once, each with a descriptor on both sides, beside its listeners.
 *
 * @param files The hard limit of open files (`ulimit -Hn`).
 * @throws EngineError `permanent` if that is too few to work.
 */
export function connectionsWithin(files: number, { listenAddresses, slots }: Pick<RouterSettings, 'listenAddresses' | 'slots'>): number {
  const listeners = listenAddresses.length * portCount(slots);
  const room = Math.floor((files - listeners - OTHER_FILES) / 2);
  if (room >= LEAST_CONNECTIONS) return Math.min(MOST_CONNECTIONS, room);
  throw new EngineError(
    'permanent',
    `the router needs ${listeners + OTHER_FILES + 2 * LEAST_CONNECTIONS} open files, and may have ${files}`,
    'raise the hard limit of open files (LimitNOFILE of the unit, or /etc/security/limits.conf), or serve fewer databases a region',
  );
}

/** Ranges `first-last` of the ports that are bound. */
export function portRanges(firstPort: number, slots: number, busyPorts: ReadonlySet<number>): string[] {
  const ranges: { first: number; last: number }[] = [];
  for (let port = firstPort; port < firstPort + portCount(slots); port += 1) {
    const current = ranges.at(-1);
    if (busyPorts.has(port)) continue;
    if (current?.last === port - 1) current.last = port;
    else ranges.push({ first: port, last: port });
  }
  return ranges.map(({ first, last }) => `${first}-${last}`);
}

/**
 * HAProxy's whole configuration; it never changes while the router runs, for a reload would leave an old process with
 * sessions that nobody can end.
 *
 * One thread: Lua then decides and changes in one step. A server slot per port: ending one port's sessions then does not
 * look at all the others'.
 */
export function routerConfiguration(settings: RouterSettings): string {
  return [
    ...globalLines(settings),
    ...defaultLines(),
    ...frontendLines(settings),
    ...backendLines(settings),
    ...tableLines(settings),
    '',
  ].join('\n');
}

function globalLines(settings: RouterSettings): string[] {
  return [
    'global',
    '  nbthread 1',
    `  maxconn ${settings.maxConnections}`,
    // A second router on the same ports would take a share of the clients.
    '  noreuseport',
    `  stats socket ${settings.socketPath} mode 600 level admin`,
    '  stats timeout 1m',
    '  stats maxconn 100',
    `  lua-load ${settings.scriptPath}`,
    '  tune.lua.maxmem 256',
    '  tune.bufsize 16384',
    '  log stdout format raw daemon notice',
  ];
}

function defaultLines(): string[] {
  const keepAlive = (side: string): string[] => [
    `  option ${side}tcpka`,
    `  ${side}tcpka-idle 30s`,
    `  ${side}tcpka-intvl 10s`,
    `  ${side}tcpka-cnt 3`,
  ];
  return [
    'defaults',
    '  mode tcp',
    '  log global',
    '  timeout connect 3s',
    // Neither `timeout client` nor `timeout server`: sessions may be idle for as long as they like.
    '  timeout client-fin 30s',
    '  timeout server-fin 30s',
    ...keepAlive('cli'),
    ...keepAlive('srv'),
    // A server that refuses is the client's to know: it comes again, and may find another.
    '  retries 0',
  ];
}

/** The rules that refuse a client for a reason, if the condition holds: counted, logged unless that was done often, closed. */
function refuse(reason: Refusal, condition: string): string[] {
  const why = '{ var(sess.why) -m found }';
  return [
    `  tcp-request content set-var(sess.why) str(${reason}) if ${condition}`,
    `  tcp-request content sc-inc-gpc(${counterOf(reason)},2) if ${why}`,
    `  tcp-request content sc-inc-gpc(0,2) if ${why}`,
    `  tcp-request content sc-inc-gpc0(1) if ${why}`,
    `  tcp-request content set-log-level notice if ${why} !quiet_source !quiet_port`,
    `  tcp-request content reject if ${why}`,
  ];
}

function frontendLines(settings: RouterSettings): string[] {
  const entry = (field: keyof typeof FIELDS): string => `var(sess.port),map_str(${settings.mapPath}),field(${FIELDS[field]},|)`;
  const ranges = portRanges(settings.firstPort, settings.slots, settings.busyPorts);
  const bind = (address: string): string[] =>
    ranges.map((range) => `  bind ${isIPv6(address) ? `[${address}]:${range} v6only` : `${address}:${range}`} tcp-ut ${UNACKNOWLEDGED_S}s`);
  return [
    'frontend clients',
    ...settings.listenAddresses.flatMap(bind),
    `  maxconn ${settings.maxConnections}`,
    '  backlog 1024',
    '  log-format "%[date,utime(%Y-%m-%dT%H:%M:%SZ)] %[var(sess.why)] database=%[var(sess.database)] port=%[var(sess.port)]'
      + ' source=%[src] state=%ts"',
    ...QUIET_RULES,
    '  tcp-request connection set-var(sess.port) dst_port',
    `  tcp-request connection track-sc2 dst_port table refusals`,
    `  acl assigned var(sess.port),map_str(${settings.mapPath}) -m found`,
    `  tcp-request connection sc-inc-gpc(${counterOf('unassigned')},2) if !assigned`,
    '  tcp-request connection reject if !assigned',
    // For the log: when the line is written, the route may be another's.
    `  tcp-request connection set-var(sess.database) ${entry('databaseId')}`,
    ...sourceRules(entry('mostOfSource'), entry('rateOfSource')),
    `  tcp-request inspect-delay ${FIRST_BYTES_S}s`,
    // Nothing is logged but what a later rule says.
    '  tcp-request content set-log-level silent',
    '  tcp-request content set-log-level notice if { var(sess.why) -m found }',
    '  tcp-request content reject if { var(sess.why) -m found }',
    `  acl open_to_all ${entry('allow')} -m str any`,
    '  tcp-request content lua.admit if !open_to_all',
    ...refuse('allow-list', '!open_to_all !{ var(sess.admitted) -m bool }'),
    ...endpointRules(entry('most'), entry('rate')),
    ...FIRST_BYTES_RULES,
    ...refuse('first-bytes', '!encryption_request !cancel_request !startup_message !tls_hello'),
    '  tcp-request content set-var(txn.cancel) bool(true) if cancel_request',
    '  default_backend instances',
  ];
}

const QUIET_RULES = [
  `  acl quiet_source sc1_gpc0_rate gt ${LOUD_PER_SOURCE}`,
  `  acl quiet_port sc_gpc_rate(0,2) gt ${LOUD_PER_PORT}`,
];

/**
 * The limits of one source at one port come first and before anything else is done for it, so that what it does beyond them costs
 * little.
 */
function sourceRules(most: string, rate: string): string[] {
  const why = '{ var(sess.why) -m found }';
  return [
    `  tcp-request connection set-var(sess.most_of_source) ${most}`,
    `  tcp-request connection set-var(sess.rate_of_source) ${rate}`,
    // A person's IPv6 network is a source as a whole.
    '  tcp-request connection track-sc1 src,ipmask(32,64),concat(|,sess.port) table sources',
    '  tcp-request connection set-var(sess.why) str(source-limit) if { sc1_conn_cur,sub(sess.most_of_source) gt 0 }',
    '  tcp-request connection set-var(sess.why) str(source-limit) if { sc1_conn_rate,sub(sess.rate_of_source) gt 0 }',
    `  tcp-request connection sc-inc-gpc(${counterOf('source-limit')},2) if ${why}`,
    `  tcp-request connection sc-inc-gpc0(1) if ${why}`,
    `  tcp-request connection sc-inc-gpc(0,2) if ${why}`,
    // What is logged has to become a stream first.
    `  tcp-request connection reject if ${why} quiet_source`,
    `  tcp-request connection reject if ${why} quiet_port`,
  ];
}

/** Counted are clients that are let in, once: these rules are gone through again when bytes arrive. */
function endpointRules(most: string, rate: string): string[] {
  const fresh = '!{ var(sess.counted) -m found }';
  return [
    '  tcp-request content track-sc0 var(sess.port) table endpoints',
    `  tcp-request content set-var(sess.most) ${most} if ${fresh}`,
    `  tcp-request content set-var(sess.rate) ${rate} if ${fresh}`,
    '  acl endpoint_full sc0_conn_cur,sub(sess.most) gt 0',
    '  acl endpoint_fast sc0_conn_rate,sub(sess.rate) gt 0',
    ...refuse('endpoint-limit', `${fresh} endpoint_full or ${fresh} endpoint_fast`),
    '  tcp-request content set-var(sess.counted) bool(true)',
  ];
}

/**
 * What a client of PostgreSQL begins with; anything else would cost PostgreSQL a process.
 *
 * A plain StartupMessage is let through: PostgreSQL refuses it before it asks for a password, and tells the client why.
 * So is a ClientHello (`sslnegotiation=direct`). Lengths are those that PostgreSQL takes.
 */
const FIRST_BYTES_RULES = [
  '  acl encryption_request req.payload(0,8),hex -m str 0000000804D2162F 0000000804D21630',
  '  acl cancel_request req.payload(0,8),hex -m reg ^0000(00|01)..04D2162E$',
  '  acl startup_message req.payload(0,8),hex -m reg ^0000[012].{3}0003.{4}$',
  '  acl tls_hello req.payload(0,8),hex -m reg ^1603.{6}01.{4}$',
];

function backendLines(settings: RouterSettings): string[] {
  const { firstPort, slots, sourceAddress, mapPath } = settings;
  return [
    'backend instances',
    ...QUIET_RULES,
    `  tcp-request inspect-delay ${HOLD_MS + HOLD_MARGIN_MS}ms`,
    `  tcp-request content set-var(txn.slot) var(sess.port),sub(${firstPort - 1})`,
    `  acl held var(sess.port),map_str(${mapPath}),field(${FIELDS.state},|) -m str held`,
    `  acl several var(sess.port),map_str(${mapPath}),field(${FIELDS.targets},|) -m sub ,`,
    '  tcp-request content lua.lead if held or several',
    ...refuse('allow-list', '{ var(txn.not_admitted) -m bool }'),
    ...refuse('held-too-long', '{ var(txn.held_too_long) -m bool }'),
    // The ordinary case needs no Lua.
    `  tcp-request content set-var(txn.target) var(sess.port),map_str(${mapPath}),field(${FIELDS.targets},|)`
      + ' if !{ var(txn.target) -m found } !held !several',
    '  tcp-request content set-var(txn.address) var(txn.target),field(1,@)',
    '  tcp-request content set-var(txn.port) var(txn.target),field(2,@)',
    // Also where Lua failed: without an address the connection would lead somewhere else.
    '  tcp-request content reject if !{ var(txn.address) -m found } or !{ var(txn.port) -m found }',
    // From here on the destination is the server's.
    '  tcp-request content set-dst var(txn.address)',
    '  tcp-request content set-dst-port var(txn.port)',
    // Logged unless a connection comes about.
    '  tcp-request content set-var(sess.why) str(target-failed)',
    '  tcp-request content set-log-level notice',
    // Without a delay, that is as soon as the connection stands. With one, HAProxy 3.0 keeps a session that is cut before the
    // server's first answer until the delay is over.
    '  tcp-response content set-log-level silent',
    '  use-server s%[var(txn.slot)] if TRUE',
    `  server-template s ${portCount(slots)} 0.0.0.0:0 source ${sourceAddress} tcp-ut ${UNACKNOWLEDGED_S}s`,
  ];
}

function tableLines({ slots }: RouterSettings): string[] {
  const rate = (name: string): string => `${name}(${RATE_WINDOW_S}s)`;
  return [
    'backend endpoints',
    `  stick-table type integer size ${2 * portCount(slots)} expire 1h store conn_cur,${rate('conn_rate')}`,
    'backend sources',
    `  stick-table type string len 64 size 50k expire 1m store conn_cur,${rate('conn_rate')},gpc0,${rate('gpc0_rate')}`,
    'backend refusals',
    `  stick-table type integer size ${2 * portCount(slots)} expire 20d`
      + ` store gpc(${REFUSALS.length + 1}),gpc_rate(${REFUSALS.length + 1},${RATE_WINDOW_S}s)`,
  ];
}
