import { spawn } from 'node:child_process';
import { access, chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';

import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openEngine, prepareLocalFleet } from '../../src/engine/engine.js';
import { SILENT_LOG } from '../../src/engine/collaborators.js';
import { drawFreePort } from '../../src/engine/local/fleet/free-ports.js';
import { findPooler } from '../../src/engine/local/gateway/gateway-programs.js';
import { HostShell } from '../../src/engine/local/machine/host-shell.js';
import type { Engine, Route } from '../../src/engine/ports.js';
import { asCustomer } from './engine-suite.js';
import { eventually } from '../support/servers.js';
import { describeDatabase, provision, type TestDatabase } from './harness.js';
import { openLocalHarness } from './local-harness.js';

const NOBODY = 65_534;

/** A fleet as versions left it in which one PgBouncer served a whole region, and databases had no ports of their own. */
describe('a fleet of an earlier version', () => {
  let harness: Awaited<ReturnType<typeof openLocalHarness>>;
  let engine: Engine;
  let shop: TestDatabase;
  let route: Route;
  let retired: number;
  const signal = (): AbortSignal => AbortSignal.timeout(60_000);
  const gateway = (): string => `${harness.root}/gateways/europe`;
  const runs = async (pid: number): Promise<boolean> => /^State:\s+[^ZX]/m.test(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''));

  beforeAll(async () => {
    harness = await openLocalHarness();
    shop = describeDatabase(harness.engine);
    route = await provision(harness.engine, shop);
    await asCustomer(harness, shop, (client) => client.query('CREATE TABLE kept AS SELECT generate_series(1, 100) AS n'));
    await makeEarlier();
    engine = harness.engine;
  });
  afterAll(async () => {
    await engine?.close();
    await harness?.close();
  });

  /** Takes back what this version has made of it, and puts there what the earlier one had. */
  async function makeEarlier(): Promise<void> {
    await harness.engine.gateway.close(shop.spec, shop.effect());
    for (const what of ['router', `poolers/${shop.spec.id}`]) process.kill(Number((await readFile(`${gateway()}/${what}/pid`, 'utf8')).split(':')[0]), 'SIGKILL');
    await harness.engine.close();
    for (const what of ['router', 'poolers']) await rm(`${gateway()}/${what}`, { recursive: true });
    const owner = pg.escapeIdentifier(shop.spec.owner);
    const client = new pg.Client({ host: route.target.address, port: route.target.port, user: 'freehold', password: shop.spec.secrets.control, database: 'postgres', ssl: { rejectUnauthorized: false } });
    await client.connect();
    for (const statement of [
      'DROP DATABASE freehold', `REVOKE CONNECT ON DATABASE postgres FROM ${owner}`, `ALTER ROLE ${owner} NOCREATEDB`, 'DROP ROLE freehold_pooler', 'DROP ROLE freehold_customers',
    ]) await client.query(statement);
    await client.end();
    const { id: databaseId, name, owner: user, ownerVerifier, size: { maxConnections } } = shop.spec;
    await writeFile(`${gateway()}/routes/${databaseId}/route.json`, JSON.stringify({ databaseId, name, owner: user, ownerVerifier, ...route.target, maxConnections, open: true }));
    const fleet = JSON.parse(await readFile(`${harness.dataDir}/fleet.json`, 'utf8')) as { regions: { gateway: Record<string, unknown> }[] };
    for (const region of fleet.regions) region.gateway = { address: region.gateway['address'], account: region.gateway['account'], port: 12_853 };
    await writeFile(`${harness.dataDir}/fleet.json`, JSON.stringify(fleet));
    retired = await startEarlierGateway();
  }

  async function startEarlierGateway(): Promise<number> {
    const { address } = harness.fleet.regions.find(({ id }) => id === 'europe')!.gateway;
    const ini = `${gateway()}/etc/pgbouncer.ini`;
    await mkdir(`${gateway()}/etc`);
    await chmod(`${gateway()}/etc`, 0o755);
    await writeFile(ini, `[databases]\n* = host=127.0.0.1\n[pgbouncer]\nlisten_addr = ${address}\nlisten_port = ${await drawFreePort(address, new Set())}\nunix_socket_dir =\nauth_type = any\n`);
    await writeFile(`${gateway()}/admin-password`, 'secret');
    const account = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
    const { path } = await findPooler(HostShell.bare(harness.dataDir));
    const { pid = 0 } = spawn(path, ['-q', ini], { ...account, detached: true, stdio: 'ignore' });
    await eventually('the earlier gateway to run', () => runs(pid), 5_000);
    return pid;
  }

  it('has its gateways retired, and gets ports for new ones, when it is prepared', async () => {
    const moved: (readonly string[])[] = [];
    const prepare = (): Promise<unknown> => prepareLocalFleet({ dataDir: harness.dataDir, vault: harness.vault, gatewaySlots: 50, onMoved: (reasons) => moved.push(reasons) });
    const prepared = await prepare();
    expect(prepared).toMatchObject({ regions: harness.fleet.regions.map(({ id }) => ({ id, gateway: { firstPort: expect.any(Number) as number, slots: 50 } })) });
    expect(await prepare()).toEqual(prepared);
    expect(moved).toEqual([[expect.stringContaining('ports of its own')]]);
    await eventually('the earlier gateway to end', async () => !(await runs(retired)));
    for (const what of ['etc', 'admin-password']) await expect(access(`${gateway()}/${what}`)).rejects.toThrow();
  });

  it('has no routes until its databases are equipped, and serves then what is in them, with the passwords that they had', async () => {
    engine = await openEngine({ engine: 'local', dataDir: harness.dataDir, vault: harness.vault, log: SILENT_LOG });
    expect(await engine.gateway.observe(shop.spec)).toEqual({ state: 'absent' });
    expect(await engine.gateway.keep('europe', signal())).toMatchObject({ running: [], failed: [] });
    await expect(engine.gateway.open(route, { token: 1n, signal: signal(), trace: {} })).rejects.toMatchObject({ kind: 'superseded' });
    for (const instance of [shop.primary, shop.standby]) await engine.instances.equip(instance, shop.effect());
    await engine.gateway.open(route, shop.effect());
    await engine.gateway.verify(route, shop.password, [shop.standby], shop.effect());
    const { port: session, pooledPort, readOnlyPort } = engine.gateway.endpoint(shop.spec);
    for (const port of [session, pooledPort, readOnlyPort]) {
      const { rows } = await asCustomer({ ...harness, engine }, shop, (client) => client.query<{ count: number }>('SELECT count(*)::int FROM kept'), { port });
      expect(rows).toEqual([{ count: 100 }]);
    }
  });
});
