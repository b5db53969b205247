import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';

import type { ArchiveObservation, BackupProof, BackupSet, BackupSite, BackupsPort, RestoreTarget, StoredBackup } from '../../src/engine/backups-port.js';
import { EngineError } from '../../src/engine/errors.js';
import type { Effect, InstanceObservation, InstanceRef } from '../../src/engine/ports.js';
import type { FakeEngine, FakeVerb } from './fake-engine.js';

/** The sites of every fake fleet: three live ones and the cold storage. */
export const FAKE_SITES: readonly BackupSite[] = [
  { id: 'falkenstein', name: 'Falkenstein', country: 'DE', dataCenter: 'Falkenstein', kind: 'live' },
  { id: 'gravelines', name: 'Gravelines', country: 'FR', dataCenter: 'Gravelines', kind: 'live' },
  { id: 'toronto', name: 'Toronto', country: 'CA', dataCenter: 'Toronto', kind: 'live' },
  { id: 'helsinki', name: 'Helsinki', country: 'FI', dataCenter: 'Helsinki', kind: 'frozen' },
];

/** What a site has of one database, and the key without which it is noise. */
interface FakeSet {
  readonly key: string;
  readonly backups: StoredBackup[];
}

/** How an instance archives. */
interface FakeArchive {
  sites: readonly string[];
  pendingFiles: number;
  droppedAt?: Date;
}

/** Backups in memory; what a test does to sites by other hands, it does here. */
export class FakeBackups implements BackupsPort {
  /** Sites that do not answer. */
  readonly down = new Map<string, string>();
  /** Sites that answer, and how many milliseconds they take for as much as a trial writes. */
  readonly slow = new Map<string, number>();
  /** When sites were made anew, and so came back empty. */
  readonly madeAt = new Map<string, Date>();
  /** Labels that cannot be restored or proved, as `site label`. */
  readonly corrupted = new Set<string>();
  /** How each instance archives. */
  readonly archives = new Map<string, FakeArchive>();
  /** The instances that were made from a backup, and from what. */
  readonly restored = new Map<string, RestoreTarget>();
  /** What the next dumps hold; one that is an error ends with it. */
  dumps: (string | Error)[] | Readable = ['PGDMP', 'data'];
  /** The instance that was dumped last. */
  dumpedFrom: string | undefined;
  /** The database that was named for it. */
  dumpedDatabase: string | undefined;
  /** The clock of backups. */
  now: () => Date = () => new Date();
  private readonly sets = new Map<string, FakeSet>();
  private labels = 0;

  constructor(private readonly engine: FakeEngine) {}

  sites(): readonly BackupSite[] {
    return FAKE_SITES;
  }

  async probe(site: string, _signal: AbortSignal, bytes = 0): Promise<{ usable: boolean; reason?: string; freeBytes?: number; madeAt?: Date }> {
    if (bytes > 0) await new Promise((resolve) => setTimeout(resolve, this.slow.get(site) ?? 0));
    const reason = this.down.get(this.site(site).id);
    const madeAt = this.madeAt.get(site);
    return reason === undefined ? { usable: true, freeBytes: 2 ** 40, ...(madeAt && { madeAt }) } : { usable: false, reason };
  }

  archiveTo(instance: InstanceRef, set: BackupSet, sites: readonly string[], effect: Effect): Promise<void> {
    return this.act('archiveTo', instance, effect, () => {
      this.engine.require(instance.id);
      for (const site of sites) {
        if (this.site(site).kind !== 'live') throw new EngineError('permanent', `site ${site} is not a live one`);
        this.requireUp(site);
        this.open(set, site);
      }
      const pendingFiles = sites.length > 0 ? 0 : (this.archives.get(instance.id)?.pendingFiles ?? 0);
      this.archives.set(instance.id, { ...this.archives.get(instance.id), sites: [...sites], pendingFiles });
    });
  }

  observeArchive(instance: InstanceRef): Promise<ArchiveObservation> {
    const { sites, pendingFiles, droppedAt } = this.archives.get(instance.id) ?? { sites: [], pendingFiles: 0 };
    const stalled = sites.some((site) => this.down.has(site));
    const pending = stalled ? Math.max(1, pendingFiles) : pendingFiles;
    return Promise.resolve({ pendingFiles: pending, pendingBytes: pending * 2 ** 22, pendingSeconds: pending > 0 ? 60 : 0, sites, ...(droppedAt && { droppedAt }) });
  }

  archiveNow(primary: InstanceRef, effect: Effect): Promise<void> {
    return this.act('archiveNow', primary, effect, () => {
      this.requirePrimary(primary);
      this.requireArchiving(primary);
    });
  }

  adoptArchive(primary: InstanceRef, effect: Effect): Promise<void> {
    return this.act('adoptArchive', primary, effect, () => {
      this.engine.require(primary.id);
    });
  }

