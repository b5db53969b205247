import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { reasonOf } from '../base/reason-of.js';
import { systemCaller } from '../changes/caller.js';
import type { Log } from '../telemetry/log.js';
import { LOG } from '../telemetry/log-token.js';
import type { Settings } from '../config/settings.js';
import { SETTINGS } from '../config/settings-token.js';
import { MetadataDatabaseRecords } from '../databases/database-records.js';
import { DatabaseRequests } from '../databases/database.requests.js';
import { DataLossNotAcceptedError } from '../databases/database-errors.js';
import { FAILOVER } from '../databases/operations/failover.operation.js';
import { RECOVER } from '../databases/operations/recover.operation.js';
import { REPROTECT } from '../databases/operations/reprotect.operation.js';
import { ENGINE } from '../engine/engine-token.js';
import type { Engine } from '../engine/ports.js';
import { Metadata } from '../metadata/metadata.js';
import { queryRows } from '../metadata/query-rows.js';
import { type Duty, RunsInWorker } from '../operations/duty.js';
import type { OperationDocument } from '../operations/operation.js';
import { OperationRegistry } from '../operations/registry.js';
import { Rounds } from '../operations/rounds.js';
import { type RunningChange, runningChange } from '../operations/running-change.js';
import { OperationInTheWayError } from '../operations/store.js';
import type { Care } from './decide-care.js';
import { FleetInspection } from './fleet-inspection.js';
import { StorageWatch } from './storage-watch.js';
import { DatabaseWatch, type WatchedDatabase, type WatchFindings } from './database-watch.js';
import { Lateness } from './lateness.js';
import { PrimaryAlerts } from './primary-alerts.js';
import { SightFeed } from './sight-feed.js';
import { SightRecords } from './sight-records.js';

/** How often the watcher renews its leases and reads again what is recorded. */
const REFRESH_MS = 1_000;
/** The same while a database changes: a standby that was promoted may die as soon as it is the primary. */
const REFRESH_CHANGING_MS = 200;
/** How long a database stays with a watcher that gives no sign of life. */
const LEASE_S = 4;
/** A lease is not renewed sooner than so: it also says that its database is still looked at. */
const RENEW_S = 0.5;
const WATCH = systemCaller('watcher');
/** A database that was judged so lately is looked at; a look that hangs is none. */
const LOOKED_WITHIN_MS = 3_000;

/** Watches the databases that are leased to this worker, and asks for what they need. It never changes one itself. */
@RunsInWorker
@Injectable()
export class FleetWatch implements Duty {
  private readonly worker = `watcher-${randomUUID()}`;
  private readonly watches = new Map<string, { watch: DatabaseWatch; members: string }>();
  private readonly asking = new Set<string>();
  private readonly lateness = new Lateness();
  private readonly alerts: PrimaryAlerts;
  private readonly sights: SightRecords;
  private readonly refreshing: Rounds;
  /** Whether a database is being changed. */
  private changing = false;
  private readonly inspection: FleetInspection;
  private readonly storage: StorageWatch;

  constructor(
    private readonly metadata: Metadata,
    private readonly records: MetadataDatabaseRecords,
    private readonly requests: DatabaseRequests,
    private readonly kinds: OperationRegistry<EntityManager>,
    private readonly feed: SightFeed,
    @Inject(ENGINE) private readonly engine: Engine,
    @Inject(LOG) private readonly log: Log,
    @Inject(SETTINGS) { FREEHOLD_INSPECT_EVERY_MS, FREEHOLD_ALERT_LAG_SECONDS, FREEHOLD_ALERT_TRANSACTION_SECONDS }: Settings,
  ) {
    this.alerts = new PrimaryAlerts(metadata, (change) => kinds.meaningOf(change), log);
    this.refreshing = new Rounds({
      everyMs: () => (this.changing ? REFRESH_CHANGING_MS : REFRESH_MS), beginsAtOnce: true, round: () => this.refresh(),
      whenFailed: 'the records of the watched databases cannot be read: the watcher asks for nothing until they can', log,
    });
    this.sights = new SightRecords(metadata, this.worker, log);
    this.inspection = new FleetInspection({
      metadata, log, everyMs: FREEHOLD_INSPECT_EVERY_MS, watches: () => [...this.watches.values()].map(({ watch }) => watch),
      limits: { lagSeconds: FREEHOLD_ALERT_LAG_SECONDS, transactionSeconds: FREEHOLD_ALERT_TRANSACTION_SECONDS },
    });
    this.storage = new StorageWatch({ metadata, engine, log, watches: () => [...this.watches.values()].map(({ watch }) => watch) });
  }

