import { createHash } from 'node:crypto';

import { within } from '../../../../base/signals.js';
import { mostClients } from '../../../connection-shares.js';
import { EngineError } from '../../../errors.js';
import type { DatabaseSpec } from '../../../ports.js';
import { scramVerifierSync } from '../../../../secrets/scram-verifier.js';
import { endpointHosts } from '../../fleet/fleet-description.js';
import { isGoodFor, type KeyPairPem } from '../../fleet/certificates.js';
import { gatewayDirectory } from '../../fleet/fleet-layout.js';
import { hasAnchors } from '../../fleet/public-certificate-store.js';
import { POOLER_NAME, poolerAuthority } from '../../fleet/pooler-authority.js';
import type { Account, FileContent } from '../../machine/files.js';
import { command, quote } from '../../machine/gate-script.js';
import type { Gate } from '../../machine/gate.js';
import type { CommandResult } from '../../machine/run-command.js';
import { exactName, type HostShell } from '../../machine/host-shell.js';
import { hasFilesLeft } from '../../machine/process-table.js';
import { asAccount } from '../../fleet/instance-context.js';
import type { LocalFleet } from '../../fleet/local-fleet.js';
import { waitUntil } from '../../../wait-until.js';
import { Daemon } from '../daemon.js';
import { CONSOLE_USER, poolerConfiguration, type PoolerTarget } from './pooler-config.js';
import { findStrangers, type LoggedStrangers } from './pooler-log.js';
import { PoolerConsole, type ConsolePlace } from './pooler-console.js';
import { POOLER_ACCOUNTS, poolerPaths, type PoolerPaths } from './pooler-layout.js';

/**
 * A console that is opened costs more than all else that is looked at, and a fleet has many poolers; that the process is there is
 * seen each time.
 */
const ANSWER_HOLDS_MS = 60_000;
/** A pooler that does what it is told does it at once; a stopped one never does. */
const OBEYS_WITHIN_MS = 2_000;
/** Between two signals to a pooler that has not obeyed yet: one that was sent before may undo them. */
const TELL_AGAIN_MS = 250;
/** How long servers may take to end by themselves: whoever cuts a route fences its primary at the same time. */
const END_BY_THEMSELVES_MS = 300;
const CUT_WITHIN_MS = 3_000;
const REST_POLL_MS = 10;
/** Between two looks at all clients, which may be many. */
const LIST_POLL_MS = 25;
/** More than the log holds when it has just been cut short. */
const READ_LOG_BYTES = 2 * 1024 * 1024;
/**
 * Connections that have not logged in yet, each of which ends after `client_login_timeout`, 15 s: if they took all descriptors, the
 * console could not be opened either.
 */
const LOGGING_IN = 8_000;

/** Its console cannot be opened: it hangs, or is full of connections. */
class SilentPoolerError extends EngineError {}

/** What a pooler needs to know of its database. */
export type PoolerSubject = Pick<DatabaseSpec, 'id' | 'region' | 'account'> & {
  /** Sessions that the plan gives to the customer. */
  readonly maxConnections: number;
  /** Networks from which clients are let in; null for all. */
  readonly networks: readonly string[] | null;
};

export interface PoolerOptions {
  /** PgBouncer. */
  readonly program: string;
  readonly database: PoolerSubject;
  /** Where clients connect to. */
  readonly listenAddress: string;
  readonly port: number;
}

/**
 * One database's PgBouncer: its files, its process and its console.
 *
 * It is a daemon that outlives the control plane. It is told what to do by its files and by signals, which a child of the
 * route's gate sends: SIGHUP (read the configuration), SIGUSR1 (begin no transaction, let everybody wait) and SIGUSR2 (go on).
 * A signal that was sent has arrived for good before any that is sent later does, but for its turn: those that are pending
 * together are taken in the order of their numbers. Hence each is only over once the console shows what it was sent for, and
 * is sent again meanwhile.
 */
export class Pooler extends Daemon {
  readonly paths: PoolerPaths;
  readonly shell: HostShell;
  private readonly account: Account | undefined;
  private readonly database: PoolerSubject;

  constructor(
    private readonly fleet: LocalFleet,
    private readonly options: PoolerOptions,
  ) {
    const { database } = options;
    const paths = poolerPaths(fleet, database);
    const shell = fleet.shell.at(gatewayDirectory(fleet.root, database.region));
    super({
      ...paths, shell, name: `the pooler of ${database.id}`, configuration: paths.ini, answerHoldsMs: ANSWER_HOLDS_MS,
      ask: (signal) => PoolerConsole.open(this.console, signal, (console) => console.isPaused()),
      // It would cost who waits the time until nobody answers; and to start it anew would end those who are in, and let in those
      // who fill it again.
      isFull: (process) => !hasFilesLeft(process),
    });
    this.database = database;
    this.paths = paths;
    this.shell = shell;
    this.account = fleet.account(this.database.account + POOLER_ACCOUNTS);
  }

