import type { StoredBackup } from '../../backups-port.js';
import { EngineError } from '../../errors.js';
import type { MetadataArchive, MetadataBackupsPort } from '../../metadata-backups-port.js';
import type { Effect } from '../../ports.js';
import { archiveTo, archivedSites, makeSet, observeArchive } from '../backups/archive-instance.js';
import { backupOptions, runWithRoom } from '../backups/back-up.js';
import { expireBackup } from '../backups/expire-backup.js';
import { freezeBackup, listFrozen, thawBackup } from '../backups/frozen-copies.js';
import { listBackups } from '../backups/list-backups.js';
import type { LocalSite } from '../backups/repositories.js';
import { backrestWords, openSiteWork, requireSite, type SiteWork } from '../backups/site-work.js';
import { asEngineError } from '../machine/engine-failure.js';
import { metadataProofSocket, metadataSocketDirectory } from '../fleet/fleet-layout.js';
import { findPostmaster, type InstanceContext } from '../fleet/instance-context.js';
import type { LocalFleet } from '../fleet/local-fleet.js';
import { METADATA_SUPERUSER, metadataContext, metadataSet } from './metadata-server.js';
import { proveMetadata } from './prove-metadata.js';

/** Backups of the embedded metadata database by pgBackRest: a set like any database's. */
export class LocalMetadataBackups implements MetadataBackupsPort {
  constructor(
    private readonly fleet: LocalFleet,
    private readonly sites: readonly LocalSite[],
  ) {}

  observe(): Promise<MetadataArchive | undefined> {
    return asEngineError('observing the archive of the metadata', async () => {
      const context = await this.running();
      if (!context) return undefined;
      const { shell } = this.fleet;
      const [since, provedAt] = await Promise.all([
        shell.modifiedAt(context.paths.archiveConfiguration), shell.modifiedAt(proofRecord(context)),
      ]);
      return { ...(await observeArchive(context)), since: since ?? new Date(0), ...(provedAt && { provedAt }) };
    });
  }

  archiveTo(sites: readonly string[], signal: AbortSignal): Promise<void> {
    return asEngineError('archiving of the metadata', async () => {
      const context = await this.require();
      const { paths, account, shell } = context;
      for (const path of [paths.database.slice(0, paths.database.lastIndexOf('/')), paths.home]) {
        await shell.ensureDirectory(path, 0o700, account);
      }
      await archiveTo(context, await Promise.all(sites.map((site) => this.work(context, site))), effectOf(signal));
    });
  }

  backUp(siteId: string, backupId: string, signal: AbortSignal): Promise<StoredBackup> {
    return asEngineError('backup of the metadata', async () => {
      const context = await this.require();
      const work = await this.work(context, siteId);
      await requireSite(this.fleet, work.site);
      const find = async (): Promise<StoredBackup | undefined> =>
        (await listBackups(work, signal)).find((backup) => backup.backupId === backupId);
      const known = await find();
      if (known) return known;
      if (!(await archivedSites(context)).includes(siteId)) {
        throw new EngineError('transient', `the metadata is not archived to ${siteId}`, 'make it archive there first');
      }
      // A site that was lost may be back, empty, before anybody saw that it was gone.
      await makeSet(context, work, signal);
      const words = backrestWords(work, 'backup', [...backupOptions(backupId), ...(await this.serverOptions(context))]);
      await runWithRoom(work, words, 'the backup of the metadata', signal, { PGCONNECT_TIMEOUT: '5', PGAPPNAME: 'freehold-backup' });
      const made = await find();
      if (!made) {
        throw new EngineError(
          'outcome-unknown', `backup ${backupId} is not at ${siteId} though it was made`, 'list the backups, then try again',
        );
      }
      return made;
    });
  }

  list(site: string, signal: AbortSignal): Promise<readonly StoredBackup[]> {
    return asEngineError('listing the backups of the metadata', async () => {
      const work = await this.work(await metadataContext(this.fleet), site);
      return work.site.kind === 'frozen' ? listFrozen(work) : listBackups(work, signal);
    });
  }

  freeze(from: { readonly site: string; readonly label: string }, to: string, until: Date, signal: AbortSignal): Promise<StoredBackup> {
    return asEngineError(`freezing ${from.label} of the metadata`, async () => {
      const context = await this.require();
      return freezeBackup(await this.work(context, to), await this.work(context, from.site), from.label, until, effectOf(signal));
    });
  }

  prove(from: { readonly site: string; readonly label: string }, signal: AbortSignal): Promise<void> {
    return asEngineError(`proving ${from.label} of the metadata`, async () => {
      const context = await this.require();
      const place = { data: `${context.paths.home}/proof`, socket: metadataProofSocket(this.fleet.root) };
      await proveMetadata(await this.work(context, from.site), from.label, place, signal);
      await this.fleet.shell.write({ path: proofRecord(context), content: `${from.label} at ${from.site}\n`, mode: 0o600 });
    });
  }

  expire(site: string, label: string, signal: AbortSignal): Promise<void> {
    return asEngineError(`expiring ${label} of the metadata`, async () => {
      const work = await this.work(await this.require(), site);
      return work.site.kind === 'frozen' ? thawBackup(work, label, signal) : expireBackup(work, label, effectOf(signal));
    });
  }

  private async running(): Promise<InstanceContext | undefined> {
    const { shell } = this.fleet;
    const context = await metadataContext(this.fleet).catch(() => undefined);
    return context && (await shell.exists(context.paths.made)) && (await findPostmaster(context)) ? context : undefined;
  }

  private async require(): Promise<InstanceContext> {
    const context = await this.running();
    if (!context) throw new EngineError('transient', 'the metadata server does not run', 'start it with freehold up');
    return context;
  }

  private async serverOptions({ shell, paths }: InstanceContext): Promise<string[]> {
    // The fourth line of a postmaster's pid file is its port.
    const port = Number((await shell.read(`${paths.data}/postmaster.pid`))?.split('\n')[3]);
    const socket = metadataSocketDirectory(this.fleet.root);
    return [
      `--pg1-path=${paths.data}`, `--pg1-port=${port}`, `--pg1-socket-path=${socket}`, `--pg1-user=${METADATA_SUPERUSER}`,
      '--pg1-database=postgres',
    ];
  }

  private work({ account }: InstanceContext, siteId: string): Promise<SiteWork> {
    const site = this.sites.find(({ id }) => id === siteId);
    if (!site) throw new EngineError('permanent', `there is no backup site "${siteId}"`, 'see the sites');
    return openSiteWork(this.fleet, metadataSet(this.fleet), site, undefined, account);
  }
}

/** The backup that was proved last, and when: the age of the file. */
const proofRecord = ({ paths }: InstanceContext): string => `${paths.home}/proved`;

/** How the server archives and what is at a site are guarded by locks, and by no token. */
function effectOf(signal: AbortSignal): Effect {
  return { token: 0n, signal, trace: {} };
}
