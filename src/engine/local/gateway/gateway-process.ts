import { createHash, randomBytes } from 'node:crypto';

import { EngineError } from '../../errors.js';
import { gatewaysDirectory } from '../fleet/fleet-layout.js';
import type { RegionDescription } from '../fleet/fleet-description.js';
import type { FileContent } from '../host-shell/files.js';
import { command, daemonLine, quote } from '../host-shell/gate-script.js';
import type { Gate, GateSubject } from '../host-shell/gate.js';
import { commandFailure, lastLines } from '../host-shell/tool-failure.js';
import { exactName, type HostShell, type ProcessFacts } from '../host-shell/host-shell.js';
import { isStopped } from '../host-shell/process-table.js';
import { asAccount } from '../instances/instance-context.js';
import { scramVerifier } from '../instances/sql.js';
import type { LocalFleet } from '../local-fleet.js';
import { waitUntil } from '../wait-until.js';
import { waitUntilHeld, withConsole, type AdminConsole } from './admin-console.js';
import { ADMIN_USER, gatewayConfiguration, MAX_CLIENTS } from './gateway-config.js';
import { gatewayPaths, type GatewayPaths } from './gateway-layout.js';
import { readRoutes, routeNames, type RouteFile } from './route-file.js';

const LOG_LIMIT_BYTES = 4 * 1024 * 1024;
const LOG_TAIL_BYTES = 4 * 1024;
/** A console that is opened costs the watcher more than all else that it looks at; that the process is there it sees each time. */
const ANSWER_HOLDS_MS = 2_000;
/** How long the routes of a gateway that has just started may take to rest. */
const HELD_WITHIN_MS = 5_000;

/** One region's PgBouncer: its files, its process and its console. */
export class GatewayProcess {
  readonly paths: GatewayPaths;
  readonly shell: HostShell;
  private readonly region: RegionDescription;
  /** Which process was last seen to answer, and when. */
  private answered: { readonly name: string; readonly at: number } | undefined;

  constructor(
    private readonly fleet: LocalFleet,
    private readonly program: string,
    regionId: string,
  ) {
    this.region = fleet.region(regionId);
    this.paths = gatewayPaths(fleet, regionId);
    this.shell = fleet.shell.at(gatewaysDirectory(fleet.root));
  }

  /** Holds the lock under which the configuration is assembled, the process started, and the admin console used. */
  locked<T>(signal: AbortSignal, body: (gate: Gate) => Promise<T>): Promise<T> {
    const subject: GateSubject = { directory: this.paths.control, name: `the gateway of ${this.region.id}` };
    return this.shell.fenced(subject, signal, body);
  }

  /** Assembles the configuration from all routes; starts the gateway if it does not run, and answers whether it had to. */
  async prepare(gate: Gate, signal: AbortSignal): Promise<{ started: boolean }> {
    const files = await readRoutes(this.shell, this.paths.routes);
    await this.assemble(gate, files);
    if (await this.find()) return { started: false };
    await this.start(gate, signal);
    const closed = files.filter((file) => !file.open).flatMap((file) => routeNames(file.name));
    if (closed.length > 0) {
      await gate.must(await this.pauseLine(closed, HELD_WITHIN_MS), 'closing routes');
      await withConsole(await this.console(), signal, (console) => waitUntilHeld(console, closed, signal));
    }
    return { started: true };
  }

  /** The same, and makes a gateway that runs use it. A RELOAD that comes late does no harm: it reads what the files say by then. */
  async apply(gate: Gate, signal: AbortSignal): Promise<{ started: boolean }> {
    const { started } = await this.prepare(gate, signal);
    if (!started) await withConsole(await this.console(), signal, (client) => client.query('RELOAD'));
    return { started };
  }

  /**
   * A line that makes the gateway use its configuration and then lets the clients of routes in, of each only if both of its
   * names lead where they should by then; others are named in what it says. In one child, because clients are waiting.
   */
  async letInLine(files: readonly RouteFile[]): Promise<string> {
    const shown = `${this.paths.control}/shown`;
    const script = ['RELOAD;', `\\o ${shown}`, 'SHOW DATABASES;', '\\o', ...files.flatMap((file) => letInScript(file, shown))];
    return `${await this.commandLine([], [], ['-A', '-t'])} <<< ${quote(script.join('\n'))}`;
  }

