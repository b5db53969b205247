import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BackupsService } from '../../src/backups/sets/backups.service.js';
import { MetadataDatabaseRecords, primaryOf } from '../../src/databases/database-records.js';
import { Metadata } from '../../src/metadata/metadata.js';
import { startControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { ObjectStore } from '../support/object-store.js';
import { eventually } from '../support/servers.js';
import { DatabaseUnderTest } from '../support/database-under-test.js';

const TIMEOUT_MS = 180_000;
/** Its probes, of three requests, are answered in time. */
const DELAY_MS = 1_000;
/** About 5 MiB of WAL a second: more than what goes to a site that needs a second for each request. */
const CHUNK_BYTES = 512 * 1024;
const CHUNK_EVERY_MS = 100;

let directory: string;
let store: ObjectStore;
let plane: TestControlPlane;
let database: DatabaseUnderTest;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'freehold-test-sites-'));
  chmodSync(directory, 0o711);
  store = await ObjectStore.start();
  writeFileSync(`${directory}/ca.pem`, store.authority, { mode: 0o644 });
  writeFileSync(`${directory}/s3.key`, 'AKIDEXAMPLE\nsecret-of-the-store\n', { mode: 0o600 });
  plane = await startControlPlane({ settings: { FREEHOLD_BACKUPS_EVERY_MS: '300', FREEHOLD_BACKUP_SITES: JSON.stringify([
    site('near', 'live'), site('far', 'live'), site('cold', 'frozen'),
    { id: 'store', name: 'Store', country: 'DE', dataCenter: 'store', kind: 'live', repository: {
      type: 's3', bucket: 'freehold', endpoint: 'localhost', region: 'eu', keyFile: `${directory}/s3.key`, uriStyle: 'path',
      caFile: `${directory}/ca.pem`, storageHost: 'localhost', storagePort: store.port } },
  ]) } });
  database = await DatabaseUnderTest.provision(plane);
}, TIMEOUT_MS);
afterAll(async () => {
  if (store) store.delayMs = 0;
  await plane?.stop();
  await store?.stop();
  // Frozen copies are immutable, where root makes them.
  if (process.getuid?.() === 0) execFileSync('chattr', ['-R', '-i', `${directory}/cold`]);
  rmSync(directory, { recursive: true, force: true });
}, TIMEOUT_MS);

/** A directory that stands for a machine. */
function site(id: string, kind: 'live' | 'frozen'): object {
  const path = `${directory}/${id}`;
  mkdirSync(path);
  chmodSync(path, 0o711);
  writeFileSync(`${path}/freehold-site`, '');
  return { id, name: id, country: 'DE', dataCenter: id, kind, repository: { type: 'posix', path } };
}

const query = <Row extends object>(statement: string, values: unknown[] = []): Promise<Row[]> => plane.app.get(Metadata).dataSource.query<Row[]>(statement, values);
const siteAlerts = async (): Promise<string[]> =>
  (await query<{ message: string }>(`SELECT message FROM alerts WHERE resolved_at IS NULL AND kind = 'backup-site'`)).map(({ message }) => message);
const archivedTo = async (): Promise<string[]> => (await query<{ sites: string[] }>('SELECT archive_sites AS sites FROM backup_sets WHERE database_id = $1', [database.id]))[0]!.sites;

/** Writes WAL all the time; the answer ends it. */
async function writeMuch(): Promise<() => Promise<void>> {
  const client = new pg.Client(database.credentials.uri);
  await client.connect();
  let stops = false;
  const writing = (async () => {
    while (!stops) {
      await client.query(`SELECT pg_logical_emit_message(false, 'much', repeat(md5(random()::text), $1))`, [CHUNK_BYTES / 32]);
      await new Promise((resolve) => setTimeout(resolve, CHUNK_EVERY_MS));
    }
    await client.end();
  })();
  return () => {
    stops = true;
    return writing;
  };
}

describe('a backup site that is slow', () => {
  it('is left out once WAL waits for it, with an alert, and is made whole when it is fast again', async () => {
    await database.wholeBackupAfter(0, TIMEOUT_MS);
    const before = (await database.backups()).length;
    store.delayMs = DELAY_MS;
    const stop = await writeMuch();
    try {
      await eventually(async () => (await siteAlerts()).some((message) => message.includes('Store cannot be used: it is slow')), TIMEOUT_MS);
      await eventually(async () => (await archivedTo()).sort().join() === 'far,near', TIMEOUT_MS);
      const { ref } = primaryOf(await plane.app.get(MetadataDatabaseRecords).read(database.id));
      await eventually(async () => (await plane.app.get(BackupsService).port.observeArchive(ref, AbortSignal.timeout(5_000))).pendingSeconds < 5, TIMEOUT_MS);
    } finally {
      await stop();
    }
    store.delayMs = 0;
    await query(`UPDATE backup_sites SET tried_at = tried_at - interval '10 minutes'`);
    await eventually(async () => (await siteAlerts()).length === 0 && (await archivedTo()).length === 3, TIMEOUT_MS);
    await database.wholeBackupAfter(before, TIMEOUT_MS);
    expect((await database.backups())[0]!.copies.map((copy) => copy.site).sort()).toEqual(['cold', 'far', 'near', 'store']);
  }, 4 * TIMEOUT_MS);
});
