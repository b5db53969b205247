import type { Environment } from '../config/handed-over.js';
import { ownEnvironment, readSettings, type CliSettings } from '../config/settings.js';
import type { Vault } from '../secrets/vault.js';
import { prepareLocalFleet, type PreparedFleet, type PublicCertificateFiles } from '../engine/engine.js';
import { CliError } from '../cli/cli-error.js';
import { controlDirectory } from '../engine/local/fleet/fleet-layout.js';
import { readText } from '../engine/local/machine/files.js';
import { askUntil } from '../base/ask-until.js';
import { findAccount } from './accounts.js';
import { askReadiness, nodeProcess } from './api-processes.js';
import { type ApiPlace, chooseApiUrl, ownApiUrl } from './api-url.js';
import { Ballast } from './ballast.js';
import type { ControlDirectory } from './control-directory.js';
import { lockFleet, type FleetLock } from './fleet-lock.js';
import { endLeftovers } from './leftovers.js';
import { openFleetVault, openMasterKey, readFleetName } from './master-key.js';
import {
  checkpointMetadata, metadataServer, type MetadataOptions, metadataUrl, refuseHomelessMetadata, refuseLostMetadata,
} from './metadata-server.js';
import { openPorts, type ControlPorts } from './ports.js';
import { describeHomeless, findPrograms, type Programs, refuseHoles } from './programs.js';
import type { Progress } from './progress.js';
import { requireResolvable } from './public-host.js';
import { redisServer, redisUrl } from './redis-server.js';
import { openControlKeys, type ControlKeys } from './sealed-keys.js';
import { SupervisedProcess, type ProcessSpec } from './supervised-process.js';

/** How a control plane is to be started. */
export interface ControlPlaneOptions {
  readonly directory: ControlDirectory;
  readonly settings: CliSettings;
  /** The API's port; undefined for the one of last time. */
  readonly port: number | undefined;
  readonly bind: string;
  /** The name under which other machines reach the gateways. */
  readonly publicHost: string | undefined;
  /** The address of the first operator, for the first start. */
  readonly operatorEmail: string | undefined;
  /** A certificate for it that everybody trusts; null for the fleet's own, undefined for what it presented the last time. */
  readonly publicCertificate: PublicCertificateFiles | null | undefined;
  readonly progress: Progress;
  /** Aborted if the start is to be given up. */
  readonly signal: AbortSignal;
}

/** What a caller is told once a control plane is up. */
export interface ReadyLine {
  readonly api: string;
  readonly console: string;
  readonly operatorKey: string;
  readonly signupKey: string;
  /** The first operator, and the password that they sign in with once: it counts until they have chosen another. */
  readonly operatorEmail: string;
  readonly operatorPassword: string;
}

/** After this the fleet is up all the same; what is still missing is worked on and shown by the API. */
const BACK_WITHIN_MS = 60_000;

/** The processes of one fleet's control plane, kept running by this process. */
export class ControlPlane {
  private readonly processes: SupervisedProcess[] = [];
  private lock: FleetLock | undefined;
  private ballast: Ballast | undefined;
  /** Undefined while there is none, or where it is somebody else's. */
  private metadata: MetadataOptions | undefined;

  private constructor(private readonly options: ControlPlaneOptions) {}

  /**
   * Starts everything and returns once it serves. If that fails, it stops what it started.
   *
   * @throws CliError, EngineError or SettingsError, each of which says what to do.
   */
  static async start(options: ControlPlaneOptions): Promise<{ plane: ControlPlane; ready: ReadyLine }> {
    const plane = new ControlPlane(options);
    try {
      return { plane, ready: await plane.startAll() };
    } catch (error) {
      await plane.stop();
      throw error;
    }
  }

  /** Ends the processes, those that use the servers first. Instances and gateways go on. */
  async stop(): Promise<void> {
    const [servers, clients] = [this.processes.filter(isServer), this.processes.filter((process) => !isServer(process))];
    await Promise.all(clients.map((process) => process.stop()));
    await Promise.all(servers.map((process) => process.stop()));
    await this.ballast?.stop();
    this.lock?.release();
  }