  /**
   * A line for a gate that gives the admin console commands which have an effect.
   *
   * Should the gate be killed meanwhile, what was sent is carried out before anything that a stronger contender says: the
   * gateway has one loop, and reads what waits in its sockets before it has accepted and heard a new client.
   *
   * @param within Words in front of the client's, such as a limit of time.
   */
  async commandLine(commands: readonly string[], within: readonly string[] = [], options: readonly string[] = []): Promise<string> {
    const { socketDirectory, port, password } = await this.console();
    const psql = [`${this.fleet.binaries.directory}/psql`, '-X', '-q', '-h', socketDirectory, '-p', String(port), '-U', ADMIN_USER, '-d', 'pgbouncer', ...options];
    return `PGPASSWORD=${quote(password)} ${command(...within, ...psql, ...commands.flatMap((text) => ['-c', text]))}`;
  }

  /**
   * A line that pauses routes.
   *
   * The gateway's answer is not waited for. It comes once every paused route of every database is at rest, and so may be
   * kept waiting by another's; but that the commands have arrived is to be seen, for they must not arrive later than an opening.
   */
  async pauseLine(names: readonly string[], limitMs: number): Promise<string> {
    const limit = ['timeout', '-s', 'KILL', (limitMs / 1_000).toFixed(3)];
    const pauses = await Promise.all(names.map((name) => this.commandLine([`PAUSE "${name}"`], limit)));
    return pauses.map((pause) => `${pause} </dev/null >/dev/null 2>&1 9>&- &`).join(' ');
  }

  /** Gives commands by a child of a gate; a route that was written down but never taken by the gateway has nothing to be told. */
  async say(gate: Gate, commands: readonly string[], what: string): Promise<void> {
    const result = await gate.run(await this.commandLine(commands));
    const faults = result.stderr.split('\n').filter((line) => line.trim() !== '' && !/no such database/.test(line));
    if (faults.length > 0) throw commandFailure(what, { ...result, stderr: faults.join('\n') });
  }

  /** The living process; a zombie, or another process with the number, is none. */
  async find(): Promise<ProcessFacts | undefined> {
    const recorded = (await this.shell.read(this.paths.pid))?.trim() ?? '';
    const process = this.shell.readProcess(Number(recorded.split(':')[0] ?? 0));
    if (process && exactName(process) === recorded) return process;
    return this.shell.processesUnder([this.paths.ini])[0];
  }

  /** Whether a process serves: it is not stopped, and answers on its console, or has done so a moment ago. */
  async serves(process: ProcessFacts, signal: AbortSignal): Promise<boolean> {
    if (isStopped(process)) return false;
    const name = exactName(process);
    if (this.answered?.name === name && performance.now() - this.answered.at < ANSWER_HOLDS_MS) return true;
    const answers = await this.answers(signal);
    this.answered = answers ? { name, at: performance.now() } : undefined;
    return answers;
  }

  private async answers(signal: AbortSignal): Promise<boolean> {
    const console = await this.console();
    return withConsole(console, signal, (client) => client.query('SHOW VERSION')).then(
      () => true,
      (error: unknown) => {
        if (signal.aborted) throw error;
        return false;
      },
    );
  }

  /** Clients can make it grow: whoever is refused is logged. */
  async boundLog(): Promise<void> {
    await this.shell.boundLog(this.paths.log, LOG_LIMIT_BYTES).catch(() => undefined);
  }

  async kill(gate: Gate, process: ProcessFacts, signal: AbortSignal): Promise<void> {
    await gate.run(command('signal_exactly', 'KILL', exactName(process)));
    await waitUntil('the gateway to die', signal, () => (this.shell.readProcess(process.pid) ? undefined : true));
  }

