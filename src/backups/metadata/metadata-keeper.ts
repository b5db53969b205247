import { Inject, Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { reasonOf } from '../../base/reason-of.js';
import { within } from '../../base/signals.js';
import type { Log } from '../../telemetry/log.js';
import { LOG } from '../../telemetry/log-token.js';
import type { Settings } from '../../config/settings.js';
import { SETTINGS } from '../../config/settings-token.js';
import type { BackupSite } from '../../engine/backups-port.js';
import { ENGINE } from '../../engine/engine-token.js';
import type { MetadataArchive, MetadataBackupsPort } from '../../engine/metadata-backups-port.js';
import type { Engine } from '../../engine/ports.js';
import { newId } from '../../metadata/ids.js';
import { Metadata } from '../../metadata/metadata.js';
import { openAlert, resolveAlerts } from '../../operations/alerts.js';
import { type Duty, RunsInWorker } from '../../operations/duty.js';
import { Rounds } from '../../operations/rounds.js';
import { decideMetadataCare, type MetadataSite } from './decide-metadata-care.js';
import { BackupSiteEntity } from '../sites/backup-site.entity.js';
import { FROZEN_MS } from '../sets/operations/back-up.operation.js';

/** Any number that no other user of advisory locks in this database takes. */
const KEEPER_LOCK = 7_203_116;
const LOOK_TIMEOUT_MS = 30_000;
const CHANGE_TIMEOUT_MS = 60_000;
const BACK_UP_TIMEOUT_MS = 30 * 60_000;
/** The catalogues of the sites are read again after so many rounds in which nothing was to be done. */
const LOOK_EVERY = 30;
/** After a round that failed, so many are left out. */
const PAUSE_ROUNDS = 15;
/** Operators are told when WAL waits for longer, in seconds. */
const PENDING_LIMIT_S = 300;
/** And when the newest backup is older: a day, and some hours to make one in. */
const AGE_LIMIT_MS = 30 * 3_600_000;
const PROVE_AGAIN_MS = 3_600_000;
const ALERT = 'metadata-backup';
const FAILED = 'the backups of the metadata could not be looked after in this round';

/**
 * Looks after the backups of the embedded metadata database. It keeps no record of them in the metadata, which may be lost:
 * what there is, the sites' catalogues tell. One worker at a time does this: in each round the first that takes the lock.
 */
@RunsInWorker
@Injectable()
export class MetadataKeeper implements Duty {
  private rounds: Rounds | undefined;
  private readonly stopping = new AbortController();
  private roundsToSkip = 0;
  private looked = '';
  private proofFailure: { readonly at: number; readonly reason: string } | undefined;

  constructor(
    private readonly metadata: Metadata,
    @InjectRepository(BackupSiteEntity) private readonly sites: Repository<BackupSiteEntity>,
    @Inject(ENGINE) private readonly engine: Engine,
    @Inject(LOG) private readonly log: Log,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  start(): void {
    const { metadataBackups: port, backups } = this.engine;
    if (!port || !backups) return;
    this.rounds = new Rounds({
      everyMs: this.settings.FREEHOLD_BACKUPS_EVERY_MS, round: () => this.round(port, backups.sites()), whenFailed: FAILED, log: this.log,
    });
    this.rounds.start();
  }

  async stop(): Promise<void> {
    this.stopping.abort(new Error('the worker stops'));
    await this.rounds?.stop();
  }

  private async round(port: MetadataBackupsPort, sites: readonly BackupSite[]): Promise<void> {
    try {
      const archive = await port.observe(this.within(LOOK_TIMEOUT_MS));
      if (!archive) return;
      const usable = await this.readUsable(sites);
      // The catalogues of the sites change only by what is done here, and as days pass.
      const state = `${usable.map(({ id }) => id).join()} ${archive.sites.join()} ${archive.since.toISOString()} `
        + `${archive.droppedAt?.toISOString() ?? ''}`;
      if (state === this.looked && this.roundsToSkip-- > 0) return;
      const acted = await this.alone(() => this.keep(port, archive, usable));
      this.looked = state;
      this.roundsToSkip = acted ? 0 : LOOK_EVERY;
    } catch (error) {
      if (this.stopping.signal.aborted) return;
      const reason = reasonOf(error);
      this.log.warn({ reason }, FAILED);
      await this.alert(`the backups of the metadata could not be looked after: ${reason}`).catch(() => undefined);
      this.roundsToSkip = PAUSE_ROUNDS;
    }
  }

  /** As the keeper of backups has found them. */
  private async readUsable(sites: readonly BackupSite[]): Promise<readonly BackupSite[]> {
    const usable = await this.sites.findBy({ usable: true });
    return sites.filter(({ id }) => usable.some((row) => row.id === id));
  }

  /** One worker at a time; the lock goes with its session. */
  private async alone(work: () => Promise<boolean>): Promise<boolean> {
    const session = this.metadata.dataSource.createQueryRunner();
    try {
      const [row] = (await session.query('SELECT pg_try_advisory_lock($1) AS mine', [KEEPER_LOCK])) as { mine: boolean }[];
      if (!row?.mine) return false;
      return await work().finally(() => session.query('SELECT pg_advisory_unlock($1)', [KEEPER_LOCK]));
    } finally {
      await session.release();
    }
  }

  /** Answers whether there was anything to do. */
  private async keep(port: MetadataBackupsPort, archive: MetadataArchive, usable: readonly BackupSite[]): Promise<boolean> {
    const sites = await this.list(port, usable);
    const care = decideMetadataCare({ archive, sites }, new Date());
    if (care.archiveTo) {
      await port.archiveTo(care.archiveTo, this.within(CHANGE_TIMEOUT_MS));
      this.log.info({ sites: care.archiveTo }, 'the metadata is archived');
      return true;
    }
    const backupId = newId('backup');
    for (const site of care.backUpAt) {
      const { label } = await port.backUp(site, backupId, this.within(BACK_UP_TIMEOUT_MS));
      this.log.info({ site, label }, 'the metadata was backed up');
    }
    if (care.freeze) await port.freeze(care.freeze.from, care.freeze.to, new Date(Date.now() + FROZEN_MS), this.within(BACK_UP_TIMEOUT_MS));
    const proves = care.prove !== undefined && (await this.prove(port, care.prove));
    for (const { site, label } of care.expire) await port.expire(site, label, this.within(CHANGE_TIMEOUT_MS));
    const acted = care.backUpAt.length > 0 || care.freeze !== undefined || proves;
    await this.judge(archive, acted ? await this.list(port, usable) : sites);
    return acted;
  }

  /** Answers whether it was tried: a proof that fails is tried again in an hour, and an alert stays open until a proof has passed. */
  private async prove(port: MetadataBackupsPort, from: { readonly site: string; readonly label: string }): Promise<boolean> {
    if (this.proofFailure && Date.now() - this.proofFailure.at < PROVE_AGAIN_MS) return false;
    try {
      await port.prove(from, this.within(BACK_UP_TIMEOUT_MS));
      this.proofFailure = undefined;
      this.log.info(from, 'a backup of the metadata was proved');
    } catch (error) {
      if (this.stopping.signal.aborted) throw error;
      this.proofFailure = { at: Date.now(), reason: reasonOf(error) };
    }
    return true;
  }

  private list(port: MetadataBackupsPort, usable: readonly BackupSite[]): Promise<MetadataSite[]> {
    return Promise.all(usable.map(async ({ id, kind }) => ({ id, kind, backups: await port.list(id, this.within(LOOK_TIMEOUT_MS)) })));
  }

  private async judge(archive: MetadataArchive, sites: readonly MetadataSite[]): Promise<void> {
    // That no site can be used is told already, site by site.
    if (sites.length === 0) return;
    const newest = Math.max(0, ...sites.flatMap(({ backups }) => backups.map(({ startedAt }) => startedAt.getTime())));
    if (newest < Date.now() - AGE_LIMIT_MS) {
      return this.alert(newest === 0
        ? 'the metadata has no backup'
        : `the newest backup of the metadata is from ${new Date(newest).toISOString()}`);
    }
    if (this.proofFailure) return this.alert(this.proofFailure.reason);
    if (archive.pendingSeconds > PENDING_LIMIT_S) {
      return this.alert(`WAL of the metadata has been waiting to be archived for ${Math.round(archive.pendingSeconds)} s`);
    }
    return this.metadata.transaction((tx) => resolveAlerts(tx, [ALERT]));
  }

  private alert(message: string): Promise<void> {
    return this.metadata.transaction((tx) => openAlert(tx, {
      key: ALERT, kind: ALERT, severity: 'critical', subjectId: null, operationId: null, message, action: 'required',
      advice: 'look at the backup sites and at the log of the worker: without a backup of the metadata a lost '
        + 'control plane is rebuilt from what runs alone',
    }));
  }

  private within(timeoutMs: number): AbortSignal {
    return within(this.stopping.signal, timeoutMs);
  }
}
