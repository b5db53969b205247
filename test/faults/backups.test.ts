import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BackupDocument } from '../../src/backups/backup.schemas.js';
import { BackupsService } from '../../src/backups/backups.service.js';
import { RestoresService } from '../../src/backups/restores.service.js';
import type { Credentials } from '../../src/databases/database.schemas.js';
import { ENGINE } from '../../src/engine/engine-token.js';
import type { Engine } from '../../src/engine/ports.js';
import { Metadata } from '../../src/metadata/metadata.js';
import { EVERYTHING } from '../../src/metadata/reach.js';
import type { OperationDocument } from '../../src/operations/operation.js';
import { OperationsService } from '../../src/operations/operations.service.js';
import { startControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { NumberedWriter } from '../support/numbered-writer.js';
import { eventually } from '../support/servers.js';
import { DatabaseUnderTest } from './support/database-under-test.js';
import { mayHaveDisks, SiteDisk } from './support/site-disk.js';

const TIMEOUT_MS = 240_000;
const actor = { id: 'key_test', reach: EVERYTHING };

let plane: TestControlPlane;
let database: DatabaseUnderTest;
/** Under the third site, where the machine allows it. */
let disk: SiteDisk | undefined;
const siteDirectory = (id: string): string => join(plane.settings.FREEHOLD_DATA_DIR!, 'sites', id);

beforeAll(async () => {
  plane = await startControlPlane({ settings: { FREEHOLD_BACKUPS_EVERY_MS: '300' } });
  // Where the engine goes through: nobody else may pass the temporary directory.
  const root = plane.app.get<Engine>(ENGINE).gateway.endpoint('europe').rootCertificatePath!.replace(/\/regions\/.*/, '');
  if (mayHaveDisks()) disk = SiteDisk.mount(join(root, 'sites', plane.app.get(BackupsService).port.sites()[2]!.id), 1_024);
  database = await DatabaseUnderTest.provision(plane);
}, TIMEOUT_MS);
afterAll(async () => {
  disk?.unmount();
  await plane?.stop();
}, TIMEOUT_MS);

const backups = (): Promise<BackupDocument[]> => plane.app.get(BackupsService).list(EVERYTHING, { databaseId: database.id, limit: 50 });
const isWhole = ({ copies, finishedAt }: BackupDocument): boolean => finishedAt !== null && copies.every(({ state }) => state === 'stored');
const openAlerts = async (kind: string): Promise<(string | null)[]> =>
  (await plane.app.get(Metadata).dataSource.query<{ subject: string | null }[]>('SELECT subject_id AS subject FROM alerts WHERE resolved_at IS NULL AND kind = $1', [kind])).map(({ subject }) => subject);
/** Waits for a backup with every copy that was asked for after so many others. */
const wholeBackupAfter = (count: number): Promise<unknown> => eventually(async () => {
  const made = await backups();
  return made.length > count && isWhole(made[0]!);
}, TIMEOUT_MS);

async function query<Row extends pg.QueryResultRow>(uri: string, statement: string): Promise<Row[]> {
  const client = new pg.Client(uri);
  await client.connect();
  try {
    return (await client.query<Row>(statement)).rows;
  } finally {
    await client.end();
  }
}

async function succeed<Made extends { operation: OperationDocument }>(ask: (restores: RestoresService, tx: Parameters<RestoresService['undelete']>[0]) => Promise<Made>): Promise<Made> {
  const made = await plane.app.get(Metadata).transaction((tx) => ask(plane.app.get(RestoresService), tx));
  await plane.app.get(OperationsService).announce(made.operation);
  expect(await database.ended(made.operation)).toMatchObject({ state: 'succeeded', error: null });
  return made;
}

async function restoreTo(time: Date): Promise<Credentials> {
  const source = await database.read();
  return (await succeed((restores, tx) => restores.restoreIntoNew(tx, { database: source, wanted: { time }, actor, requestId: null }, `as-of-${time.getTime()}`))).credentials;
}

describe('a database that is written to all the time', () => {
  it('is backed up by itself, and restores to moments around a failover with exactly what was acknowledged by then', async () => {
    const writer = await NumberedWriter.start(database.credentials.uri, { restMs: 2 });
    const moments: { time: Date; acknowledged: number }[] = [];
    const remember = async (): Promise<void> => {
      const { count } = writer;
      await eventually(() => writer.count > count + 20);
      const acknowledged = writer.count;
      const [row] = await query<{ now: Date }>(database.credentials.uri, 'SELECT clock_timestamp() AS now');
      moments.push({ time: row!.now, acknowledged });
      await eventually(() => writer.count > acknowledged + 20);
    };
    try {
      await wholeBackupAfter(0);
      await remember();
      await database.signal((await database.instance('primary')).id, 'SIGKILL');
      await database.settled(2);
      await remember();
    } finally {
      await writer.stop();
    }
    const { acknowledged } = await writer.stop();
    for (const moment of moments) {
      const { uri } = await restoreTo(moment.time);
      const rows = await query<{ n: string; late: boolean }>(uri, `SELECT n, at > '${moment.time.toISOString()}' AS late FROM numbers ORDER BY n`);
      const restored = new Set(rows.map(({ n }) => Number(n)));
      expect(acknowledged.slice(0, moment.acknowledged).filter((number) => !restored.has(number)), 'acknowledged by then').toEqual([]);
      expect(rows.filter(({ late }) => late), 'written after it').toEqual([]);
    }
  }, TIMEOUT_MS);

  it('has a full backup again after the failover, by itself', () => wholeBackupAfter(1), TIMEOUT_MS);
});

describe('backup sites, of which one is gone and one hangs,', () => {
  it('are told of, hold up no archive, backup or failover, and are made whole when they are back', async () => {
    const { port } = plane.app.get(BackupsService);
    const [good, lost, slow] = port.sites().map(({ id }) => id) as [string, string, string];
    const troubled = disk ? 2 : 1;
    const archivedTo = async (): Promise<string[]> =>
      (await plane.app.get(Metadata).dataSource.query<{ sites: string[] }[]>(`SELECT archive_sites AS sites FROM backup_sets WHERE database_id = $1`, [database.id]))[0]!.sites;
    const switchWal = async (): Promise<void> => database.asControl((await database.instance('primary')).id, 'SELECT pg_switch_wal()');
    const before = (await backups()).length;
    disk?.hang();
    renameSync(siteDirectory(lost), `${siteDirectory(lost)}.gone`);
    try {
      // Who archives just now hangs with the site.
      await query(database.credentials.uri, 'INSERT INTO numbers VALUES (1000001)');
      await switchWal();
      await eventually(async () => (await openAlerts('backup-site')).length === troubled && (await archivedTo()).length === 3 - troubled);
      await query(database.credentials.uri, 'INSERT INTO numbers VALUES (1000003)');
      await switchWal();
      const primary = await database.member('primary');
      await eventually(async () => (await port.observeArchive(primary, AbortSignal.timeout(5_000))).pendingFiles === 0);
      const asked = await plane.app.get(Metadata).transaction(async (tx) => plane.app.get(BackupsService).request(tx, {
        database: await database.read().then(({ customerId }) => ({ id: database.id, customerId })), reason: 'requested', requestedBy: 'key_test', requestId: null }));
      await plane.app.get(OperationsService).announce(asked);
      expect(await database.ended(asked)).toMatchObject({ state: 'failed', error: { reason: expect.stringContaining(`no copy at ${lost}`) as string } });
      const { copies } = (await backups())[0]!;
      expect(copies.filter(({ state }) => state === 'stored').map(({ site }) => site)).toEqual(expect.arrayContaining(disk ? [good] : [good, slow]));
      await database.signal(primary.id, 'SIGKILL');
      await database.settled(3);
    } finally {
      disk?.goOn();
      renameSync(`${siteDirectory(lost)}.gone`, siteDirectory(lost));
    }
    await eventually(async () => (await openAlerts('backup-site')).length === 0 && (await archivedTo()).length === 3);
    await wholeBackupAfter(before);
  }, TIMEOUT_MS);
});

describe('a copy that is damaged', () => {
  it('is passed over by a restore, and told of until the site has another one', async () => {
    const [newest] = await backups();
    const [{ site, label }] = await plane.app.get(Metadata).dataSource.query<{ site: string; label: string }[]>(
      'SELECT site, label FROM backup_copies WHERE backup_id = $1 AND site = $2', [newest!.id, plane.app.get(BackupsService).port.sites()[0]!.id]) as [{ site: string; label: string }];
    const bundles = join(siteDirectory(site), 'sets', database.id, 'backup/main', label, 'bundle');
    for (const name of readdirSync(bundles)) {
      const content = readFileSync(join(bundles, name));
      content.fill(0x5a, content.length / 2, content.length / 2 + 64);
      writeFileSync(join(bundles, name), content);
    }
    const source = await database.read();
    const { credentials, operation } = await succeed((restores, tx) => restores.restoreIntoNew(tx, { database: source, wanted: { backupId: newest!.id }, actor, requestId: null }, 'from-another-copy'));
    expect(await query(credentials.uri, 'SELECT max(n)::integer AS last FROM numbers')).toEqual([{ last: 1_000_003 }]);
    const { steps } = await database.ended(operation);
    expect(steps.find(({ name }) => name === 'restore-primary')?.detail).toMatchObject({ passedOver: [{ site, reason: expect.stringContaining('damaged') as string }] });
    expect(await openAlerts('copy')).toEqual([database.id]);
    await plane.app.get(Metadata).dataSource.query(`UPDATE backups SET requested_at = requested_at - interval '2 days' WHERE database_id = $1`, [database.id]);
    await eventually(async () => (await openAlerts('copy')).length === 0, TIMEOUT_MS);
  }, TIMEOUT_MS);
});

describe('a deleted database', () => {
  it('comes back with the last row that was written', async () => {
    await query(database.credentials.uri, 'INSERT INTO numbers VALUES (1000002)');
    await database.delete();
    const deleted = await database.read();
    expect(deleted).toMatchObject({ state: 'deleted', instances: [] });
    await succeed((restores, tx) => restores.undelete(tx, { database: deleted, actor, requestId: null }));
    expect(await query(database.credentials.uri, 'SELECT max(n)::integer AS last FROM numbers')).toEqual([{ last: 1_000_002 }]);
  }, TIMEOUT_MS);
});