  backUp(source: { readonly primary: InstanceRef; readonly standby?: InstanceRef }, set: BackupSet, site: string, backupId: string, effect: Effect): Promise<StoredBackup> {
    return this.actAt('backUp', set, site, effect, () => {
      const { backups } = this.open(set, site);
      const known = backups.find((backup) => backup.backupId === backupId);
      if (known) return known;
      if (this.site(site).kind !== 'live') throw new EngineError('permanent', `site ${site} is not a live one`);
      this.requirePrimary(source.primary);
      if (!this.requireArchiving(source.primary).includes(site)) throw new EngineError('transient', `the primary does not archive to ${site}`, 'make it archive there first');
      const stored = this.describe(backupId);
      backups.unshift(stored);
      return stored;
    });
  }

  list(set: BackupSet, site: string): Promise<readonly StoredBackup[]> {
    return this.settle(() => {
      this.requireUp(site);
      return [...(this.find(set, site)?.backups ?? [])];
    });
  }

  freeze(set: BackupSet, from: { readonly site: string; readonly label: string }, to: string, until: Date, effect: Effect): Promise<StoredBackup> {
    return this.actAt('freeze', set, to, effect, () => {
      if (this.site(to).kind !== 'frozen') throw new EngineError('permanent', `site ${to} is not a frozen one`);
      const { backups } = this.open(set, to);
      const known = backups.find((backup) => backup.label === from.label);
      if (known) return known;
      const frozen = { ...this.requireBackup(set, from), frozenUntil: until };
      backups.unshift(frozen);
      return frozen;
    });
  }

  expire(set: BackupSet, site: string, label: string, effect: Effect): Promise<void> {
    return this.actAt('expire', set, site, effect, () => {
      const backups = this.find(set, site)?.backups ?? [];
      const at = backups.findIndex((backup) => backup.label === label);
      const found = backups[at];
      if (!found) return;
      if (found.frozenUntil && found.frozenUntil > this.now()) throw new EngineError('permanent', `backup ${label} is frozen until ${found.frozenUntil.toISOString()}`);
      if (this.site(site).kind === 'live' && backups.length === 1) throw new EngineError('permanent', `backup ${label} is the last at ${site}`);
      backups.splice(at, 1);
    });
  }

  restore(instance: InstanceRef, set: BackupSet, target: RestoreTarget, effect: Effect, progress?: (doneBytes: number, ofBytes: number) => void): Promise<InstanceObservation> {
    return this.act('restore', instance, effect, () => {
      if (!this.engine.made.has(instance.id)) {
        const from = this.chooseSource(set, target);
        progress?.(from.databaseBytes / 2, from.databaseBytes);
        const systemIdentifier = createHash('sha256').update(set.databaseId).digest().readBigUInt64BE().toString();
        this.engine.makeInstance(instance, 'primary', { systemIdentifier, timeline: 2, upstream: null });
        this.restored.set(instance.id, target);
        progress?.(from.databaseBytes, from.databaseBytes);
      }
      Object.assign(this.engine.require(instance.id), { running: true });
    }).then(() => this.engine.instances.observe(instance, effect.signal));
  }

  prove(set: BackupSet, from: { readonly site: string; readonly label: string }, host: string, effect: Effect): Promise<BackupProof> {
    return this.actAt('prove', set, from.site, effect, () => {
      if (!this.engine.inventory().some(({ dataCenters }) => dataCenters.some(({ hosts }) => hosts.some(({ id }) => id === host)))) {
        throw new EngineError('permanent', `there is no host ${host}`);
      }
      this.requireBackup(set, from);
      if (this.corrupted.has(`${from.site} ${from.label}`)) return { sound: false, damage: 'checksum error' };
      return { sound: true, restoreMs: 800, checkMs: 100, relations: 300, remarks: [] };
    });
  }

  dump(instance: InstanceRef, _signal: AbortSignal, database?: string): Promise<Readable> {
    return this.settle(() => {
      this.engine.requireRunning(instance.id);
      this.dumpedFrom = instance.id;
      this.dumpedDatabase = database;
      if (this.dumps instanceof Readable) return this.dumps;
      const parts = [...this.dumps];
      return Readable.from((function* (): Generator<string> {
        for (const part of parts) {
          if (part instanceof Error) throw part;
          yield part;
        }
      })(), { objectMode: false });
    });
  }

  remove(set: BackupSet, site: string, effect: Effect): Promise<void> {
    return this.actAt('removeSet', set, site, effect, () => {
      const kept = (this.find(set, site)?.backups ?? []).filter(({ frozenUntil }) => frozenUntil && frozenUntil > this.now());
      this.sets.delete(`${site} ${set.databaseId}`);
      if (kept.length > 0) this.open(set, site).backups.push(...kept);
    });
  }