  start(): void {
    this.lateness.start();
    this.inspection.start();
    this.storage.start();
    this.refreshing.start();
  }

  async stop(): Promise<void> {
    this.lateness.stop();
    await Promise.all([this.refreshing.stop(), this.inspection.stop(), this.storage.stop()]);
    await Promise.all([...this.watches.values()].map(({ watch }) => watch.close()));
    await Promise.all([this.alerts.settled(), this.sights.settled()]);
    // Another watcher may begin at once; what was seen last, and when, stays known until it has looked.
    await this.metadata.dataSource.query(`UPDATE watches SET lease_until = '-infinity' WHERE worker = $1`, [this.worker])
      .catch(() => undefined);
  }

  private async refresh(): Promise<void> {
    this.changing = false;
    const leased = await this.readLeased();
    const ids = new Set(leased.map(({ id }) => id));
    for (const [id, { watch }] of this.watches) {
      if (ids.has(id)) continue;
      this.watches.delete(id);
      this.alerts.forget(id);
      this.sights.forget(id);
      await watch.close();
    }
    for (const database of leased) await this.watch(database);
    this.changing = leased.some(({ change }) => change !== null);
  }

  /** Takes databases that nobody watches, renews those that this worker has, and reads what is recorded of them. */
  private async readLeased(): Promise<WatchedDatabase[]> {
    const lookedSince = performance.now() - LOOKED_WITHIN_MS;
    const looked = [...this.watches].filter(([, { watch }]) => watch.judgedAt > lookedSince).map(([id]) => id);
    await this.metadata.dataSource.query(
      `INSERT INTO watches (database_id, worker, lease_until)
       SELECT id, $1, now() + make_interval(secs => $2) FROM databases WHERE provisioned_at IS NOT NULL AND deleted_at IS NULL
       ON CONFLICT (database_id) DO UPDATE SET worker = $1, lease_until = now() + make_interval(secs => $2),
           observed_at = CASE WHEN watches.database_id = ANY ($4) THEN now() ELSE watches.observed_at END
         WHERE watches.lease_until < now() OR (watches.worker = $1 AND watches.lease_until < now() + make_interval(secs => $3))`,
      [this.worker, LEASE_S, LEASE_S - RENEW_S, looked]);
    return this.readRecorded();
  }

  /** What is recorded of the databases that are leased to this worker, or of one of them. */
  private async readRecorded(id: string | null = null): Promise<WatchedDatabase[]> {
    type Row = Omit<WatchedDatabase, 'change'> & { readonly change: RunningChange | null };
    const rows = await queryRows<Row>(this.metadata.dataSource.manager,
      `SELECT d.id, d.customer_id AS "customerId", d.region_id AS region, d.epoch, d.in_sync AS "inSync",
              d.automation_paused IS NOT NULL AS "automationPaused",
              ${runningChange('d.id')} AS change,
              (SELECT json_agg(json_build_object('id', i.id, 'role', i.role, 'state', i.state,
                                                 'dataCenterId', h.data_center_id) ORDER BY i.id)
                 FROM instances i JOIN hosts h ON h.id = i.host_id WHERE i.database_id = d.id AND i.port IS NOT NULL) AS members
         FROM watches w JOIN databases d ON d.id = w.database_id
        WHERE w.worker = $1 AND ($2::text IS NULL OR d.id = $2) AND w.lease_until > now()
          AND d.provisioned_at IS NOT NULL AND d.deleted_at IS NULL
          AND EXISTS (SELECT FROM instances i WHERE i.database_id = d.id AND i.port IS NOT NULL)`, [this.worker, id]);
    return rows.map(({ change, ...row }) => ({ ...row, change: change && this.kinds.meaningOf(change) }));
  }