  private async startAll(): Promise<ReadyLine> {
    const { directory, settings, progress } = this.options;
    const programs = await findPrograms(settings.PATH, settings.REDIS_URL === undefined);
    refuseHoles(programs, settings.FREEHOLD_PRODUCTION === true);
    programs.warnings.forEach((warning) => progress.incident(warning));
    await directory.prepare();
    this.ballast = new Ballast(directory, progress, async () => this.metadata && checkpointMetadata(this.metadata));
    this.ballast.start();
    const masterKey = await openMasterKey(directory, settings);
    this.lock = await lockFleet(directory, (await readFleetName(directory)) ?? '');
    if (settings.DATABASE_URL === undefined) {
      refuseLostMetadata(directory);
      refuseHomelessMetadata(directory, programs);
    }
    const ended = await endLeftovers(directory);
    if (ended > 0) progress.step(`ended ${ended} processes that an earlier start had left behind`);
    const ports = await openPorts(directory, this.options.port, this.options.bind);
    const { vault, derivationKey } = await openFleetVault(directory, masterKey);
    const keys = chooseKeys(await openControlKeys(directory, vault, this.options.operatorEmail), settings);
    const place = await this.placeApi(ports.api);
    const api = chooseApiUrl(place);
    const environment = processEnvironment(this.options, { masterKey, derivationKey }, ports, keys, api);
    await this.lock.announce(api);
    const fleet = await this.prepareFleet(vault);
    if (fleet.atRest.encryption === 'none') progress.incident(describePlain(fleet.atRest.because));
    (await describeHomeless(fleet.root, programs.postgres)).forEach((fault) => progress.incident(fault));
    await this.startServers(programs, ports, keys, fleet);
    await this.startNodeProcesses(environment, ownApiUrl(place));
    return describeReady(api, keys);
  }

  /** @throws CliError if the certificate that the API is to present is not there */
  private async placeApi(port: number): Promise<ApiPlace> {
    const { bind, publicHost, settings: { FREEHOLD_TLS_CERTIFICATE: path } } = this.options;
    const certificate = path === undefined ? undefined : await readText(path);
    if (path !== undefined && certificate === undefined) throw new CliError(`the certificate of the API, ${path}, is not there`);
    return { bind, port, publicHost, certificate };
  }

  private async prepareFleet(vault: Vault): Promise<PreparedFleet> {
    const { directory, settings, publicHost, publicCertificate, progress } = this.options;
    if (publicHost !== undefined) await requireResolvable(publicHost);
    progress.step(`preparing the fleet in ${directory.dataDir}`);
    return prepareLocalFleet({
      dataDir: directory.dataDir,
      vault,
      onMoved: (reasons) => progress.incident(describeMoved(reasons)),
      encryptsAtRest: settings.FREEHOLD_ENCRYPTION === 'on',
      ...(publicHost === undefined ? {} : { publicHost }),
      ...(publicCertificate === undefined ? {} : { publicCertificate }),
      ...(settings.FREEHOLD_GATEWAY_PORT === undefined ? {} : { firstGatewayPort: settings.FREEHOLD_GATEWAY_PORT }),
      ...(settings.FREEHOLD_GATEWAY_DATABASES === undefined ? {} : { gatewaySlots: settings.FREEHOLD_GATEWAY_DATABASES }),
      ...(settings.FREEHOLD_HOST_MEMORY_MB === undefined ? {} : { hostMemoryMb: settings.FREEHOLD_HOST_MEMORY_MB }),
    });
  }

  private async startServers(programs: Programs, ports: ControlPorts, keys: ControlKeys, fleet: PreparedFleet): Promise<void> {
    const { settings, progress } = this.options;
    // By a path that the accounts of the servers may pass.
    const control = controlDirectory(fleet.root);
    const specs: ProcessSpec[] = [];
    if (settings.DATABASE_URL === undefined) {
      const account = await findAccount(['postgres']);
      this.metadata = { control, programs, account, port: ports.metadata, password: keys.metadataPassword, ...fleet.metadataServer };
      specs.push(metadataServer(this.metadata));
    }
    if (settings.REDIS_URL === undefined) {
      const account = await findAccount(['redis', 'valkey', 'postgres']);
      specs.push(
        redisServer({ control, program: programs.redisServer ?? 'redis-server', account, port: ports.redis, password: keys.redisPassword }),
      );
    }
    if (specs.length > 0) progress.step(`starting ${specs.map((spec) => spec.role).join(' and ')}`);
    await Promise.all(specs.map((spec) => this.keep(spec)));
  }

