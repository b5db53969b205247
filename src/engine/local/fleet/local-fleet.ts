import { EngineError } from '../../errors.js';
import type { EngineLog, SecretVault } from '../../collaborators.js';
import { installArchiveScript } from './archive-script.js';
import { installVolumeScript } from './volumes.js';
import type { DatabaseSpec } from '../../ports.js';
import type { CertificateAuthority, KeyPairPem } from './certificates.js';
import { serverName, type FleetDescription, type HostDescription, type RegionDescription } from './fleet-description.js';
import { accountOf, authorityCertificatePath, hostDirectory } from './fleet-layout.js';
import { publicCertificatePath, publishCertificates } from './public-certificates.js';
import { acceptedPair, acceptPublicCertificate, inspectPublicCertificate } from './public-certificate-store.js';
import type { Judgement } from './judge-public-certificate.js';
import { openRuntimeRoot, readFleet, refuseOtherKindOfUser } from './fleet-store.js';
import type { Account } from '../machine/files.js';
import { HostShell } from '../machine/host-shell.js';
import { PostgresInstallations, type PostgresBinaries } from '../machine/postgres-binaries.js';
import { ControlSessions } from './control-sessions.js';
import { loadAuthority } from './region-authority.js';

/** How an instance that diverged is made a standby again. */
export type Rebuild = 'rewind' | 'copy';

export interface LocalFleetOptions {
  readonly dataDir: string;
  readonly vault: SecretVault;
  readonly log: EngineLog;
  /** How long a weaker holder of a lock is waited for before it is killed, in milliseconds. */
  readonly graceMs?: number;
  /** How an instance that diverged is made a standby again; whichever is faster if left out. */
  readonly rebuildBy?: Rebuild;
}

const PUBLISH_EVERY_MS = 24 * 60 * 60_000;

/** An opened fleet: its description, and what is read from its directory once. */
export class LocalFleet {
  readonly sessions = new ControlSessions();
  private publishedAt = performance.now();
  private readonly authorities = new Map<string, Promise<CertificateAuthority>>();
  private readonly hosts = new Map<string, { host: HostDescription; region: RegionDescription }>();

  private constructor(
    readonly description: FleetDescription,
    /** The fleet's files as every account reaches them. */
    readonly root: string,
    readonly shell: HostShell,
    readonly postgres: PostgresInstallations,
    /** The program of every instance's archive_command. */
    readonly archiveScript: string,
    /** Makes, opens and removes the encrypted volumes of instances. */
    readonly volumeScript: string,
    /** Whether a library can answer for accounts that the machine's passwd does not have. */
    readonly hasNssWrapper: boolean,
    readonly hasIpv6: boolean,
    readonly log: EngineLog,
    /** Whether others find the authorities' certificates outside of the fleet's directory. */
    private isPublished: boolean,
    /** Undefined: whichever is faster. */
    readonly rebuildBy: Rebuild | undefined,
    private readonly vault: SecretVault,
  ) {
    for (const region of description.regions) {
      for (const host of region.dataCenters.flatMap((center) => center.hosts)) this.hosts.set(host.id, { host, region });
    }
  }

  /** @throws EngineError `permanent` if the fleet was never prepared, or no PostgreSQL is there that could run anything. */
  static async open(options: LocalFleetOptions): Promise<LocalFleet> {
    const bare = HostShell.bare(options.dataDir);
    const missing = new EngineError('permanent', `there is no fleet in ${options.dataDir}`, 'run freehold up, or prepare the fleet');
    if (!(await bare.exists(options.dataDir))) throw missing;
    const dataDir = await bare.realpath(options.dataDir);
    const description = await readFleet(HostShell.bare(dataDir));
    if (!description) throw missing;
    refuseOtherKindOfUser(HostShell.bare(dataDir), description);
    const root = await openRuntimeRoot(dataDir, description);
    const shell = await HostShell.open(root, options.graceMs);
    const postgres = await PostgresInstallations.find(shell);
    const hasNssWrapper = await findNssWrapper(shell);
    const hasIpv6 = ((await shell.read('/proc/net/if_inet6')) ?? '') !== '';
    postgres.choose().passedOver.forEach((fault) => options.log.warn({}, `new databases do not use it: ${fault}`));
    const isPublished = await publishCertificates(root, description);
    const [archiveScript, volumeScript] = await Promise.all([installArchiveScript(shell), installVolumeScript(shell)]);
    return new LocalFleet(
      description, root, shell, postgres, archiveScript, volumeScript, hasNssWrapper, hasIpv6, options.log, isPublished,
      options.rebuildBy, options.vault,
    );
  }

