import type { Readable } from 'node:stream';

import type { ArchiveObservation, BackupSet, BackupSite, BackupsPort, RestoreTarget, StoredBackup } from '../../backups-port.js';
import { EngineError } from '../../errors.js';
import type { Effect, InstanceObservation, InstanceRef } from '../../ports.js';
import { asEngineError } from '../engine-failure.js';
import { EMBEDDED_SITES } from '../fleet/embedded-sites.js';
import { siteDirectory } from '../fleet/fleet-layout.js';
import { instanceContext, type InstanceContext } from '../instances/instance-context.js';
import type { LocalFleet } from '../local-fleet.js';
import { archiveNow, archiveTo, observeArchive } from './archive-instance.js';
import { backUp } from './back-up.js';
import { dumpDatabase } from './dump-database.js';
import { listBackups } from './list-backups.js';
import { probeSite, type SiteProbe } from './probe-site.js';
import { restoreInstance } from './restore-instance.js';
import { openSiteWork, type LocalSite, type SiteWork } from './site-work.js';

/** Backups by pgBackRest: one repository per database and site, one stanza in each. */
export class LocalBackups implements BackupsPort {
  private readonly known: ReadonlyMap<string, LocalSite>;

  constructor(private readonly fleet: LocalFleet) {
    this.known = new Map(EMBEDDED_SITES.map((site) => [site.id, embed(fleet, site)]));
  }

  sites(): readonly BackupSite[] {
    return [...this.known.values()].map(({ id, name, country, dataCenter, kind }) => ({ id, name, country, dataCenter, kind }));
  }

  probe(site: string, signal: AbortSignal): Promise<SiteProbe> {
    return probeSite(this.fleet, this.site(site), signal);
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

  backUp(source: { readonly primary: InstanceRef; readonly standby?: InstanceRef }, set: BackupSet, site: string, backupId: string, effect: Effect): Promise<StoredBackup> {
    return this.effect(`backup of ${set.databaseId}`, effect, async () => {
      const { primary, standby } = source;
      return backUp(await this.work(set, site, 'live'), this.context(primary), standby && this.context(standby), backupId, effect);
    });
  }

  list(set: BackupSet, site: string, signal: AbortSignal): Promise<readonly StoredBackup[]> {
    return asEngineError(`listing the backups of ${set.databaseId}`, async () => listBackups(await this.work(set, site), signal));
  }

  restore(instance: InstanceRef, set: BackupSet, target: RestoreTarget, effect: Effect, progress: (doneBytes: number, ofBytes: number) => void = () => undefined): Promise<InstanceObservation> {
    return this.effect(`restore of ${instance.id}`, effect, async () => {
      const work = await this.work(set, 'backup' in target ? target.backup.site : target.site);
      return restoreInstance(this.context(instance), work, target, effect, progress);
    });
  }

  dump(instance: InstanceRef, signal: AbortSignal): Promise<Readable> {
    return asEngineError(`dump of ${instance.id}`, () => dumpDatabase(this.context(instance), signal));
  }

  adoptArchive(): Promise<void> {
    return Promise.resolve();
  }

  freeze(): Promise<StoredBackup> {
    throw new EngineError('permanent', 'copies cannot be frozen yet');
  }

  expire(): Promise<void> {
    throw new EngineError('permanent', 'backups do not expire yet');
  }

  prove(): Promise<never> {
    throw new EngineError('permanent', 'backups cannot be proved yet');
  }

  remove(): Promise<void> {
    throw new EngineError('permanent', 'sets cannot be removed yet');
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

function embed(fleet: LocalFleet, site: BackupSite): LocalSite {
  const directory = siteDirectory(fleet.root, site.id);
  return { ...site, repository: { directory, options: { type: 'posix', path: `${directory}/sets` } } };
}