  /** Whether no connection to a server is left: all transactions are over. One that does not run has none. */
  async rests(signal: AbortSignal): Promise<boolean> {
    if (!(await this.find())) return true;
    return this.look(signal, async (console) => (await console.countServers()) === 0);
  }

  /**
   * Starts it if it does not run, open, or held if there is no target; returns once it answers. A held one has clients wait from
   * the first moment on: until it is told to, it has nowhere to lead them to.
   *
   * @throws EngineError `transient` if it does not start
   */
  async start(gate: Gate, target: PoolerTarget | undefined, signal: AbortSignal): Promise<{ readonly started: boolean }> {
    await this.prepare(gate, target);
    if (await this.find()) return { started: false };
    await this.spawn(gate, signal);
    if (!target) await this.pause(gate, signal);
    return { started: true };
  }

  /**
   * Lets no transaction begin, and everybody wait; what is open goes on to its end. Returns once that is so. A process that is
   * started meanwhile leads nowhere. Without a process there is nobody to hold.
   */
  async hold(gate: Gate, signal: AbortSignal): Promise<void> {
    await this.writeConfiguration(gate, undefined);
    if (await this.find()) await this.pause(gate, signal);
  }

  /**
   * Leads to an instance, and lets everybody go on; starts it if it does not run, and anew if it cannot be talked to. Returns once
   * both are seen.
   *
   * @throws EngineError `transient` if it does not obey
   */
  async open(gate: Gate, target: PoolerTarget, signal: AbortSignal): Promise<void> {
    if (!(await this.find()) && (await this.start(gate, target, signal)).started) return;
    try {
      // Clients are waiting: the console is opened meanwhile.
      await Promise.all([this.lead(gate, target), this.look(signal, async (console) => {
        await this.tell(
          gate,
          'HUP',
          'to lead to the instance',
          signal,
          () => console.leadsTo(target.address, target.port),
          performance.now(),
        );
        await this.tell(gate, 'USR2', 'to go on', signal, async () => !(await console.isPaused()), performance.now());
      })]);
    } catch (error) {
      if (signal.aborted || !(error instanceof SilentPoolerError)) throw error;
      await this.stop(gate, signal);
      await this.start(gate, target, signal);
    }
  }

  /**
   * Sees to it that nobody goes on through a server, and that everybody waits until it is opened. A client that has no server
   * notices nothing but the wait; one whose server does not end by itself is ended. Where that does not work either, the
   * process is killed with all its clients, and started held.
   */
  async cut(gate: Gate, signal: AbortSignal): Promise<void> {
    await this.writeConfiguration(gate, undefined);
    if (!(await this.find())) return;
    try {
      await this.endServers(gate, within(signal, CUT_WITHIN_MS));
    } catch (error) {
      if (signal.aborted || (error instanceof EngineError && error.kind !== 'transient')) throw error;
      await this.stop(gate, signal);
      await this.start(gate, undefined, signal);
    }
  }

  /**
   * Has it read from where clients may come, and ends those that may not be in any more; answers how many. Without a process there is
   * nobody to end.
   *
   * A client that has named its user before was judged by the list of that moment, and cannot be ended before it is in: it is
   * waited for, which is over with `client_login_timeout` at the latest.
   */
  async restrict(
    gate: Gate, target: PoolerTarget | undefined, isStranger: (source: string) => boolean, signal: AbortSignal,
  ): Promise<number> {
    await this.writeConfiguration(gate, target);
    if (!(await this.find())) return 0;
    const began = Date.now();
    // Unlike a signal it is answered once it has been obeyed.
    const { code, stderr } = await this.order(gate, ['RELOAD']);
    if (code !== 0) throw new EngineError('transient', `the pooler of ${this.database.id} cannot be told: ${stderr.trim()}`, 'try again');
    const cut = new Set<string>();
    await this.look(signal, (console) => waitUntil(`strangers at the pooler of ${this.database.id} to be gone`, signal, async () => {
      const strangers = (await console.clients()).filter(({ source }) => isStranger(source));
      for (const { id } of strangers) cut.add(id);
      await this.endClients(gate, strangers.map(({ id }) => id));
      const isComing = (await console.loggingIn()).some(({ source, since }) => since <= began && isStranger(source));
      return (strangers.length === 0 && !isComing) || undefined;
    }, LIST_POLL_MS));
    return cut.size;
  }

  /** Whom its log says to have been refused for where they come from. */
  async strangers(): Promise<LoggedStrangers | undefined> {
    return findStrangers(await this.shell.readTail(this.paths.log, READ_LOG_BYTES));
  }

