import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';

import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { checkCluster } from '../../src/engine/local/backups/check-cluster.js';
import type { IsolatedServer } from '../../src/engine/local/sql/isolated-session.js';
import { makeBareDirectory, runBare } from '../support/bare-postgres.js';
import { freePort, postgresMajor } from '../support/servers.js';

const MAJOR = postgresMajor();

/** A restored cluster as a drill has it: reached through a socket, by the control plane and the owner. */
describe('the check of a restored cluster', () => {
  let root: string;
  let data: string;
  let server: IsolatedServer;
  const signal = (): AbortSignal => AbortSignal.timeout(60_000);

  const start = (): Promise<void> => runBare('pg_ctl', ['-D', data, '-w', '-l', join(root, 'log'), '-o', `-p ${server.port} -k ${root} -c listen_addresses= -c fsync=off`, 'start']);
  const stop = (): Promise<void> => runBare('pg_ctl', ['-D', data, '-m', 'immediate', 'stop']);

  async function query(user: string, database: string, text: string): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ host: root, port: server.port, user, database });
    await client.connect();
    try {
      const answer = (await client.query(text)) as pg.QueryResult | pg.QueryResult[];
      return (Array.isArray(answer) ? answer.at(-1)!.rows : answer.rows) as Record<string, unknown>[];
    } finally {
      await client.end();
    }
  }

  beforeAll(async () => {
    root = await makeBareDirectory();
    data = join(root, 'data');
    await runBare('initdb', ['-D', data, '-U', 'freehold', '-A', 'trust', '-k', '-N']);
    server = { socketDirectory: root, port: await freePort(), version: `${MAJOR}.0` };
    await start();
    await query('freehold', 'postgres', 'CREATE ROLE shop LOGIN');
    await query('freehold', 'postgres', 'CREATE DATABASE shop OWNER shop');
    await query('shop', 'shop', `
      CREATE SCHEMA app; CREATE TABLE app.goods (id integer PRIMARY KEY);
      INSERT INTO app.goods SELECT n FROM generate_series(1, 5000) n;
      CREATE FUNCTION app.twice(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 2 * $1';
      CREATE FUNCTION app.slow(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1';
      CREATE FUNCTION app.found(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1';
      CREATE INDEX twice ON app.goods (app.twice(id));
      ${MAJOR < 17 ? 'CREATE INDEX found ON app.goods (app.found(id));' : '-- from 17 on the functions of an index find nothing without its schema'}
      CREATE OR REPLACE FUNCTION app.found(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN (SELECT id FROM goods WHERE id = $1); END $$;
      ALTER ROLE shop SET search_path = app`);
  }, 60_000);

  afterAll(async () => {
    await stop();
    await rm(root, { recursive: true, force: true });
  });

  it('checks all of it, whatever its owner closed, and runs the owner\'s functions as the owner knows them', async () => {
    await query('shop', 'shop', 'ALTER DATABASE shop CONNECTION LIMIT 0');
    const { relations, damage, remarks } = await checkCluster(server, 'shop', signal());
    expect(relations).toBeGreaterThan(300);
    expect({ damage, remarks }).toEqual({ damage: [], remarks: [] });
  });

  it('ends a function that catches every cancellation, says so, and has nothing run on', async () => {
    await query('shop', 'shop', `
      CREATE INDEX slow ON app.goods (app.slow(id));
      CREATE OR REPLACE FUNCTION app.slow(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN LOOP BEGIN PERFORM pg_sleep(1000); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$`);
    const { damage, remarks } = await checkCluster(server, 'shop', signal(), { budgetMs: 1_000 });
    expect(damage).toEqual([]);
    expect(remarks).toEqual([expect.stringMatching(/shop: index app\.slow was not compared.*longer than 1 s/)]);
    expect(await query('freehold', 'postgres', `SELECT FROM pg_stat_activity WHERE usename = 'shop'`)).toEqual([]);
  });

  it.skipIf(MAJOR >= 16)('ends a function that writes all the same, and compares nothing more', async () => {
    await query('shop', 'shop', `
      CREATE FUNCTION app.hoard(integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN LOOP PERFORM lo_from_bytea(0, decode(repeat('00', 900000), 'hex')); END LOOP; END $$;
      CREATE OR REPLACE FUNCTION app.slow(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN app.hoard($1); END $$`);
    let bytes = 0;
    const measure = async (): Promise<number> => Number((await query('freehold', 'shop', 'SELECT pg_database_size(current_database()) AS bytes'))[0]!['bytes']) + (bytes += 2 ** 20);
    const { damage, remarks } = await checkCluster(server, 'shop', signal(), { budgetBytes: 8 * 2 ** 20, measure });
    expect(damage).toEqual([]);
    expect(remarks).toEqual([expect.stringMatching(/shop: index app\.slow, and those after it.*wrote too much/)]);
    expect(await query('freehold', 'postgres', `SELECT FROM pg_stat_activity WHERE usename = 'shop'`)).toEqual([]);
  });

  it('finds a page that was damaged, and tells it from the drill\'s own trouble', async () => {
    const [file] = await query('freehold', 'shop', `CHECKPOINT; SELECT pg_relation_filepath('app.goods') AS path`);
    await stop();
    const handle = await open(join(data, file!['path'] as string), 'r+');
    await handle.write(Buffer.alloc(64, 7), 0, 64, 8_192 + 4_000);
    await handle.close();
    await start();
    const { damage } = await checkCluster(server, 'shop', signal());
    expect(damage).toEqual([expect.stringMatching(/^shop: app\.goods: .*block 1/), ...damage.slice(1)]);
    await expect(checkCluster({ ...server, port: await freePort() }, 'shop', signal())).rejects.toThrow();
  });
});
