import { EngineError } from '../../../errors.js';
import { portsTakenAt, readListeners } from '../../fleet/listeners.js';
import type { Account } from '../../machine/files.js';
import { command } from '../../machine/gate-script.js';
import type { Gate } from '../../machine/gate.js';
import type { HostShell } from '../../machine/host-shell.js';
import { asAccount } from '../../fleet/instance-context.js';
import { Daemon } from '../daemon.js';
import { findLastRefusals, type LoggedRefusal } from './refusal-log.js';
import {
  countSessions,
  cutSessions,
  cutSources,
  pingRouter,
  readRefusals,
  removeEntries,
  setEntries,
  type PortRefusals,
  type RouterConsole,
} from './router-client.js';
import { connectionsWithin, portCount, routerConfiguration } from './router-config.js';
import { renderMap, type RemovedRoute, type RouterEntry } from './router-entry.js';
import { routerScript } from './router-script.js';

/** More than the log holds when it has just been cut short. */
const READ_LOG_BYTES = 2 * 1024 * 1024;
/** That the process is there the watcher sees each time; that it answers, this often. */
const ANSWER_HOLDS_MS = 2_000;
/** HAProxy, and what becomes it. */
const PROGRAMS = /^(haproxy|setpriv|setsid)( \(deleted\))?$/;
/** What `ulimit` says where there is no limit. */
const UNLIMITED_FILES = 1_048_576;

export interface RouterOptions {
  /** Of the fleet's gateways. */
  readonly shell: HostShell;
  readonly program: string;
  readonly regionId: string;
  /** Of its own, inside the gateway's; its parents let the account pass. */
  readonly directory: string;
  /** Exists; only the account and root may pass. */
  readonly socketDirectory: string;
  /** Undefined where everything runs as the current user. */
  readonly account: Account | undefined;
  readonly listenAddresses: readonly string[];
  readonly sourceAddress: string;
  readonly firstPort: number;
  readonly slots: number;
}

/** All routes of a region as they are written down. */
export interface RecordedRoutes {
  readonly entries: readonly RouterEntry[];
  /** Databases that had a route, and the tokens of their removal. */
  readonly removed: readonly RemovedRoute[];
}

/** Where a router keeps its files. */
export interface RouterPaths {
  readonly configuration: string;
  readonly script: string;
  readonly map: string;
  /** Pid and start time of the process that was started last. */
  readonly pid: string;
  readonly log: string;
  readonly socket: string;
}

export function routerPaths({ directory, socketDirectory }: Pick<RouterOptions, 'directory' | 'socketDirectory'>): RouterPaths {
  return {
    configuration: `${directory}/haproxy.cfg`,
    script: `${directory}/router.lua`,
    map: `${directory}/routes.map`,
    pid: `${directory}/pid`,
    log: `${directory}/log`,
    // Short: HAProxy binds it under a longer name first, and a socket's path may have 107 bytes.
    socket: `${socketDirectory}/router`,
  };
}

/** One region's HAProxy: its files, its process and what it can be told. */
export class Router extends Daemon {
  readonly paths: RouterPaths;
  private readonly console: RouterConsole;

  constructor(private readonly options: RouterOptions) {
    const paths = routerPaths(options);
    const console = { socketPath: paths.socket, firstPort: options.firstPort, name: `the router of ${options.regionId}` };
    const { shell } = options;
    super({
      ...paths,
      shell,
      name: console.name,
      programs: PROGRAMS,
      answerHoldsMs: ANSWER_HOLDS_MS,
      ask: (signal) => pingRouter(console, signal),
    });
    this.paths = paths;
    this.console = console;
  }

  /**
   * Starts the router with all routes, under the gateway's lock, and returns once it serves. No other may run.
   *
   * @param record Reads all routes; asked twice, because they may change until the router can be told.
   * @returns Ports of its range that other programs hold, and that it therefore does not serve.
   * @throws EngineError with the last lines of its log.
   */
  async start(gate: Gate, record: () => Promise<RecordedRoutes>, signal: AbortSignal): Promise<{ busyPorts: number[] }> {
    const { shell, account, program } = this.options;
    const { paths } = this;
    await shell.ensureDirectory(this.options.directory, 0o711);
    const busyPorts = await this.busyPorts();
    const before = await record();
    await this.install(gate, before, busyPorts);
    const haproxy = command(...asAccount(account), program, '-db', '-f', paths.configuration);
    await this.launch(gate, haproxy, `ulimit -c 0; rm -f -- ${command(paths.socket)}`, signal);
    await this.catchUp(before, await record(), signal);
    return { busyPorts: [...busyPorts] };
  }