  /** What the sites have of a database. */
  stored(databaseId: string): { site: string; label: string }[] {
    return FAKE_SITES.map(({ id }) => id).sort().flatMap((site) => (this.sets.get(`${site} ${databaseId}`)?.backups ?? []).map(({ label }) => ({ site, label })));
  }

  /** Lets the time of a database's frozen copies pass. */
  thaw(databaseId: string): void {
    for (const [name, { backups }] of this.sets) {
      if (name.endsWith(` ${databaseId}`)) for (const backup of backups) if (backup.frozenUntil) Object.assign(backup, { frozenUntil: new Date(0) });
    }
  }

  /** The sites that still have something of a database. */
  leftovers(databaseId: string): string[] {
    return FAKE_SITES.map(({ id }) => id).filter((site) => this.sets.has(`${site} ${databaseId}`));
  }

  private describe(backupId: string): StoredBackup {
    const startedAt = this.now();
    this.labels += 1;
    const stamp = startedAt.toISOString().replaceAll(/[-:]/g, '').replace('T', '-').slice(0, 15);
    return {
      label: `${stamp}F${this.labels}`, backupId, startedAt, finishedAt: startedAt,
      databaseBytes: 25_000_000, storedBytes: 3_000_000, startLsn: '0/2000028', stopLsn: '0/2000100',
    };
  }

  private chooseSource(set: BackupSet, target: RestoreTarget): StoredBackup {
    if ('backup' in target) return this.requireSound(set, target.backup);
    this.requireUp(target.site);
    const { time } = target;
    const found = this.find(set, target.site)?.backups.find(({ finishedAt }) => time === 'latest' || finishedAt <= time);
    if (!found) throw new EngineError('permanent', `site ${target.site} has no backup from before that time`, 'choose a later time');
    return this.requireSound(set, { site: target.site, label: found.label });
  }

  private requireSound(set: BackupSet, from: { readonly site: string; readonly label: string }): StoredBackup {
    const backup = this.requireBackup(set, from);
    if (this.corrupted.has(`${from.site} ${from.label}`)) throw new EngineError('permanent', `backup ${from.label} at ${from.site} does not restore: checksum error`, 'use another site');
    return backup;
  }

  private requireBackup(set: BackupSet, { site, label }: { readonly site: string; readonly label: string }): StoredBackup {
    this.requireUp(site);
    const found = this.find(set, site)?.backups.find((backup) => backup.label === label);
    if (!found) throw new EngineError('permanent', `site ${site} has no backup ${label}`, 'list the backups again');
    return found;
  }

  private requirePrimary({ id }: InstanceRef): void {
    if (this.engine.requireRunning(id).role !== 'primary') throw new EngineError('transient', `instance ${id} is not a primary`);
  }

  private requireArchiving({ id }: InstanceRef): readonly string[] {
    const { sites = [] } = this.archives.get(id) ?? {};
    if (sites.length === 0) throw new EngineError('transient', `instance ${id} archives to no site`, 'make it archive first');
    for (const site of sites) this.requireUp(site);
    return sites;
  }

  private requireUp(site: string): void {
    const reason = this.down.get(this.site(site).id);
    if (reason !== undefined) throw new EngineError('transient', `site ${site} does not answer: ${reason}`, 'use another site');
  }

  private site(id: string): BackupSite {
    const found = FAKE_SITES.find((site) => site.id === id);
    if (!found) throw new EngineError('permanent', `there is no backup site "${id}"`);
    return found;
  }

  /** As with pgBackRest, a set that was written with another key cannot be read. */
  private find(set: BackupSet, site: string): FakeSet | undefined {
    const found = this.sets.get(`${site} ${set.databaseId}`);
    if (found && found.key !== set.key) throw new EngineError('permanent', `the set of ${set.databaseId} at ${site} does not open with this key`);
    return found;
  }

  private open(set: BackupSet, site: string): FakeSet {
    const found = this.find(set, site) ?? { key: set.key, backups: [] };
    this.sets.set(`${site} ${set.databaseId}`, found);
    return found;
  }

  private settle<Result>(work: () => Result): Promise<Result> {
    return new Promise((resolve) => {
      resolve(work());
    });
  }

  private act<Result>(verb: FakeVerb, ref: InstanceRef, { token, trace, signal }: Effect, effect: () => Result): Promise<Result> {
    const unfenced = verb !== 'restore';
    return this.engine.act({ verb, subject: unfenced ? `${ref.id} archive` : ref.id, databaseId: ref.database.id, token, trace, unfenced }, signal, effect);
  }

  private actAt<Result>(verb: FakeVerb, set: BackupSet, site: string, { token, trace, signal }: Effect, effect: () => Result): Promise<Result> {
    return this.engine.act({ verb, subject: `${set.databaseId} at ${site}`, databaseId: set.databaseId, token, trace, unfenced: true }, signal, () => {
      this.requireUp(site);
      return effect();
    });
  }
}
