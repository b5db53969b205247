import { randomBytes } from 'node:crypto';
import type { INestApplicationContext, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { EntityManager } from 'typeorm';
import { inject } from 'vitest';
import { BackupKeeper } from '../../../src/backups/sets/backup-keeper.js';
import { MetadataBackupRecords } from '../../../src/backups/sets/backup-records.js';
import { BackupsService } from '../../../src/backups/sets/backups.service.js';
import { RestoresService } from '../../../src/backups/restores/restores.service.js';
import { openLog } from '../../../src/telemetry/log.js';
import { readSettings } from '../../../src/config/settings.js';
import { NO_TRACING } from '../../../src/telemetry/tracing.js';
import { Vault } from '../../../src/secrets/vault.js';
import type { DatabaseDocument } from '../../../src/databases/database.schemas.js';
import { DatabasesService } from '../../../src/databases/databases.service.js';
import { FleetService } from '../../../src/fleet/fleet.service.js';
import type { PlanId } from '../../../src/fleet/plans.js';
import { BootRecovery } from '../../../src/health/boot-recovery.js';
import { newId } from '../../../src/metadata/ids.js';
import { queryRows } from '../../../src/metadata/query-rows.js';
import { EVERYTHING } from '../../../src/metadata/reach.js';
import type { OperationDocument } from '../../../src/operations/operation.js';
import { OperationQueues } from '../../../src/operations/operation-queues.js';
import { OperationsService } from '../../../src/operations/operations.service.js';
import { PostgresOperationStore } from '../../../src/operations/postgres-store.js';
import { OperationRegistry } from '../../../src/operations/registry.js';
import { LineFile } from '../../../src/engine/local/machine/line-file.js';
import { closeGround } from '../../../src/processes/open-ground.js';
import { WorkerModule } from '../../../src/processes/worker.module.js';
import { FakeEngine } from '../../support/fake-engine.js';
import { openTestMetadata } from '../../support/test-metadata.js';
import { immortalRunner, MOST_RUNS, MortalWorker } from './mortal-worker.js';
import { drawAnchorPath } from '../../support/test-anchors.js';

/** The kernel and the features over a real metadata database and the scripted engine, with workers that die when told to. */
export interface Laboratory {
  readonly engine: FakeEngine;
  readonly registry: OperationRegistry<EntityManager>;
  /** What the features are made of. */
  get<Part>(type: Type<Part>): Part;
  query<Row>(statement: string, parameters?: unknown[]): Promise<Row[]>;
  /** Records a request for a database of a customer of its own. */
  requestDatabase(plan: PlanId): Promise<{ databaseId: string; operation: OperationDocument }>;
  /** A database that is available. */
  makeDatabase(plan: PlanId): Promise<string>;
  request(kind: string, databaseId: string, input?: Record<string, unknown>): Promise<OperationDocument>;
  requestDeletion(databaseId: string, withoutBackup?: boolean): Promise<OperationDocument>;
  /** Makes a database archive to every live site, as the keeper of backups asks for. */
  archive(databaseId: string): Promise<void>;
  requestBackup(databaseId: string): Promise<OperationDocument>;
  /** Records a request for a database that is made from another one's backup. */
  restoreIntoNew(sourceId: string, backupId: string): Promise<{ databaseId: string; operation: OperationDocument }>;
  requestUndeletion(databaseId: string): Promise<OperationDocument>;
  /** Lets the keeper of backups look once, and sees to its end what it asked for. */
  keepBackups(): Promise<OperationDocument[]>;
  /** A worker for the operations of one database. */
  mortalWorker(databaseId: string, diesAt?: number): MortalWorker;
  /** Lets every lease run out, and sees the operation to its end. */
  finish(operationId: string): Promise<OperationDocument>;
  /** Looks at every database as a worker does when it starts. */
  lookAtBoot(): Promise<BootRecovery>;
  /** Cancels a running operation as an operator would. */
  cancel(operationId: string): Promise<void>;
  operation(id: string): Promise<OperationDocument>;
  database(id: string): Promise<DatabaseDocument>;
  close(): Promise<void>;
}

export async function openLaboratory(): Promise<Laboratory> {
  const metadata = await openTestMetadata(inject('postgresUrl'));
  const settings = readSettings({
    DATABASE_URL: metadata.url, REDIS_URL: inject('redisUrl'), FREEHOLD_DATA_DIR: '/nowhere', FREEHOLD_MASTER_KEY: randomBytes(32).toString('base64'),
  });
  const engine = new FakeEngine({ hostMemoryMb: 100_000_000 });
  const vault = new Vault(Buffer.from(settings.FREEHOLD_MASTER_KEY, 'base64'));
  const log = openLog(process.env.TEST_LOG ?? 'silent', 'test');
  const ground = { settings, dataSource: metadata.dataSource, engine, vault, log, tracing: NO_TRACING, queues: new OperationQueues(settings.REDIS_URL), anchors: new LineFile(drawAnchorPath()) };
  const app = await NestFactory.createApplicationContext(WorkerModule.on(ground), { logger: ['error', 'warn'], abortOnError: false });
  await app.get(FleetService).recordInventory();
  return new OpenLaboratory(app, engine, metadata.dataSource.manager, async () => {
    await app.close();
    await closeGround(ground);
  });
}

class OpenLaboratory implements Laboratory {
  readonly registry: OperationRegistry<EntityManager>;
  private readonly store: PostgresOperationStore;
  /** Who wants to know of effects, by database. */
  private readonly listeners = new Map<string, (verb: string) => Promise<void>>();
  private readonly asker = { id: 'key_test', reach: EVERYTHING, requestId: 'req_1' };

  constructor(private readonly app: INestApplicationContext, readonly engine: FakeEngine, private readonly manager: EntityManager, readonly close: () => Promise<void>) {
    this.registry = app.get(OperationRegistry);
    this.store = app.get(PostgresOperationStore);
    engine.onCrashPoint = ({ when, call }) => (when === 'before' ? this.listeners.get(call.databaseId)?.(call.verb) : undefined);
  }

  get<Part>(type: Type<Part>): Part {
    return this.app.get(type);
  }

  query<Row>(statement: string, parameters: unknown[] = []): Promise<Row[]> {
    return queryRows<Row>(this.manager, statement, parameters);
  }

  async requestDatabase(plan: PlanId): Promise<{ databaseId: string; operation: OperationDocument }> {
    const customerId = newId('customer');
    await this.query(`INSERT INTO customers (id, name, email, created_by) VALUES ($1, 'Ada', 'ada@example.com', 'key_test')`, [customerId]);
    const { database, operation } = await this.manager.transaction((tx) =>
      this.app.get(DatabasesService).create(tx, { asker: this.asker, customerId, name: 'shop', region: 'europe', plan }));
    return { databaseId: database.id, operation };
  }

  async makeDatabase(plan: PlanId): Promise<string> {
    const { databaseId, operation } = await this.requestDatabase(plan);
    const ended = await this.finish(operation.id);
    if (ended.state !== 'succeeded') throw new Error(`the database was not made: ${JSON.stringify(ended.error)}`);
    return databaseId;
  }

  async request(kind: string, databaseId: string, input: Record<string, unknown> = {}): Promise<OperationDocument> {
    const [owner] = await this.query<{ customer_id: string }>('SELECT customer_id FROM databases WHERE id = $1', [databaseId]);
    return this.manager.transaction((tx) => this.app.get(OperationsService).request(tx, {
      kind, subjectId: databaseId, ownerId: owner!.customer_id, input: { databaseId, ...input }, requestedBy: 'key_test', requestId: 'req_1',
    }));
  }

  async requestDeletion(databaseId: string, withoutBackup = false): Promise<OperationDocument> {
    return (await this.manager.transaction((tx) =>
      this.app.get(DatabasesService).delete(tx, { asker: this.asker, id: databaseId, withoutBackup }))).operation;
  }

  async archive(databaseId: string): Promise<void> {
    await this.manager.transaction((tx) => this.app.get(MetadataBackupRecords).provideSet(tx, databaseId));
    const sites = this.engine.backups.sites().filter(({ kind }) => kind === 'live').map(({ id }) => id);
    await this.finish((await this.request('set-archive', databaseId, { sites, epoch: (await this.database(databaseId)).epoch })).id);
  }

  async requestBackup(databaseId: string): Promise<OperationDocument> {
    const { id, customerId } = await this.database(databaseId);
    return this.manager.transaction((tx) => this.app.get(BackupsService).request(tx, { database: { id, customerId }, reason: 'requested', asker: this.asker }));
  }

  async restoreIntoNew(sourceId: string, backupId: string): Promise<{ databaseId: string; operation: OperationDocument }> {
    const source = await this.database(sourceId);
    const { database, operation } = await this.manager.transaction((tx) =>
      this.app.get(RestoresService).restoreIntoNew(tx, { database: source, wanted: { backupId }, asker: this.asker }, 'restored'));
    return { databaseId: database.id, operation };
  }

  async requestUndeletion(databaseId: string): Promise<OperationDocument> {
    const database = await this.database(databaseId);
    return (await this.manager.transaction((tx) => this.app.get(RestoresService).undelete(tx, { database, asker: this.asker }))).operation;
  }

  async keepBackups(): Promise<OperationDocument[]> {
    await this.app.get(BackupKeeper).keep(this.engine.backups);
    const asked = await this.query<{ id: string }>(`SELECT id FROM operations WHERE requested_by = 'keeper' AND finished_at IS NULL ORDER BY id`);
    return Promise.all(asked.map(({ id }) => this.finish(id)));
  }

  mortalWorker(databaseId: string, diesAt?: number): MortalWorker {
    const onEffect = (call: (verb: string) => Promise<void>): (() => void) => {
      this.listeners.set(databaseId, call);
      return () => this.listeners.delete(databaseId);
    };
    return new MortalWorker({ store: this.store, registry: this.registry, onEffect, makeDue: (id) => this.makeDue(id) }, diesAt);
  }

  async finish(operationId: string): Promise<OperationDocument> {
    const runner = immortalRunner(this.store, this.registry);
    for (let runs = 0; await this.makeDue(operationId); runs += 1) {
      if (runs === MOST_RUNS) throw new Error(`the operation does not end: ${JSON.stringify(await this.operation(operationId))}`);
      await runner.run(operationId);
    }
    return this.operation(operationId);
  }

  /** Lets the lease run out and the time of the wait pass; false for an operation that has ended. */
  private async makeDue(operationId: string): Promise<boolean> {
    const due = await this.query(
      `UPDATE operations SET due_at = clock_timestamp(), step_deadline_at = step_deadline_at - greatest(due_at - clock_timestamp(), '0'), lease_until = lease_until - interval '1 h' WHERE id = $1 AND finished_at IS NULL RETURNING id`, [operationId]);
    return due.length === 1;
  }

  /** Looks at every database as a process that starts does. */
  async lookAtBoot(): Promise<BootRecovery> {
    const boot = this.app.get(BootRecovery);
    await boot.run();
    return boot;
  }

  async cancel(operationId: string): Promise<void> {
    await this.manager.transaction((tx) => this.app.get(OperationsService).cancel(tx, operationId, 'key_operator'));
  }

  async operation(id: string): Promise<OperationDocument> {
    return (await this.app.get(OperationsService).find(EVERYTHING, id))!;
  }

  async database(id: string): Promise<DatabaseDocument> {
    return (await this.app.get(DatabasesService).find(EVERYTHING, id))!;
  }
}
