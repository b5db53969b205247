import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildCommand, freehold } from '../support/freehold-command.js';
import { eventually, freePort } from '../support/servers.js';

/** All hosts, the backup sites and the control plane on one disk, as on one machine; only root can make one. */
const DISK = '2000M';
const LEFT_MB = 500;
const MORE_MB = 300;
const MIB = 2 ** 20;

interface Made {
  readonly database: { readonly id: string };
  readonly credentials: { readonly uri: string };
}

describe.skipIf(process.getuid?.() !== 0)('a disk that one tenant fills', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'freehold-full-'));
  const disk = join(scratch, 'disk');
  let client: Record<string, string>;
  let api: string;
  let customerId: string;
  let greedy: Made;
  let neighbour: Made;

  beforeAll(async () => {
    execFileSync('truncate', ['--size', DISK, `${disk}.image`]);
    // Nothing of it is spared for root.
    execFileSync('mkfs.ext4', ['-q', '-m', '0', `${disk}.image`]);
    mkdirSync(disk);
    execFileSync('mount', ['-o', 'loop', `${disk}.image`, disk]);
    await buildCommand();
    const up = await freehold(['up', '--data-dir', disk, '--port', String(await freePort()), '--detach', '--json']);
    expect(up, up.stderr).toMatchObject({ code: 0 });
    const ready = JSON.parse(up.stdout) as { api: string; operatorKey: string };
    api = ready.api;
    client = { FREEHOLD_URL: api, FREEHOLD_API_KEY: ready.operatorKey };
    customerId = ((await call('POST', '/v1/customers', { name: 'Acme', email: 'acme@example.com' })) as { id: string }).id;
    const create = async (name: string): Promise<Made> => {
      const made = await freehold(['databases', 'create', '--customer', customerId, '--name', name, '--region', 'europe', '--json'], client);
      expect(made, made.stderr).toMatchObject({ code: 0 });
      return JSON.parse(made.stdout) as Made;
    };
    [greedy, neighbour] = await Promise.all([create('greedy'), create('neighbour')]);
    for (const { credentials } of [greedy, neighbour]) expect(await query(credentials.uri, 'CREATE TABLE junk (n int, filling text)')).toBeUndefined();
    // So that it does not take long.
    reserve('filled-before', MORE_MB * MIB);
    reserve('filled', freeBytes() - LEFT_MB * MIB);
  });

  afterAll(async () => {
    await freehold(['purge', '--yes', '--data-dir', disk]);
    execFileSync('umount', [disk]);
    rmSync(scratch, { recursive: true, force: true });
  });

  const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(`${api}${path}`, {
      method, headers: { authorization: `Bearer ${client.FREEHOLD_API_KEY}`, 'content-type': 'application/json' }, ...(body ? { body: JSON.stringify(body) } : {}),
    });
    return response.json();
  };
  const storageOf = async ({ database }: Made) => ((await call('GET', `/v1/databases/${database.id}`)) as { storage: { state: string; because: string | null } }).storage;
  const openAlerts = async (kind: string) => ((await call('GET', '/v1/alerts')) as { data: { kind: string; state: string; subjectId: string | null }[] }).data
    .filter((alert) => alert.kind === kind && alert.state === 'open');
  const freeBytes = (): number => {
    const { bavail, bsize } = statfsSync(disk);
    return bavail * bsize;
  };
  const reserve = (name: string, bytes: number): unknown => execFileSync('fallocate', ['--length', String(Math.max(1, Math.floor(bytes))), join(disk, name)]);
  /** To the last block, once: what is let go then, since it is full, is left alone. */
  const fillUp = (): void => {
    const path = join(disk, 'filled-after');
    try {
      // Others write meanwhile, so that it may fail; what there was is reserved all the same.
      reserve('filled-after', freeBytes() - 2 * MIB);
      for (let kib = 0; kib < 4_096; kib += 64) appendFileSync(path, Buffer.alloc(64 * 1024));
    } catch {
      // It is full.
    }
  };
  /** Some MiB that do not compress, in a transaction of their own. */
  const FILL = `INSERT INTO junk SELECT n, (SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 60 + n % 2)) FROM generate_series(1, 2000) AS n`;
  const INSERT = `INSERT INTO junk VALUES (1, 'x')`;

  it('stops that one, and nobody else notices', async () => {
    expect(await watchOver(neighbour.credentials.uri, api, INSERT, async () => {
      let refused: string | undefined;
      while (refused === undefined) refused = await query(greedy.credentials.uri, FILL);
      // Read-only; or ended, as the server says it or the gateway that has lost it.
      expect(['25006', '57P01', '08P01']).toContain(refused);
      await eventually(async () => (await storageOf(greedy)).state === 'readOnly');
      expect(await storageOf(greedy)).toMatchObject({ because: 'host' });
      expect(await openAlerts('read-only')).toMatchObject([{ subjectId: greedy.database.id }]);
      expect(await query(greedy.credentials.uri, INSERT)).toBe('25006');
      // Its WAL takes room, too: while the disk still loses some fast, whoever writes much is ended.
      await eventually(async () => (await query(greedy.credentials.uri, 'BEGIN READ WRITE', 'DELETE FROM junk WHERE n = 1', 'COMMIT')) === undefined);
    })).toEqual([]);
    // Room for a segment of WAL of the control plane's own metadata, at least.
    expect(freeBytes()).toBeGreaterThan(16 * MIB);
  });

  it('closes it when it does not let itself be stopped', async () => {
    rmSync(join(disk, 'filled-before'));
    const going = new AbortController();
    let writers: Promise<void>[] = [];
    expect(await watchOver(neighbour.credentials.uri, api, INSERT, async () => {
      writers = [1, 2].map(async () => {
        while (!going.signal.aborted) await query(greedy.credentials.uri, 'SET default_transaction_read_only = off', ...Array.from({ length: 20 }, () => FILL));
      });
      // Nobody may go on when it fails.
      await eventually(async () => (await storageOf(greedy)).state === 'closed').finally(() => going.abort());
    })).toEqual([]);
    await Promise.all(writers);
  });

  it('is survived by the control plane, whoever fills it: it goes on with its reserve, and deletes', async () => {
    const ballast = join(disk, 'control/ballast');
    const segmentsBefore = readdirSync(join(disk, 'control/metadata/pg_wal')).length;
    fillUp();
    await eventually(() => !existsSync(ballast));
    await eventually(async () => (await openAlerts('disk')).length > 0);
    const more = await freehold(['databases', 'create', '--customer', customerId, '--name', 'more', '--region', 'europe'], client);
    expect(more).toMatchObject({ code: 1, stderr: expect.stringContaining('room') as string });
    const metadataPid = (): number => (JSON.parse(readFileSync(join(disk, 'control/run/metadata.json'), 'utf8')) as { pid: number }).pid;
    const killed = metadataPid();
    process.kill(killed, 'SIGKILL');
    // Until somebody has noticed, the API is as ready as before.
    await eventually(async () => metadataPid() !== killed && (await fetch(`${api}/readyz`)).status === 200);
    // No site takes the WAL of the metadata, and no new room is taken for it.
    await completeSegments(disk, 8);
    const wal = join(disk, 'control/metadata/pg_wal');
    await eventually(() => readdirSync(join(wal, 'archive_status')).filter((name) => name.endsWith('.ready')).length <= 4);
    expect(readdirSync(wal).length).toBeLessThanOrEqual(segmentsBefore + 4);
    expect(await freehold(['down', '--data-dir', disk])).toMatchObject({ code: 0 });
    const again = await freehold(['up', '--data-dir', disk, '--detach', '--json']);
    expect(again, again.stderr).toMatchObject({ code: 0 });
    // A failover that the full disk has begun is ended first. The backup sites of this fleet are as full as the rest.
    await eventually(async () => {
      const deleted = await freehold(['databases', 'delete', greedy.database.id, '--without-backup'], client);
      if (deleted.code !== 0) throw new Error(deleted.stderr);
      return true;
    });
  });

  it('is well again by itself once there is room', async () => {
    for (const name of ['filled', 'filled-after']) rmSync(join(disk, name));
    await eventually(() => existsSync(join(disk, 'control/ballast')));
    await eventually(async () => (await query(neighbour.credentials.uri, INSERT)) === undefined);
    await eventually(async () => (await openAlerts('disk')).length + (await openAlerts('read-only')).length === 0);
    expect((await storageOf(neighbour)).state).toBe('ok');
  });
});