  /** Programs that speak with servers of any major; what reads or makes an instance's files takes `binariesOf` instead. */
  get binaries(): PostgresBinaries {
    return this.postgres.clients;
  }

  region(regionId: string): RegionDescription {
    const region = this.description.regions.find((candidate) => candidate.id === regionId);
    if (!region) throw new EngineError('permanent', `there is no region "${regionId}"`, 'see the inventory');
    return region;
  }

  host(hostId: string): { host: HostDescription; region: RegionDescription } {
    const found = this.hosts.get(hostId);
    if (!found) throw new EngineError('permanent', `there is no host "${hostId}"`, 'see the inventory');
    return found;
  }

  hostShell(hostId: string): HostShell {
    this.host(hostId);
    return this.shell.at(hostDirectory(this.root, hostId));
  }

  account(number: number): Account | undefined {
    return accountOf(this.description, number);
  }

  /** The authority that signs a region's certificates; its key is opened once. */
  authority(regionId: string): Promise<CertificateAuthority> {
    let authority = this.authorities.get(regionId);
    if (!authority) {
      authority = loadAuthority(this.shell, this.description, this.region(regionId).id, this.vault);
      this.authorities.set(regionId, authority);
      authority.catch(() => this.authorities.delete(regionId));
    }
    return authority;
  }

  /** By what a region's servers are verified, PEM: its authority first; what vouches for a public certificate may change at any time. */
  async authorityCertificate(regionId: string): Promise<string> {
    const read = await this.shell.read(this.authorityPath(regionId));
    if (read === undefined) throw new EngineError('permanent', `the certificate authority of ${regionId} is missing`, 'prepare the fleet');
    return read;
  }

  /** A key of the fleet's own that can be made again from the master key alone. */
  deriveKey(purpose: string): string {
    return this.vault.derive(`fleet ${this.description.id} ${purpose}`);
  }

  authorityPath(regionId: string): string {
    return authorityCertificatePath(this.root, this.region(regionId).id);
  }

  /** The same by a path that any user of the machine can read; `system` where servers present a certificate that everybody trusts. */
  publicAuthorityPath(regionId: string): string {
    const { id } = this.region(regionId);
    if (this.description.publicCertificate !== null) return 'system';
    return this.isPublished ? publicCertificatePath(this.description, id) : this.authorityPath(id);
  }

  /** By which name sessions inside the fleet verify an instance of a database, see {@link serverName}. */
  serverName(database: Pick<DatabaseSpec, 'id' | 'region'>, address: string): string {
    return serverName(this.description, this.region(database.region), database.id, address);
  }

  /** The certificate that servers present to everybody; undefined if they present those of their region's authority. */
  async publicPair(): Promise<KeyPairPem | undefined> {
    return this.description.publicCertificate === null ? undefined : acceptedPair(this.shell, this.description, this.vault);
  }

  /** Takes over a public certificate that was renewed, and answers with what was found of it; undefined if there is none. */
  async renewPublicCertificate(): Promise<(Judgement & { readonly isNew: boolean }) | undefined> {
    const { publicCertificate, publicHost } = this.description;
    if (publicCertificate === null) return undefined;
    const judged = await inspectPublicCertificate(this.shell, publicCertificate, publicHost);
    const isNew = judged.fit !== undefined && (await acceptPublicCertificate(this.shell, this.description, judged.fit, this.vault));
    if (isNew && this.isPublished) await publishCertificates(this.root, this.description);
    return { ...judged, isNew };
  }

  /** Writes once a day what lies in a directory for temporary files, from which what is old is removed. */
  async keepPublished(): Promise<void> {
    if (!this.isPublished || performance.now() - this.publishedAt < PUBLISH_EVERY_MS) return;
    this.publishedAt = performance.now();
    this.isPublished = await publishCertificates(this.root, this.description);
  }
}

async function findNssWrapper(shell: HostShell): Promise<boolean> {
  const { stdout } = await shell.run([
    '/bin/sh', '-c', 'ls /usr/lib/*/libnss_wrapper.so /usr/lib/libnss_wrapper.so /usr/lib64/libnss_wrapper.so 2>/dev/null',
  ]);
  return stdout.trim() !== '';
}