  private async startNodeProcesses(environment: Environment, api: string): Promise<void> {
    const { directory, progress, signal } = this.options;
    progress.step('starting api and worker');
    const specs = (['api', 'worker'] as const).map((role) => nodeProcess(role, directory.control, environment, api));
    await Promise.all(specs.map((spec) => this.keep(spec)));
    progress.step('bringing back the databases that should be running');
    const recovered = await askUntil(async () => {
      this.processes.forEach((process) => process.refuseHopeless());
      return (await askReadiness(api))?.recovered || undefined;
    }, { deadlineMs: BACK_WITHIN_MS, everyMs: 50, signal });
    if (!recovered) progress.incident('some databases are not back yet; the worker goes on with them, see freehold operations list');
  }

  private async keep(spec: ProcessSpec): Promise<void> {
    const process = new SupervisedProcess(this.options.directory, spec, this.options.progress);
    this.processes.push(process);
    await process.start(this.options.signal);
  }
}

/** @throws SettingsError with every fault of the environment, before anything is started with it. */
export function processEnvironment(
  { directory, settings, bind }: Pick<ControlPlaneOptions, 'directory' | 'settings' | 'bind'>,
  { masterKey, derivationKey }: { readonly masterKey: Buffer; readonly derivationKey: Buffer },
  ports: ControlPorts,
  keys: ControlKeys,
  api: string,
): Environment {
  const environment = ownEnvironment({
    DATABASE_URL: settings.DATABASE_URL ?? metadataUrl(ports.metadata, keys.metadataPassword),
    REDIS_URL: settings.REDIS_URL ?? redisUrl(ports.redis, keys.redisPassword),
    FREEHOLD_DATA_DIR: directory.dataDir,
    FREEHOLD_MASTER_KEY: masterKey.toString('base64'),
    FREEHOLD_NEXT_MASTER_KEY: undefined,
    FREEHOLD_DERIVATION_KEY: derivationKey.toString('base64'),
    FREEHOLD_BIND: bind,
    FREEHOLD_PORT: String(ports.api),
    FREEHOLD_PUBLIC_URL: settings.FREEHOLD_PUBLIC_URL ?? api,
    FREEHOLD_OPERATOR_KEY: keys.operatorKey,
    FREEHOLD_SIGNUP_KEY: keys.signupKey,
    FREEHOLD_OPERATOR_EMAIL: keys.operatorEmail,
    FREEHOLD_OPERATOR_PASSWORD: keys.operatorPassword,
    NODE_ENV: 'production',
  });
  readSettings(environment);
  return environment;
}

function isServer(process: SupervisedProcess): boolean {
  return process.role === 'metadata' || process.role === 'redis';
}

/** What is told of a fleet whose databases had other addresses the last time. */
function describeMoved(reasons: readonly string[]): string {
  return `databases have new addresses, because ${reasons.join(', and ')}: `
    + 'give clients those that freehold databases show NAME prints (GET /v1/databases/{id}, endpoint); passwords stay as they are';
}

/** What is told where the files of databases are readable for everybody who has the disk. */
function describePlain(because: string): string {
  return `the files of new databases are NOT encrypted on this machine: ${because} (see docs/encryption.md)`;
}

/** The line that a start prints once the fleet is up. */
export function describeReady(api: string, keys: ControlKeys): ReadyLine {
  const { operatorKey, signupKey, operatorEmail, operatorPassword } = keys;
  return { api, console: `${api}/console`, operatorKey, signupKey, operatorEmail, operatorPassword };
}

/** How the first operator signs in, for people. */
export const describeOperator = ({ operatorEmail, operatorPassword }: ReadyLine): string =>
  `${operatorEmail}, who signs in at first with ${operatorPassword} and chooses another password then`;

/** Keys that the environment names win over those that were made for the fleet. */
export function chooseKeys(made: ControlKeys, settings: CliSettings): ControlKeys {
  return {
    ...made, operatorKey: settings.FREEHOLD_OPERATOR_KEY ?? made.operatorKey, signupKey: settings.FREEHOLD_SIGNUP_KEY ?? made.signupKey,
    operatorPassword: settings.FREEHOLD_OPERATOR_PASSWORD ?? made.operatorPassword,
  };
}
