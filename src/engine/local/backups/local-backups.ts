import type { Readable } from 'node:stream';

import type {
  ArchiveObservation, BackupProof, BackupSet, BackupSite, BackupsPort, RestoredInstance, RestoreTarget, StoredBackup,
} from '../../backups-port.js';
import { EngineError } from '../../errors.js';
import type { Effect, InstanceRef } from '../../ports.js';
import { asEngineError } from '../machine/engine-failure.js';
import { EMBEDDED_SITES } from '../fleet/embedded-sites.js';
import { siteDirectory } from '../fleet/fleet-layout.js';
import { instanceContext, type InstanceContext } from '../fleet/instance-context.js';
import type { LocalFleet } from '../fleet/local-fleet.js';
import { adoptArchive } from './adopt-archive.js';
import { archiveNow, archiveTo, observeArchive } from './archive-instance.js';
import { backUp } from './back-up.js';
import type { ConfiguredSite } from '../../../config/backup-sites.js';
import { openSites } from './configured-site.js';
import { dumpDatabase } from './dump-database.js';
import { expireBackup } from './expire-backup.js';
import { freezeBackup, listFrozen, thawBackup } from './frozen-copies.js';
import { listBackups } from './list-backups.js';
import { probeSite, type SiteProbe } from './probe-site.js';
import { proveBackup } from './prove-backup.js';
import { removeSet } from './remove-set.js';
import { restoreInstance } from './restore-instance.js';
import type { LocalSite } from './repositories.js';
import { openSiteWork, type SiteWork } from './site-work.js';

interface StoredAt {
  readonly site: string;
  readonly label: string;
}

/** Backups by pgBackRest: one repository per database and site, one stanza in each. */
export class LocalBackups implements BackupsPort {
  private constructor(
    private readonly fleet: LocalFleet,
    private readonly known: ReadonlyMap<string, LocalSite>,
  ) {}

  /** @throws EngineError `permanent` with every fault of the configured sites at once. */
  static async open(fleet: LocalFleet, configured?: readonly ConfiguredSite[]): Promise<LocalBackups> {
    const sites = await openBackupSites(fleet, configured);
    return new LocalBackups(fleet, new Map(sites.map((site) => [site.id, site])));
  }

  sites(): readonly BackupSite[] {
    return [...this.known.values()].map(({ id, name, country, dataCenter, kind }) => ({ id, name, country, dataCenter, kind }));
  }

  probe(site: string, signal: AbortSignal, bytes?: number): Promise<SiteProbe> {
    return probeSite(this.fleet, this.site(site), signal, bytes);
  }

  archiveTo(instance: InstanceRef, set: BackupSet, sites: readonly string[], effect: Effect): Promise<void> {
    return this.effect(`archiving of ${instance.id}`, effect, async () => {
      await archiveTo(this.context(instance), await Promise.all(sites.map((site) => this.work(set, site, 'live'))), effect);
    });
  }

  observeArchive(instance: InstanceRef): Promise<ArchiveObservation> {
    return asEngineError(`observing the archive of ${instance.id}`, () => observeArchive(this.context(instance)));
  }

  archiveNow(primary: InstanceRef, effect: Effect): Promise<void> {
    return this.effect(`archiving of ${primary.id}`, effect, () => archiveNow(this.context(primary), effect));
  }

  backUp(
    source: { readonly primary: InstanceRef; readonly standby?: InstanceRef },
    set: BackupSet,
    site: string,
    backupId: string,
    effect: Effect,
  ): Promise<StoredBackup> {
    return this.effect(`backup of ${set.databaseId}`, effect, async () => {
      const { primary, standby } = source;
      return backUp(await this.work(set, site, 'live'), this.context(primary), standby && this.context(standby), backupId, effect);
    });
  }

