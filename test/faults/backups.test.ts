import { renameSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BackupsService } from '../../src/backups/sets/backups.service.js';
import { RestoresService } from '../../src/backups/restores/restores.service.js';
import { Metadata } from '../../src/metadata/metadata.js';
import { EVERYTHING } from '../../src/metadata/reach.js';
import type { OperationDocument } from '../../src/operations/operation.js';
import { OperationsService } from '../../src/operations/operations.service.js';
import { startControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { processesOf } from '../support/freehold-command.js';
import { NumberedWriter } from '../support/numbered-writer.js';
import { eventually } from '../support/servers.js';
import { DatabaseUnderTest } from '../support/database-under-test.js';
import { SiteDisk } from './support/site-disk.js';

const TIMEOUT_MS = 240_000;
const asker = { id: 'key_test', reach: EVERYTHING, requestId: null };

let plane: TestControlPlane;
let database: DatabaseUnderTest;
/** Under the last of the live sites. */
let disk: SiteDisk | undefined;
const isRoot = process.getuid?.() === 0;

beforeAll(async () => {
  plane = await startControlPlane({ settings: { FREEHOLD_BACKUPS_EVERY_MS: '300' } });
  if (isRoot) disk = SiteDisk.mount(siteDirectory(2));
  database = await DatabaseUnderTest.provision(plane);
}, TIMEOUT_MS);
afterAll(async () => {
  disk?.unmount();
  await plane?.stop();
}, TIMEOUT_MS);

const siteDirectory = (index: number): string => join(plane.settings.FREEHOLD_DATA_DIR!, 'sites', plane.app.get(BackupsService).port.sites()[index]!.id);
const siteAlerts = async (): Promise<number> =>
  (await plane.app.get(Metadata).dataSource.query<unknown[]>(`SELECT FROM alerts WHERE resolved_at IS NULL AND kind = 'backup-site'`)).length;
const archivedTo = async (): Promise<string[]> =>
  (await plane.app.get(Metadata).dataSource.query<{ sites: string[] }[]>(`SELECT archive_sites AS sites FROM backup_sets WHERE database_id = $1`, [database.id]))[0]!.sites;

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
      await database.wholeBackupAfter(0);
      await remember();
      await database.signal((await database.instance('primary')).id, 'SIGKILL');
      await database.settled(2);
      await remember();
    } finally {
      await writer.stop();
    }
    const { acknowledged } = await writer.stop();
    for (const moment of moments) {
      const { credentials: { uri } } = await database.restoreTo(moment.time);
      const rows = await query<{ n: string; late: boolean }>(uri, `SELECT n, at > '${moment.time.toISOString()}' AS late FROM numbers ORDER BY n`);
      const restored = new Set(rows.map(({ n }) => Number(n)));
      expect(acknowledged.slice(0, moment.acknowledged).filter((number) => !restored.has(number)), 'acknowledged by then').toEqual([]);
      expect(rows.filter(({ late }) => late), 'written after it').toEqual([]);
    }
  }, TIMEOUT_MS);

  it('has a full backup again after the failover, by itself', () => database.wholeBackupAfter(1), TIMEOUT_MS);
});

/** Asks for a backup, and returns once it reads the database's files. */
async function backupUnderWay(): Promise<OperationDocument> {
  const operation = await database.requestBackup();
  const working = join(plane.settings.FREEHOLD_DATA_DIR!, 'work', database.id);
  await eventually(() => processesOf([working]).some(({ command }) => command.includes('--backup-standby')));
  return operation;
}

describe('a database that is switched over while it is backed up', () => {
  it('is switched over at once, and backed up from its new primary', async () => {
    const { epoch } = await database.read();
    const backup = await backupUnderWay();
    expect(await database.ended(await database.switchover())).toMatchObject({ state: 'succeeded', error: null });
    await database.settled(epoch + 1);
    expect(await database.ended(backup)).toMatchObject({ state: 'succeeded', error: null });
  }, TIMEOUT_MS);
});