  /** @see setEntries */
  async set(entries: readonly RouterEntry[], signal: AbortSignal): Promise<void> {
    this.refuseStrangers(entries.map(({ port }) => port));
    await setEntries(this.console, entries, signal);
  }

  /** @see removeEntries */
  async remove(ports: readonly number[], databaseId: string, token: bigint, signal: AbortSignal): Promise<void> {
    this.refuseStrangers(ports);
    await removeEntries(this.console, ports, databaseId, token, signal);
  }

  /** @see cutSessions */
  async cut(ports: readonly number[], signal: AbortSignal): Promise<void> {
    this.refuseStrangers(ports);
    await cutSessions(this.console, ports, signal);
  }

  /** @see cutSources */
  async cutSources(ports: readonly number[], isStranger: (source: string) => boolean, signal: AbortSignal): Promise<number> {
    this.refuseStrangers(ports);
    return cutSources(this.console, ports, isStranger, signal);
  }

  /** @see countSessions */
  async sessions(ports: readonly number[], signal: AbortSignal): Promise<Map<number, number>> {
    this.refuseStrangers(ports);
    return countSessions(this.console, ports, signal);
  }

  /** @see readRefusals */
  refusals(signal: AbortSignal): Promise<PortRefusals[]> {
    return readRefusals(this.console, signal);
  }

  /** When the process that runs was started; undefined if none was. */
  startedAt(): Promise<Date | undefined> {
    return this.options.shell.modifiedAt(this.paths.pid);
  }

  /** Whom the log says to have been refused at ports of a database, the newest for each reason. */
  async lastRefusals(databaseId: string): Promise<ReadonlyMap<string, LoggedRefusal>> {
    return findLastRefusals(await this.options.shell.readTail(this.paths.log, READ_LOG_BYTES), databaseId);
  }

  private async install(gate: Gate, routes: RecordedRoutes, busyPorts: ReadonlySet<number>): Promise<void> {
    const { options, paths } = this;
    const owner = options.account ? { owner: options.account } : {};
    const configuration = routerConfiguration({
      ...options,
      busyPorts,
      maxConnections: connectionsWithin(await this.openFiles(), options),
      mapPath: paths.map,
      scriptPath: paths.script,
      socketPath: paths.socket,
    });
    await gate.install(
      [
        { path: paths.configuration, content: configuration, mode: 0o600, ...owner },
        { path: paths.script, content: routerScript(paths.map), mode: 0o600, ...owner },
        { path: paths.map, content: renderMap(routes.entries, routes.removed), mode: 0o600, ...owner },
      ],
      false,
    );
  }

  /** Tells the router what was written down after it had been given its map. A stronger caller may have told it already. */
  private async catchUp(before: RecordedRoutes, now: RecordedRoutes, signal: AbortSignal): Promise<void> {
    const keyOf = ({ databaseId, port }: RouterEntry): string => `${databaseId} ${port}`;
    const current = new Set(now.entries.map(keyOf));
    const tokens = new Map(now.removed.map(({ databaseId, token }) => [databaseId, token]));
    // First, for their ports may be another's now.
    for (const entry of before.entries.filter((entry) => !current.has(keyOf(entry)))) {
      await unlessSuperseded(this.remove([entry.port], entry.databaseId, tokens.get(entry.databaseId) ?? entry.token, signal));
    }
    const known = new Set(before.entries.map(textOf));
    for (const entry of now.entries.filter((entry) => !known.has(textOf(entry)))) await unlessSuperseded(this.set([entry], signal));
  }

  private async busyPorts(): Promise<ReadonlySet<number>> {
    const { shell, listenAddresses, firstPort, slots } = this.options;
    const taken = portsTakenAt(await readListeners(shell), listenAddresses);
    return new Set([...taken].filter((port) => port >= firstPort && port < firstPort + portCount(slots)));
  }

  private async openFiles(): Promise<number> {
    const { stdout } = await this.options.shell.run(['/bin/sh', '-c', 'ulimit -Hn']);
    return Number.isInteger(Number(stdout.trim())) ? Number(stdout.trim()) : UNLIMITED_FILES;
  }

  private refuseStrangers(ports: readonly number[]): void {
    const { firstPort, slots } = this.options;
    const stranger = ports.find((port) => !Number.isInteger(port) || port < firstPort || port >= firstPort + portCount(slots));
    if (stranger !== undefined) throw new EngineError('permanent', `${stranger} is not a port of ${this.console.name}`);
  }
}

const textOf = (entry: RouterEntry): string => JSON.stringify({ ...entry, token: entry.token.toString() });

async function unlessSuperseded(change: Promise<void>): Promise<void> {
  await change.catch((error: unknown) => {
    if (!(error instanceof EngineError) || error.kind !== 'superseded') throw error;
  });
}