  /** Whether its certificates and configuration are those that it should have. One that was never started has none to renew. */
  async isCurrent(target: PoolerTarget | undefined): Promise<boolean> {
    return !(await this.shell.exists(this.paths.ini)) || (await this.outdated(target)).length === 0;
  }

  /** Writes those that it should have, and has a process that runs read them: no client notices. */
  async renew(gate: Gate, target: PoolerTarget | undefined): Promise<void> {
    const files = await this.outdated(target);
    const process = await this.find();
    if (files.length > 0) await gate.install(files, true, process && command('signal_exactly', 'HUP', exactName(process)));
  }

  /** Kills the process, with all its clients. */
  async stop(gate: Gate, signal: AbortSignal): Promise<void> {
    const process = await this.find();
    if (!process) return;
    await this.kill(gate, process, signal);
  }

  /** Stops it, and removes its files. */
  async remove(gate: Gate, signal: AbortSignal): Promise<void> {
    await this.stop(gate, signal);
    await gate.must(command('rm', '-rf', '--', this.paths.directory, this.paths.socketDirectory), 'removing the pooler');
  }

  private async endServers(gate: Gate, signal: AbortSignal): Promise<void> {
    const began = performance.now();
    await this.look(signal, async (console) => {
      await this.tell(gate, 'USR1', 'to pause', signal, () => console.isPaused());
      // Should anybody else let it go on, it leads nowhere.
      await this.signal(gate, 'HUP');
      await waitUntil(`the servers of ${this.database.id} to end`, signal, async () => {
        if ((await console.countServers()) === 0) return true;
        if (performance.now() - began > END_BY_THEMSELVES_MS) await this.endClients(gate, await console.clientsWithServers());
        return undefined;
      }, REST_POLL_MS);
    });
  }

  /** One at a time: KILL ends all, and has crashed poolers with clients who were just logging in (pgbouncer issue 1401). */
  private async endClients(gate: Gate, clients: readonly string[]): Promise<void> {
    // One that is gone already says so, which is as good.
    if (clients.length > 0) await this.order(gate, clients.map((id) => `KILL_CLIENT ${id}`));
  }

  /** Says words at the console, by a child of the gate. */
  private order(gate: Gate, words: readonly string[]): Promise<CommandResult> {
    const { socketDirectory, port, password } = this.console;
    const psql = [
      `${this.fleet.binaries.directory}/psql`,
      '-X',
      '-q',
      '-h',
      socketDirectory,
      '-p',
      String(port),
      '-U',
      CONSOLE_USER,
      '-d',
      'pgbouncer',
    ];
    return gate.run(`PGPASSWORD=${quote(password)} ${command(...psql, ...words.flatMap((word) => ['-c', word]))}`);
  }

  private pause(gate: Gate, signal: AbortSignal): Promise<void> {
    return this.look(signal, (console) => this.tell(gate, 'USR1', 'to pause', signal, () => console.isPaused()));
  }

  /**
   * Writes the configuration and has the process read it and let everybody go on, in one line. The second signal is never
   * taken before the first: it is sent after it, and has the higher number.
   */
  private async lead(gate: Gate, target: PoolerTarget): Promise<void> {
    const [files, process] = await Promise.all([this.changedConfiguration(target), this.find()]);
    // What a start makes beside it is there where a process runs. That one is gone again, who asks its console is told.
    const signals = process ? ['HUP', 'USR2'].map((what) => command('signal_exactly', what, exactName(process))).join(' && ') : ':';
    if (files.length > 0) await gate.install(files, false, signals);
    else await gate.run(signals);
  }

  /**
   * Sends a signal until it is seen to have been obeyed.
   *
   * @param toldAt when it was sent already, by the clock of `performance.now()`
   */
  private async tell(
    gate: Gate, what: 'HUP' | 'USR1' | 'USR2', aim: string, signal: AbortSignal, obeyed: () => Promise<boolean>, toldAt = 0,
  ): Promise<void> {
    await waitUntil(`the pooler of ${this.database.id} ${aim}`, within(signal, OBEYS_WITHIN_MS), async () => {
      if (toldAt === 0 || performance.now() - toldAt > TELL_AGAIN_MS) {
        await this.signal(gate, what);
        toldAt = performance.now();
      }
      return (await obeyed()) || undefined;
    });
  }

  private async signal(gate: Gate, what: string): Promise<void> {
    const process = await this.find();
    if (!process) throw new EngineError('transient', `the pooler of ${this.database.id} is not there any more`, 'try again');
    await gate.run(command('signal_exactly', what, exactName(process)));
  }

  private look<T>(signal: AbortSignal, body: (console: PoolerConsole) => Promise<T>): Promise<T> {
    return PoolerConsole.open(this.console, signal, body).catch((error: unknown) => {
      if (error instanceof EngineError) throw error;
      throw new SilentPoolerError(
        'transient',
        `the pooler of ${this.database.id} does not answer: ${(error as Error).message}`,
        `see ${this.paths.log}`,
        { cause: error },
      );
    });
  }