  list(set: BackupSet, site: string, signal: AbortSignal): Promise<readonly StoredBackup[]> {
    return asEngineError(`listing the backups of ${set.databaseId}`, async () => {
      const work = await this.work(set, site);
      return work.site.kind === 'frozen' ? listFrozen(work) : listBackups(work, signal);
    });
  }

  restore(
    instance: InstanceRef,
    set: BackupSet,
    target: RestoreTarget,
    effect: Effect,
    progress: (doneBytes: number, ofBytes: number) => void = () => undefined,
  ): Promise<RestoredInstance> {
    return this.effect(`restore of ${instance.id}`, effect, async () => {
      const work = await this.work(set, 'backup' in target ? target.backup.site : target.site);
      return restoreInstance(this.context(instance), work, target, effect, progress);
    });
  }

  dump(instance: InstanceRef, signal: AbortSignal, database?: string): Promise<Readable> {
    return asEngineError(`dump of ${instance.id}`, () => dumpDatabase(this.context(instance), signal, database));
  }

  adoptArchive(primary: InstanceRef, effect: Effect): Promise<void> {
    return this.effect(`adopting the archive by ${primary.id}`, effect, async () => {
      const marked = await adoptArchive(this.context(primary), effect);
      this.fleet.log.info({ ...effect.trace, instanceId: primary.id, marked }, 'wal was marked that the old primary may not have archived');
    });
  }

  freeze(set: BackupSet, from: StoredAt, to: string, until: Date, effect: Effect): Promise<StoredBackup> {
    return this.effect(`freezing ${from.label} of ${set.databaseId}`, effect, async () =>
      freezeBackup(await this.work(set, to, 'frozen'), await this.work(set, from.site, 'live'), from.label, until, effect));
  }

  expire(set: BackupSet, site: string, label: string, effect: Effect): Promise<void> {
    return this.effect(`expiring ${label} of ${set.databaseId}`, effect, async () => {
      const work = await this.work(set, site);
      return work.site.kind === 'frozen' ? thawBackup(work, label, effect.signal) : expireBackup(work, label, effect);
    });
  }

  prove(set: BackupSet, from: StoredAt, host: string, effect: Effect): Promise<BackupProof> {
    return this.effect(`proving ${from.label} of ${set.databaseId}`, effect, async () =>
      proveBackup(await this.work(set, from.site), from.label, host, effect),
    );
  }

  remove(set: BackupSet, site: string, effect: Effect): Promise<void> {
    return this.effect(`removing the set of ${set.databaseId}`, effect, async () => removeSet(await this.work(set, site), effect));
  }

  private effect<T>(what: string, effect: Effect, act: () => Promise<T>): Promise<T> {
    this.fleet.log.debug({ ...effect.trace, token: effect.token.toString() }, what);
    return asEngineError(what, act);
  }

  private context(instance: InstanceRef): InstanceContext {
    return instanceContext(this.fleet, instance);
  }

  private async work(set: BackupSet, siteId: string, kind?: BackupSite['kind']): Promise<SiteWork> {
    const site = this.site(siteId);
    if (kind && site.kind !== kind) throw new EngineError('permanent', `site ${siteId} is not a ${kind} one`, 'see the sites');
    return openSiteWork(this.fleet, set, site);
  }

  private site(id: string): LocalSite {
    const site = this.known.get(id);
    if (!site) throw new EngineError('permanent', `there is no backup site "${id}"`, 'see the sites');
    return site;
  }
}

/** The sites that are configured, else the embedded fleet's own directories. */
export async function openBackupSites(fleet: LocalFleet, configured?: readonly ConfiguredSite[]): Promise<readonly LocalSite[]> {
  return configured ? openSites(fleet.shell, configured) : EMBEDDED_SITES.map((site) => embed(fleet, site));
}

function embed(fleet: LocalFleet, site: BackupSite): LocalSite {
  const directory = siteDirectory(fleet.root, site.id);
  return { ...site, repository: { directory, options: { type: 'posix', path: `${directory}/sets` }, files: {} } };
}