describe('a primary that is lost while it is backed up', () => {
  it('is failed over from though the backup reads from its standby, and the backup begins anew', async () => {
    const { epoch } = await database.read();
    const operation = await backupUnderWay();
    await database.signal((await database.instance('primary')).id, 'SIGKILL');
    await database.settled(epoch + 1);
    expect(await database.ended(operation)).toMatchObject({ state: 'succeeded', error: null });
    await query(database.credentials.uri, 'INSERT INTO numbers VALUES (1000000)');
    // Not before its commit: a busy server may commit milliseconds after it has inserted.
    const [row] = await query<{ now: Date }>(database.credentials.uri, 'SELECT clock_timestamp() AS now');
    const { credentials: { uri } } = await database.restoreTo(new Date(row!.now.getTime() + 1));
    expect(await query(uri, 'SELECT max(n)::integer AS last FROM numbers')).toEqual([{ last: 1_000_000 }]);
  }, TIMEOUT_MS);
});

describe('a backup site that is gone', () => {
  it('is told of, holds up nobody, and is made whole when it is back', async () => {
    const site = siteDirectory(1);
    const before = (await database.backups()).length;
    renameSync(site, `${site}.gone`);
    try {
      await eventually(async () => (await siteAlerts()) === 1 && (await archivedTo()).length === 2);
      await query(database.credentials.uri, 'INSERT INTO numbers VALUES (1000001)');
    } finally {
      renameSync(`${site}.gone`, site);
    }
    await eventually(async () => (await siteAlerts()) === 0 && (await archivedTo()).length === 3);
    await database.wholeBackupAfter(before);
  }, TIMEOUT_MS);
});

describe.skipIf(!isRoot)('a backup site that is full', () => {
  it('is told of and left out, in the middle of a backup too, and made whole when it has room again', async () => {
    const full = plane.app.get(BackupsService).port.sites()[2]!.id;
    const operation = await database.requestBackup();
    disk!.fill();
    expect(await database.ended(operation)).toMatchObject({ state: 'failed', error: { reason: expect.stringContaining(`no copy at ${full}`) as string } });
    const made = await database.backups();
    expect(made[0]!.copies.filter(({ state }) => state !== 'stored').map(({ site }) => site)).toEqual([full]);
    await eventually(async () => (await siteAlerts()) === 1 && (await archivedTo()).length === 2);
    await query(database.credentials.uri, 'INSERT INTO numbers VALUES (1000003)');
    disk!.makeRoom();
    await eventually(async () => (await siteAlerts()) === 0 && (await archivedTo()).length === 3);
    await database.wholeBackupAfter(made.length);
  }, TIMEOUT_MS);
});

describe('a deleted database', () => {
  it('comes back with the last row that was written', async () => {
    await query(database.credentials.uri, 'INSERT INTO numbers VALUES (1000004)');
    await database.delete({ withoutBackup: false });
    const deleted = await database.read();
    expect(deleted).toMatchObject({ state: 'deleted', instances: [] });
    await succeed((restores, tx) => restores.undelete(tx, { database: deleted, asker }));
    expect(await query(database.credentials.uri, 'SELECT max(n)::integer AS last FROM numbers')).toEqual([{ last: 1_000_004 }]);
  }, TIMEOUT_MS);

  it('comes back with all of it though it went before its first backup was stored, its primary having crashed at that', async () => {
    const young = await DatabaseUnderTest.provision(plane);
    await query(young.credentials.uri, 'CREATE TABLE numbers AS SELECT generate_series(1, 1000) AS n');
    await young.setAutomation(true);
    await young.signal((await young.instance('primary')).id, 'SIGKILL');
    const deletion = await young.delete({ withoutBackup: false });
    expect(deletion).toMatchObject({ state: 'succeeded', error: null });
    expect(deletion.steps.find(({ name }) => name === 'archive')?.detail).toMatchObject({ backup: expect.stringMatching(/^bkp_/) as string });
    const deleted = await young.read();
    await succeed((restores, tx) => restores.undelete(tx, { database: deleted, asker }, 'shop-of-old'));
    expect(await young.read()).toMatchObject({ name: 'shop-of-old', state: 'available', endpoint: deleted.endpoint });
    expect(await query(young.credentials.uri, 'SELECT count(*)::integer AS rows FROM numbers')).toEqual([{ rows: 1_000 }]);
  }, TIMEOUT_MS);
});