/** Runs statements in a session of their own; answers with the SQLSTATE of an error. */
async function query(uri: string, ...statements: string[]): Promise<string | undefined> {
  let client: pg.Client | undefined;
  try {
    client = new pg.Client({ connectionString: uri, connectionTimeoutMillis: 5_000, query_timeout: 20_000 });
    client.on('error', () => undefined);
    await client.connect();
    for (const statement of statements) await client.query(statement);
    return undefined;
  } catch (error) {
    return (error as pg.DatabaseError).code ?? (error as Error).message;
  } finally {
    await client?.end().catch(() => undefined);
  }
}

/** What the metadata server does every ten seconds. */
async function completeSegments(dataDir: string, count: number): Promise<void> {
  const { metadata } = JSON.parse(readFileSync(join(dataDir, 'control/ports.json'), 'utf8')) as { metadata: number };
  const server = new pg.Client({ host: join(dataDir, 'run/m'), port: metadata, user: 'postgres', database: 'postgres' });
  await server.connect();
  for (let segment = 0; segment < count; segment += 1) await server.query(`SELECT pg_logical_emit_message(false, '', ''), pg_switch_wal()`);
  await server.end();
}

/** Writes to a database and asks the API all the time while something is done; answers with what did not go well. */
async function watchOver(uri: string, api: string, statement: string, act: () => Promise<void>): Promise<string[]> {
  const troubles: string[] = [];
  let stopping = false;
  const watching = (async () => {
    while (!stopping) {
      const [trouble, status] = await Promise.all([query(uri, statement), fetch(`${api}/readyz`).then((response) => response.status, String)]);
      if (trouble !== undefined) troubles.push(`a write: ${trouble}`);
      if (status !== 200) troubles.push(`the API: ${status}`);
    }
  })();
  await act().finally(() => (stopping = true));
  await watching;
  return troubles;
}
