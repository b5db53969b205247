import pLimit from 'p-limit';

import { reasonOf } from '../../../base/reason-of.js';
import { within } from '../../../base/signals.js';
import type { RouteTarget } from '../../ports.js';
import { acceptedAt } from '../fleet/public-certificate-store.js';
import { findPostmaster } from '../fleet/instance-context.js';
import { instancePaths, type InstancePaths, listInstances } from '../fleet/instance-layout.js';
import { withServerName } from '../instances/files/instance-settings.js';
import { certificateFiles, certificateFor, ownFile } from '../instances/files/instance-files.js';
import type { LocalFleet } from '../fleet/local-fleet.js';
import { command } from '../machine/gate-script.js';
import type { Gate } from '../machine/gate.js';
import { exactName, type HostShell } from '../machine/host-shell.js';
import type { Account } from '../machine/files.js';
import type { RegionGateway } from './region-gateway.js';
import type { RouteFile } from './route-file.js';

/** Whatever is changed at once holds the machine up for the shortest time. */
const AT_ONCE = 4;
/** Somebody else may hold a lock for minutes, such as who copies an instance: it is come back to. */
const LOCKED_WITHIN_MS = 500;
/** Nothing changes without a new start but by time: the fleet's own certificates grow old. */
const AGAIN_MS = 24 * 60 * 60_000;

/** An instance as it is found on its host, whatever the record says of it. */
interface FoundInstance {
  readonly id: string;
  readonly databaseId: string;
  readonly shell: HostShell;
  readonly paths: InstancePaths;
  readonly address: string;
  readonly account: Account | undefined;
}

/**
 * Brings what serves a region to the certificates that it should present, in an order in which nobody is refused: first its
 * poolers, which then take an instance's next certificate too, then the names by which standbys verify their primary, and
 * the instances last. PostgreSQL and PgBouncer read certificates anew without ending a session.
 */
export class CertificateKeeper {
  /** What the region was brought to, and when, by the clock of `performance.now()`. */
  private done: { readonly acceptedAt: number; readonly at: number } | undefined;

  constructor(private readonly fleet: LocalFleet, private readonly gateway: RegionGateway) {}

  async keep(signal: AbortSignal): Promise<void> {
    const now = performance.now();
    const version = await acceptedAt(this.fleet.shell, this.fleet.root);
    if (this.done?.acceptedAt === version && now - this.done.at < AGAIN_MS) return;
    const nameOf = ({ databaseId }: RouteFile): string => `the pooler of ${databaseId}`;
    const isDone = (await this.all(await this.gateway.readRoutes(), signal, nameOf, (file, limit) => this.renewPooler(file, limit)))
      && (await this.all(await this.instances(), signal, ({ id }) => id, (instance, limit) => this.renewUpstream(instance, limit)))
      && (await this.all(await this.instances(), signal, ({ id }) => id, (instance, limit) => this.renewInstance(instance, limit)));
    if (isDone) this.done = { acceptedAt: version, at: now };
  }

  /** Answers whether none failed; what did is tried again at the next round. */
  private async all<T>(
    subjects: readonly T[], signal: AbortSignal, nameOf: (subject: T) => string, renew: (subject: T, signal: AbortSignal) => Promise<void>,
  ): Promise<boolean> {
    const limit = pLimit(AT_ONCE);
    const done = await Promise.all(subjects.map((subject) => limit(async () => {
      try {
        await renew(subject, within(signal, LOCKED_WITHIN_MS));
        return true;
      } catch (error) {
        this.fleet.log.warn(
          { region: this.gateway.region.id, subject: nameOf(subject), reason: reasonOf(error) },
          'certificate cannot be renewed yet',
        );
        return false;
      }
    })));
    return done.every(Boolean);
  }

  private async renewPooler({ databaseId, token, ...seen }: RouteFile, signal: AbortSignal): Promise<void> {
    if (await this.gateway.poolerOf({ databaseId, ...seen }).isCurrent(targetOf(seen))) return;
    await this.gateway.shell.fenced(this.gateway.subjectOf(databaseId, BigInt(token)), signal, async (gate) => {
      // What was written down since.
      const file = await this.gateway.readRoute(databaseId);
      if (file) await this.gateway.poolerOf(file).renew(gate, targetOf(file));
    });
  }

  private async renewUpstream(instance: FoundInstance, signal: AbortSignal): Promise<void> {
    const { shell, paths, databaseId } = instance;
    const path = `${paths.etc}/upstream.conf`;
    const database = { id: databaseId, region: this.gateway.region.id };
    const wanted = async (): Promise<string | undefined> =>
      withServerName((await shell.read(path)) ?? '', (address) => this.fleet.serverName(database, address));
    if ((await wanted()) === undefined) return;
    await this.locked(instance, signal, async (gate) => {
      const content = await wanted();
      if (content !== undefined) await gate.install([ownFile(instance, 'upstream.conf', content)], true, await reloadLine(instance));
    });
  }

  private async renewInstance(instance: FoundInstance, signal: AbortSignal): Promise<void> {
    const subject = { ...instance, fleet: this.fleet, instance: { database: { id: instance.databaseId, region: this.gateway.region.id } } };
    if (!(await certificateFor(subject))) return;
    await this.locked(instance, signal, async (gate) => {
      const pair = await certificateFor(subject);
      if (pair) await gate.install(certificateFiles(instance, pair), true, await reloadLine(instance));
    });
  }

  /** By the token that the instance has seen: a stronger one goes first, and one as strong is waited for. */
  private async locked(instance: FoundInstance, signal: AbortSignal, body: (gate: Gate) => Promise<void>): Promise<void> {
    const { shell, paths: { control: directory }, id } = instance;
    await shell.fenced({ directory, token: await shell.storedToken(directory), name: `instance ${id}` }, signal, async (gate) => {
      // It may have been destroyed meanwhile.
      if (await shell.exists(instance.paths.etc)) await body(gate);
    });
  }

  /** Those that have been made, and may run. */
  private async instances(): Promise<FoundInstance[]> {
    const { root } = this.fleet;
    const hosts = this.gateway.region.dataCenters.flatMap((center) => center.hosts);
    const found = await Promise.all(hosts.map(async ({ id: host, address }) => {
      const shell = this.fleet.hostShell(host);
      const named = await listInstances(root, host, shell.list);
      return Promise.all(named.map(async (name) => {
        const paths = instancePaths(root, name);
        const account = shell.isRoot ? await shell.ownerOf(paths.etc) : undefined;
        return (await shell.exists(`${paths.etc}/server.crt`))
          ? [{ id: name.id, databaseId: name.database.id, shell, paths, address, account }]
          : [];
      }));
    }));
    return found.flat(2);
  }
}

const targetOf = ({ open, target }: Pick<RouteFile, 'open' | 'target'>): RouteTarget | undefined => (open ? target : undefined);

async function reloadLine(instance: FoundInstance): Promise<string | undefined> {
  const postmaster = await findPostmaster(instance);
  return postmaster && command('signal_exactly', 'HUP', exactName(postmaster.process));
}
