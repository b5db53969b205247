import { within } from '../../../../base/signals.js';
import { EngineError } from '../../../errors.js';
import type { Account } from '../../machine/files.js';
import { command, daemonLine } from '../../machine/gate-script.js';
import type { Gate } from '../../machine/gate.js';
import { exactName, type HostShell, type ProcessFacts } from '../../machine/host-shell.js';
import { isStopped } from '../../machine/processes.js';
import { lastLines } from '../../machine/tool-failure.js';
import { asAccount } from '../../fleet/instance-context.js';
import { waitUntil } from '../../../wait-until.js';
import { findBusyPorts } from './busy-ports.js';
import { findLastRefusals, type LoggedRefusal } from './refusal-log.js';
import { askRouter, countSessions, cutSessions, readRefusals, removeEntries, setEntries, type PortRefusals, type RouterConsole } from './router-client.js';
import { connectionsWithin, portCount, routerConfiguration } from './router-config.js';
import { renderMap, type RemovedRoute, type RouterEntry } from './router-entry.js';
import { routerScript } from './router-script.js';

const LOG_LIMIT_BYTES = 4 * 1024 * 1024;
const LOG_TAIL_BYTES = 4 * 1024;
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
export class Router {
  readonly paths: RouterPaths;
  private readonly console: RouterConsole;
  /** Which process was last seen to answer, and when. */
  private answered: { readonly name: string; readonly at: number } | undefined;

  constructor(private readonly options: RouterOptions) {
    this.paths = routerPaths(options);
    this.console = { socketPath: this.paths.socket, firstPort: options.firstPort, name: `the router of ${options.regionId}` };
  }

  /** The living process; a zombie, or another process with the number, is none. */
  async find(): Promise<ProcessFacts | undefined> {
    const { shell } = this.options;
    const recorded = (await shell.read(this.paths.pid))?.trim() ?? '';
    const process = shell.readProcess(Number(recorded.split(':')[0] ?? 0));
    if (process && exactName(process) === recorded) return process;
    return shell.processesUnder([this.paths.configuration], { programs: PROGRAMS })[0];
  }

  /** Whether a process serves: it is not stopped, and answers on its socket, or has done so a moment ago. */
  async serves(process: ProcessFacts, signal: AbortSignal, withinMs?: number): Promise<boolean> {
    if (isStopped(process)) return false;
    const name = exactName(process);
    if (this.answered?.name === name && performance.now() - this.answered.at < ANSWER_HOLDS_MS) return true;
    const answers = await this.answers(signal, withinMs);
    this.answered = answers ? { name, at: performance.now() } : undefined;
    return answers;
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
    const output = await gate.must(`ulimit -c 0; rm -f -- ${command(paths.socket)}; ${daemonLine(haproxy, paths.log)} echo $!`, 'starting haproxy');
    const started = shell.readProcess(Number(output.trim()));
    if (started) await gate.install([{ path: paths.pid, content: `${exactName(started)}\n`, mode: 0o644 }], false);
    await waitUntil(`${this.console.name} to answer`, signal, async () => {
      if (await this.answers(signal)) return true;
      if (started && shell.readProcess(started.pid)) return undefined;
      const words = lastLines(await shell.readTail(paths.log, LOG_TAIL_BYTES));
      throw new EngineError('transient', `${this.console.name} did not start: ${words || 'it said nothing'}`, `see ${paths.log}`);
    });
    await this.catchUp(before, await record(), signal);
    return { busyPorts: [...busyPorts] };
  }

  async kill(gate: Gate, process: ProcessFacts, signal: AbortSignal): Promise<void> {
    await gate.run(command('signal_exactly', 'KILL', exactName(process)));
    await waitUntil(`${this.console.name} to die`, signal, () => (this.options.shell.readProcess(process.pid) ? undefined : true));
  }

  /** Clients can make it grow, though slowly: whoever is refused is logged. */
  async boundLog(): Promise<void> {
    await this.options.shell.boundLog(this.paths.log, LOG_LIMIT_BYTES).catch(() => undefined);
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

  private answers(signal: AbortSignal, withinMs?: number): Promise<boolean> {
    return askRouter(this.console, ['route ping'], withinMs === undefined ? signal : within(signal, withinMs)).then(
      ([answer]) => answer === 'done',
      (error: unknown) => {
        if (signal.aborted) throw error;
        return false;
      },
    );
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
    const [tcp = '', tcp6 = ''] = await Promise.all([shell.read('/proc/net/tcp'), shell.read('/proc/net/tcp6')]);
    return findBusyPorts([tcp, tcp6], listenAddresses, firstPort, firstPort + portCount(slots) - 1);
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
