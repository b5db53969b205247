import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BackupsService } from '../../src/backups/sets/backups.service.js';
import { Metadata } from '../../src/metadata/metadata.js';
import { startControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { NumberedWriter } from '../support/numbered-writer.js';
import { eventually } from '../support/servers.js';
import { DatabaseUnderTest } from '../support/database-under-test.js';
import { SiteDisk } from './support/site-disk.js';

const TIMEOUT_MS = 90_000;

let plane: TestControlPlane;
let disk: SiteDisk;
let site: string;
let database: DatabaseUnderTest;
let writer: NumberedWriter;

beforeAll(async () => {
  plane = await startControlPlane({ settings: { FREEHOLD_BACKUPS_EVERY_MS: '300' } });
  site = plane.app.get(BackupsService).port.sites()[1]!.id;
  disk = SiteDisk.mount(join(plane.settings.FREEHOLD_DATA_DIR!, 'sites', site));
  database = await DatabaseUnderTest.provision(plane);
  writer = await NumberedWriter.start(database.credentials.uri, { restMs: 2 });
});
afterAll(async () => {
  disk?.goOn();
  await writer?.stop();
  disk?.unmount();
  await plane?.stop();
});

const query = <Row extends object>(statement: string, values: unknown[] = []): Promise<Row[]> => plane.app.get(Metadata).dataSource.query<Row[]>(statement, values);
const siteAlerts = async (): Promise<number> => (await query(`SELECT 1 FROM alerts WHERE resolved_at IS NULL AND kind = 'backup-site'`)).length;
const archivedTo = async (): Promise<string[]> => (await query<{ sites: string[] }>(`SELECT archive_sites AS sites FROM backup_sets WHERE database_id = $1`, [database.id]))[0]!.sites;
const written = async (): Promise<void> => {
  const { count } = writer;
  await eventually(() => writer.count > count + 100, TIMEOUT_MS);
};

/** Asks for a backup, which may be one that runs already, and lets the site hang while it is made. */
async function hangDuringBackup(): Promise<void> {
  const operation = await database.requestBackup();
  await eventually(async () => (await database.backups())[0]!.startedAt !== null);
  disk.hang();
  const ended = await database.ended(operation);
  expect(ended).toMatchObject({ state: 'failed', error: { reason: expect.stringContaining(`no copy at ${site}`) as string } });
  const { copies } = (await database.backups())[0]!;
  expect(copies.filter(({ state }) => state !== 'stored').map((copy) => copy.site)).toEqual([site]);
}

describe.skipIf(process.getuid?.() !== 0)('a backup site that hangs', () => {
  it('holds up neither a backup at the others, nor the archive, nor a failover, and is made whole when it goes on', async () => {
    await database.wholeBackupAfter(0, TIMEOUT_MS);
    await hangDuringBackup();
    await eventually(async () => (await siteAlerts()) === 1 && (await archivedTo()).length === 2, TIMEOUT_MS);
    await written();
    await database.signal((await database.instance('primary')).id, 'SIGKILL');
    await database.settled(2);
    await written();
    const { count } = writer;
    const time = new Date();
    await written();
    const before = (await database.backups()).length;
    disk.goOn();
    await eventually(async () => (await siteAlerts()) === 0 && (await archivedTo()).length === 3, TIMEOUT_MS);
    await database.wholeBackupAfter(before, TIMEOUT_MS);
    const { acknowledged } = await writer.stop();
    const restored = await restoredTo(time);
    expect(acknowledged.slice(0, count).filter((number) => !restored.some(({ n }) => n === number)), 'acknowledged by then').toEqual([]);
    expect(restored.filter(({ late }) => late), 'written after it').toEqual([]);
  }, 2 * TIMEOUT_MS);
});

async function restoredTo(time: Date): Promise<{ n: number; late: boolean }[]> {
  const { credentials } = await database.restoreTo(time);
  const client = new pg.Client(credentials.uri);
  await client.connect();
  try {
    return (await client.query<{ n: number; late: boolean }>('SELECT n::integer, at > $1 AS late FROM numbers', [time])).rows;
  } finally {
    await client.end();
  }
}