  private get console(): ConsolePlace {
    // 256 random bits, so that its verifier needs no rounds; made of the master key, so that it lies nowhere.
    const password = this.fleet.deriveKey(`pooler ${this.database.id} console`);
    return { socketDirectory: this.paths.socketDirectory, port: this.options.port, password };
  }

  private async spawn(gate: Gate, signal: AbortSignal): Promise<void> {
    const { paths, options } = this;
    const bouncer = command(...asAccount(this.account), options.program, paths.ini);
    const socket = command(`${paths.socketDirectory}/.s.PGSQL.${options.port}`);
    const files = mostClients(this.database.maxConnections) + this.database.maxConnections + LOGGING_IN;
    const raise = `ulimit -c 0; ulimit -n ${files} 2>/dev/null || ulimit -n "$(ulimit -Hn)"`;
    await this.launch(gate, bouncer, `rm -f -- ${socket}; ${raise}`, signal);
  }

  /** Makes directories, keys and certificates as far as they are missing, and the configuration. */
  private async prepare(gate: Gate, target: PoolerTarget | undefined): Promise<void> {
    const { paths, account } = this;
    const owner = account ? ['-o', String(account.uid), '-g', String(account.gid)] : [];
    await gate.must(
      [
        command('install', '-d', '-m', '0711', `${gatewayDirectory(this.fleet.root, this.database.region)}/poolers`, paths.directory),
        command('install', '-d', '-m', '0700', ...owner, paths.etc, paths.socketDirectory),
      ].join(' && '),
      'making the pooler\'s directories',
    );
    const missing = await this.missingCertificates();
    if (missing.length > 0) await gate.install(missing, false);
    await this.writeConfiguration(gate, target);
  }

  private async missingCertificates(): Promise<FileContent[]> {
    const { fleet, database, paths, shell } = this;
    const region = fleet.region(database.region);
    const hosts = endpointHosts(fleet.description, region, database.id);
    const [server, key, client, wanted] = await Promise.all([
      shell.read(`${paths.etc}/server.crt`),
      shell.read(`${paths.etc}/server.key`),
      shell.read(`${paths.etc}/client.crt`),
      fleet.publicPair(),
    ]);
    const files: FileContent[] = [];
    if (wanted) {
      if (server !== wanted.certificate || key !== wanted.key) files.push(...this.pairFiles('server', wanted));
    } else if (server === undefined || !isGoodFor(server, hosts)) {
      files.push(...this.pairFiles('server', await (await fleet.authority(region.id)).issue(hosts[0], hosts)));
    }
    if (client === undefined || !isGoodFor(client, [])) {
      files.push(...this.pairFiles('client', await (await poolerAuthority(fleet, database.id)).issueClient(POOLER_NAME)));
    }
    return files;
  }

  private pairFiles(name: string, { key, certificate }: KeyPairPem): FileContent[] {
    return [this.ownFile(`${this.paths.etc}/${name}.key`, key), this.ownFile(`${this.paths.etc}/${name}.crt`, certificate)];
  }

  /** A process that runs reads it when it is told to. */
  private async writeConfiguration(gate: Gate, target: PoolerTarget | undefined): Promise<void> {
    if (!(await this.shell.exists(this.paths.etc))) return;
    const changed = await this.changedConfiguration(target);
    if (changed.length > 0) await gate.install(changed, false);
  }

  private async outdated(target: PoolerTarget | undefined): Promise<FileContent[]> {
    return [...(await this.missingCertificates()), ...(await this.changedConfiguration(target))];
  }

  private async changedConfiguration(target: PoolerTarget | undefined): Promise<FileContent[]> {
    const { paths, fleet, database, options, shell } = this;
    const { password } = this.console;
    const files = poolerConfiguration({
      listenAddress: options.listenAddress,
      port: options.port,
      etc: paths.etc,
      socketDirectory: paths.socketDirectory,
      rootCertificatePath: fleet.authorityPath(database.region),
      verifiesNamesByAuthority: await hasAnchors(fleet.shell, fleet.root),
      // Its salt is always the same, so that the file is.
      consoleVerifier: scramVerifierSync(password, createHash('sha256').update(password).digest().subarray(0, 16), 1),
      maxConnections: database.maxConnections,
      networks: database.networks,
      target,
    });
    const wanted = [this.ownFile(paths.users, files.users), this.ownFile(paths.hba, files.hba), this.ownFile(paths.ini, files.ini)];
    const found = await Promise.all(wanted.map(({ path }) => shell.read(path)));
    return wanted.filter(({ content }, index) => content !== found[index]);
  }

  private ownFile(path: string, content: string): FileContent {
    return { path, content, mode: 0o600, ...(this.account ? { owner: this.account } : {}) };
  }
}
