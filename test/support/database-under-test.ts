import { readFileSync } from 'node:fs';
import pg from 'pg';
import { RestoresService } from '../../src/backups/restores/restores.service.js';
import type { BackupDocument } from '../../src/backups/sets/backup.schemas.js';
import { BackupsService } from '../../src/backups/sets/backups.service.js';
import { DatabasesService } from '../../src/databases/databases.service.js';
import { MetadataDatabaseRecords } from '../../src/databases/database-records.js';
import type { Credentials, DatabaseDocument, InstanceDocument } from '../../src/databases/database.schemas.js';
import { ENGINE } from '../../src/engine/engine-token.js';
import type { Engine } from '../../src/engine/ports.js';
import { newId } from '../../src/metadata/ids.js';
import { Metadata } from '../../src/metadata/metadata.js';
import { EVERYTHING } from '../../src/metadata/reach.js';
import { type AlertDocument, listAlerts } from '../../src/operations/alerts.js';
import type { OperationDocument } from '../../src/operations/operation.js';
import { OperationsService } from '../../src/operations/operations.service.js';
import type { TestControlPlane } from './control-plane.js';
import { processesOf } from './freehold-command.js';
import { eventually } from './servers.js';
import { signalAll } from './signal-all.js';

const asker = { id: 'key_test', reach: EVERYTHING, requestId: null };
const ENDS_MS = 180_000;

/** With four copies, of which one is frozen. */
const WHOLE_MS = 240_000;

/** Whether every copy of a backup is stored. */
export const isWhole = ({ copies, finishedAt }: BackupDocument): boolean => finishedAt !== null && copies.every(({ state }) => state === 'stored');

/** A database on a real fleet, and what a test does to it and asks of it. */
export class DatabaseUnderTest {
  private constructor(private readonly plane: TestControlPlane, readonly id: string, readonly credentials: Credentials) {}

  static async provision(plane: TestControlPlane, plan = 'starter', region = 'europe'): Promise<DatabaseUnderTest> {
    const { database, operation } = await DatabaseUnderTest.request(plane, plan, region);
    const ended = await database.ended(operation);
    if (ended.state !== 'succeeded') throw new Error(`provisioning failed: ${JSON.stringify(ended.error)}`);
    return database;
  }

  /** Asks for one, and waits for nothing. */
  static async request(plane: TestControlPlane, plan = 'starter', region = 'europe'): Promise<{ database: DatabaseUnderTest; operation: OperationDocument }> {
    const customerId = newId('customer');
    await plane.app.get(Metadata).dataSource.query(
      `INSERT INTO customers (id, name, email, created_by) VALUES ($1, 'Ada', 'ada@example.com', 'key_test')`, [customerId]);
    const made = await plane.app.get(Metadata).transaction((tx) => plane.app.get(DatabasesService).create(tx, {
      asker, customerId, name: 'shop', region, plan,
    }));
    await plane.app.get(OperationsService).announce(made.operation);
    return { database: new DatabaseUnderTest(plane, made.database.id, made.credentials), operation: made.operation };
  }

  async read(): Promise<DatabaseDocument> {
    const database = await this.plane.app.get(DatabasesService).find(EVERYTHING, this.id);
    if (!database) throw new Error('the database is gone');
    return database;
  }

  async instance(role: 'primary' | 'standby'): Promise<InstanceDocument> {
    const found = (await this.read()).instances.find((instance) => instance.role === role);
    if (!found) throw new Error(`the database has no ${role}`);
    return found;
  }

  /** Asks for an operation as the API would, and wakes a worker. */
  async request(ask: (databases: DatabasesService, tx: Parameters<DatabasesService['switchover']>[0]) => Promise<OperationDocument>): Promise<OperationDocument> {
    const operation = await this.plane.app.get(Metadata).transaction((tx) => ask(this.plane.app.get(DatabasesService), tx));
    await this.plane.app.get(OperationsService).announce(operation);
    return operation;
  }

  switchover(endTransactionsAfterMinutes?: number): Promise<OperationDocument> {
    return this.request((databases, tx) => databases.switchover(tx, { id: this.id, asker, endTransactionsAfterMinutes }));
  }

  failover(acceptDataLoss = false): Promise<OperationDocument> {
    return this.request((databases, tx) => databases.failover(tx, {
      id: this.id, asker, acceptDataLoss, forced: true, reason: 'a test', bytesAtRisk: null,
    }));
  }

  /** Asks for a backup, or for the end of the one that is being made. */
  async requestBackup(): Promise<OperationDocument> {
    const { customerId } = await this.read();
    const operation = await this.plane.app.get(Metadata).transaction((tx) =>
      this.plane.app.get(BackupsService).request(tx, { database: { id: this.id, customerId }, reason: 'requested', asker }));
    await this.plane.app.get(OperationsService).announce(operation);
    return operation;
  }

  /** Its backups, the newest first. */
  backups(): Promise<BackupDocument[]> {
    return this.plane.app.get(BackupsService).list(EVERYTHING, { databaseId: this.id, limit: 50 });
  }

  /** Waits until its newest backup has every copy, and comes after so many others. */
  async wholeBackupAfter(count: number, timeoutMs = WHOLE_MS): Promise<void> {
    await eventually(async () => {
      const made = await this.backups();
      return made.length > count && isWhole(made[0]!);
    }, timeoutMs);
  }

  /** Restores it as it was at a moment into a new database, and waits until that is there. */
  async restoreTo(time: Date): Promise<{ readonly id: string; readonly credentials: Credentials }> {
    const source = await this.read();
    const made = await this.plane.app.get(Metadata).transaction((tx) =>
      this.plane.app.get(RestoresService).restoreIntoNew(tx, { database: source, wanted: { time }, asker }, `as-of-${time.getTime()}`));
    await this.plane.app.get(OperationsService).announce(made.operation);
    const { state, error } = await this.ended(made.operation);
    if (state !== 'succeeded') throw new Error(`the restore failed: ${JSON.stringify(error)}`);
    return { id: made.database.id, credentials: made.credentials };
  }