  private async watch(database: WatchedDatabase): Promise<void> {
    const members = database.members.map(({ id }) => id).join();
    const known = this.watches.get(database.id);
    if (known?.members === members) {
      known.watch.update(database);
      return;
    }
    await known?.watch.close();
    const record = await this.records.read(database.id);
    const refs = new Map(record.members.filter(({ ref }) => database.members.some(({ id }) => id === ref.id))
      .map(({ ref }) => [ref.id, ref]));
    const watch = new DatabaseWatch(database, {
      instances: this.engine.instances, refs, lateness: this.lateness,
      silentDataCenters: (region) => this.silentDataCenters(region),
      onFindings: (findings) => void this.act(findings),
    });
    this.watches.set(database.id, { watch, members });
  }

  /** Data centres from which nobody at all gives this watcher a sign of life. */
  private silentDataCenters(region: string): ReadonlySet<string> {
    const seen = [...this.watches.values()].filter(({ watch }) => watch.region === region).map(({ watch }) => watch.dataCenters());
    const alive = new Set(seen.flatMap((dataCenters) => dataCenters.alive));
    return new Set(seen.flatMap(({ silent }) => silent).filter((id) => !alive.has(id)));
  }

  /** Whether several hosts of the data centre are watched, and none gives a sign of life. */
  private isSilent(dataCenterId: string, region: string): boolean {
    const hosts = new Set([...this.watches.values()].flatMap(({ watch }) => watch.hostsIn(dataCenterId)));
    return hosts.size > 1 && this.silentDataCenters(region).has(dataCenterId);
  }

  private tell({ database, verdict, sight }: WatchFindings): void {
    const primary = database.members.find(({ role }) => role === 'primary');
    if (!primary) return;
    const isDataCenterSilent = verdict.verdict !== 'well' && this.isSilent(primary.dataCenterId, database.region);
    this.feed.tell({ databaseId: database.id, atMs: Date.now(), verdict, sight, primaryId: primary.id, isDataCenterSilent });
  }

  private async act(findings: WatchFindings): Promise<void> {
    const { database, verdict, sight, care: first, decide } = findings;
    this.alerts.take(database, verdict);
    this.sights.note(database.id, sight);
    this.tell(findings);
    if (first.ask === 'nothing' || this.asking.has(database.id)) return;
    this.asking.add(database.id);
    try {
      // What was read up to a second ago may be over: whether a standby is in sync decides between two ways out.
      const [recorded] = await this.readRecorded(database.id);
      const care: Care = recorded ? decide(recorded) : { ask: 'nothing' };
      if (care.ask === 'nothing') return;
      const operation = await this.ask(database, care.ask, care.reason);
      this.log.warn(
        { databaseId: database.id, operationId: operation.id, ask: care.ask, reason: care.reason }, 'watcher asks for an operation',
      );
    } catch (error) {
      const expected = error instanceof OperationInTheWayError || error instanceof DataLossNotAcceptedError;
      if (!expected) {
        this.log.warn({ databaseId: database.id, ask: first.ask, reason: reasonOf(error) }, 'watcher could not ask for an operation');
      }
    } finally {
      // Until what was asked for is seen in the record, every look would read it anew.
      setTimeout(() => this.asking.delete(database.id), REFRESH_CHANGING_MS);
    }
  }

  private async ask({ id }: WatchedDatabase, what: Exclude<Care['ask'], 'nothing'>, reason: string): Promise<OperationDocument> {
    switch (what) {
      case RECOVER:
        return (await this.requests.recover(WATCH, id)).body.operation;
      case REPROTECT:
        return (await this.requests.reprotect(WATCH, id, reason)).body.operation;
      case FAILOVER:
        return (await this.requests.failover(WATCH, id, { acceptDataLoss: false }, { reason, forced: false })).body.operation;
    }
  }
}