  async start(gate: Gate, signal: AbortSignal): Promise<void> {
    const { paths, shell } = this;
    const bouncer = command(...asAccount(this.account), this.program, '-q', paths.ini);
    const socket = command(`${paths.socketDirectory}/.s.PGSQL.${this.region.gateway.port}`);
    const raise = `ulimit -c 0; ulimit -n ${2 * MAX_CLIENTS + 1_000} 2>/dev/null || ulimit -n "$(ulimit -Hn)"`;
    const output = await gate.must(`rm -f -- ${socket}; ${raise}; ${daemonLine(bouncer, paths.log)} echo $!`, 'starting pgbouncer');
    const started = shell.readProcess(Number(output.trim()));
    if (started) await gate.install([{ path: paths.pid, content: `${exactName(started)}\n`, mode: 0o644 }], false);
    await waitUntil(`the gateway of ${this.region.id} to answer`, signal, async () => {
      if (await this.answers(signal)) return true;
      if (started && shell.readProcess(started.pid)) return undefined;
      const words = lastLines(await shell.readTail(paths.log, LOG_TAIL_BYTES));
      throw new EngineError('transient', `pgbouncer of ${this.region.id} did not start: ${words || 'it said nothing'}`, `see ${paths.log}`);
    });
  }

  async console(): Promise<AdminConsole> {
    return { socketDirectory: this.paths.socketDirectory, port: this.region.gateway.port, password: await this.adminPassword() };
  }

  /** Makes what the fleet's preparation leaves to the first use; under the lock. */
  private async assemble(gate: Gate, routes: readonly RouteFile[]): Promise<void> {
    const { paths, fleet, region } = this;
    const owner = this.account ? { owner: this.account } : {};
    const adminPassword = await this.adminPassword(true);
    const files = gatewayConfiguration(
      {
        listenAddress: fleet.description.publicHost === null ? region.gateway.address : '0.0.0.0',
        port: region.gateway.port,
        etc: paths.etc,
        socketDirectory: paths.socketDirectory,
        rootCertificatePath: fleet.authorityPath(region.id),
        adminVerifier: adminVerifier(adminPassword),
      },
      routes,
    );
    const wanted: FileContent[] = [
      { path: paths.users, content: files.users, mode: 0o600, ...owner },
      { path: paths.access, content: files.access, mode: 0o600, ...owner },
      { path: paths.ini, content: files.ini, mode: 0o600, ...owner },
    ];
    // A route that only moves changes one of them.
    const found = await Promise.all(wanted.map((file) => this.shell.read(file.path)));
    const changed = wanted.filter((file, index) => file.content !== found[index]);
    if (changed.length > 0) await gate.install(changed, false);
  }

  private async adminPassword(create = false): Promise<string> {
    const found = (await this.shell.read(this.paths.adminPassword))?.trim();
    if (found) return found;
    if (!create) return '';
    const password = randomBytes(24).toString('base64url');
    await this.shell.write({ path: this.paths.adminPassword, content: `${password}\n`, mode: 0o600 });
    return password;
  }

  private get account(): ReturnType<LocalFleet['account']> {
    return this.fleet.account(this.region.gateway.account);
  }
}

function letInScript(file: RouteFile, shown: string): string[] {
  const names = routeNames(file.name);
  // Its columns are name, host, port, and more.
  const patterns = names.flatMap((name) => ['-e', `^${name}|${file.address}|${file.port}|`]);
  return [
    `\\set taken \`[ "$(${command('grep', '-c', ...patterns, shown)})" = ${names.length} ] && echo yes || echo no\``,
    '\\if :taken',
    ...names.map((name) => `RESUME "${name}";`),
    '\\else',
    `\\echo not taken: ${file.name}`,
    '\\endif',
  ];
}

/**
 * A verifier instead of the password spares the gateway to derive one at each login, in the loop that serves everybody.
 * Rounds are for what people choose: this password is 192 random bits. Its salt is always the same, so that the file is.
 */
function adminVerifier(password: string): string {
  return scramVerifier(password, createHash('sha256').update(password).digest().subarray(0, 16), 1);
}