  /** Deletes it, and waits until it is gone; where nobody looks after backups, without one. */
  async delete({ withoutBackup = true }: { readonly withoutBackup?: boolean } = {}): Promise<OperationDocument> {
    return this.ended(await this.request(async (databases, tx) => (await databases.delete(tx, { id: this.id, asker, withoutBackup })).operation));
  }

  /** Holds Freehold back from doing anything by itself, or lets it go on. */
  async setAutomation(paused: boolean): Promise<void> {
    await this.plane.app.get(Metadata).transaction((tx) => this.plane.app.get(DatabasesService).setAutomation(tx, { id: this.id, asker, paused, reason: 'a test' }));
  }

  /** Runs statements on an instance itself, as the control plane may. */
  async asControl(instanceId: string, ...statements: string[]): Promise<void> {
    const { members } = await this.plane.app.get(MetadataDatabaseRecords).read(this.id);
    const { ref, address, port } = members.find((member) => member.ref.id === instanceId)!;
    const client = new pg.Client({
      host: address, port: port!, user: 'freehold', password: ref.database.secrets.control, database: 'postgres', ssl: { rejectUnauthorized: false }, query_timeout: 20_000,
    });
    // The server may end while it is asked.
    client.on('error', () => undefined);
    await client.connect();
    try {
      for (const statement of statements) await client.query(statement);
    } finally {
      await client.end();
    }
  }

  /** All alerts that there have ever been about this database. */
  async alerts(): Promise<AlertDocument[]> {
    const alerts = await listAlerts(this.plane.app.get(Metadata).dataSource.manager, { limit: 1_000 });
    return alerts.filter(({ subjectId }) => subjectId === this.id);
  }

  /** The alerts that are open about it, of one kind. */
  async openAlerts(kind: string): Promise<AlertDocument[]> {
    return (await this.alerts()).filter((alert) => alert.state === 'open' && alert.kind === kind);
  }

  async ended({ id }: { readonly id: string }): Promise<OperationDocument> {
    const operations = this.plane.app.get(OperationsService);
    return eventually(async () => {
      const operation = await operations.find(EVERYTHING, id);
      return operation?.finishedAt ? operation : undefined;
    }, ENDS_MS);
  }

  /** Waits until the database is writable and redundant, with nothing under way. */
  async settled(epoch?: number): Promise<DatabaseDocument> {
    return eventually(async () => {
      const database = await this.read();
      const busy = await this.operations('running');
      return database.state === 'available' && (epoch === undefined || database.epoch === epoch) && busy.length === 0 && database;
    }, ENDS_MS).catch(async (error: unknown) => {
      throw new Error(`${String(error)}: ${JSON.stringify({ database: await this.read(), operations: await this.operations() }, null, 1)}`);
    });
  }

  /** Waits until the newest operation of a kind has come to a step, or past it. */
  async reached(kind: string, step: string): Promise<OperationDocument> {
    return eventually(async () => {
      const newest = (await this.operations()).find((operation) => operation.kind === kind);
      return newest?.finishedAt === null && newest.steps.some(({ name, state }) => name === step && state !== 'pending') && newest;
    }, ENDS_MS);
  }

  operations(state?: 'running' | 'pending' | 'succeeded' | 'failed'): Promise<OperationDocument[]> {
    return this.plane.app.get(OperationsService).list(EVERYTHING, { subjectId: this.id, state, limit: 50 });
  }

  /**
   * The postmaster of an instance, as its own file says. A backend that has just been forked has the same command line, and
   * comes before it in a list once the numbers of processes have begun anew.
   */
  async postmaster(instanceId: string): Promise<number> {
    const { host } = (await this.read()).instances.find(({ id }) => id === instanceId)!;
    return Number(readFileSync(`${this.plane.fleetRoot}/hosts/${host}/${this.id}/volume/${instanceId}/data/postmaster.pid`, 'utf8').split('\n')[0]);
  }

  /** The processes of an instance: its postmaster and its backends, in no order. */
  async processes(instanceId: string): Promise<number[]> {
    const postmasters = processesOf([instanceId]).filter(({ command }) => /postgres/.test(command)).map(({ pid }) => pid);
    const children = processesOf(['postgres: ' + instanceId]).map(({ pid }) => pid);
    return [...new Set([...postmasters, ...children])];
  }

  async signal(instanceId: string, signal: NodeJS.Signals): Promise<number[]> {
    const pids = await this.processes(instanceId);
    if (pids.length === 0) throw new Error(`instance ${instanceId} has no process`);
    signalAll(pids, signal);
    return pids;
  }

  /** Watches for a second writable primary until it is stopped; answers with the largest number seen at once. */
  watchPrimaries(): { stop(): Promise<number> } {
    const engine = this.plane.app.get<Engine>(ENGINE);
    let stopping = false;
    const watching = (async (): Promise<number> => {
      let most = 0;
      while (!stopping) {
        const { members } = await this.plane.app.get(MetadataDatabaseRecords).read(this.id).catch(() => ({ members: [] }));
        const seen = await Promise.all(members.map(({ ref }) => engine.instances.observe(ref, AbortSignal.timeout(3_000)).catch(() => undefined)));
        most = Math.max(most, seen.filter((instance) => instance?.process === 'running' && instance.role === 'primary').length);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return most;
    })();
    return { stop: () => { stopping = true; return watching; } };
  }
}
