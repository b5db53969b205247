import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openEngine, prepareLocalFleet } from '../../src/engine/engine.js';
import { SILENT_LOG } from '../../src/engine/collaborators.js';
import type { PublicCertificateFiles } from '../../src/engine/local/fleet/fleet-description.js';
import { loadAuthority } from '../../src/engine/local/fleet/region-authority.js';
import { HostShell } from '../../src/engine/local/machine/host-shell.js';
import type { Engine, InstanceRef, Route } from '../../src/engine/ports.js';
import { PublicAuthority, type IssuedCertificate } from '../support/public-authority.js';
import { eventually } from '../support/servers.js';
import { describeDatabase, provision, type TestDatabase } from './harness.js';
import { openLocalHarness } from './local-harness.js';

const run = promisify(execFile);
/** Resolves everywhere, and is no address. */
const HOST = 'localhost';

/** libpq takes the bundle of authorities for the system's. */
describe('a fleet with a public certificate', () => {
  let harness: Awaited<ReturnType<typeof openLocalHarness>>;
  let engine: Engine;
  let authority: PublicAuthority;
  let directory: string;
  let files: PublicCertificateFiles;
  let shop: TestDatabase;
  let route: Route;
  const signal = (): AbortSignal => AbortSignal.timeout(60_000);

  beforeAll(async () => {
    [harness, authority, directory] = await Promise.all([openLocalHarness(), PublicAuthority.create('Everybody'), mkdtemp(join(tmpdir(), 'freehold-public-'))]);
    files = { certificate: join(directory, 'cert.pem'), key: join(directory, 'key.pem'), authorities: join(directory, 'bundle.pem') };
    await writeFile(files.authorities, authority.root);
    engine = harness.engine;
    shop = describeDatabase(engine);
    route = await provision(engine, shop);
  });
  afterAll(async () => {
    await engine?.close();
    await harness?.close();
    await rm(directory, { recursive: true, force: true });
  });

  const publish = async ({ chain, key }: Pick<IssuedCertificate, 'chain' | 'key'>): Promise<void> => {
    await Promise.all([writeFile(files.certificate, chain), writeFile(files.key, key)]);
    // A clock of the file system that is coarse must not hide it.
    await utimes(files.certificate, new Date(), new Date(Date.now() + Math.random() * 1_000_000));
  };
  const prepare = (publicCertificate: PublicCertificateFiles | null, publicHost: string | null = HOST): Promise<unknown> =>
    prepareLocalFleet({ dataDir: harness.dataDir, vault: harness.vault, gatewaySlots: 50, publicHost, publicCertificate });
  const reopen = async (): Promise<void> => {
    await engine.close();
    engine = await openEngine({ engine: 'local', dataDir: harness.dataDir, vault: harness.vault, log: SILENT_LOG });
    const { address, port = 0 } = await engine.instances.observe(shop.primary, signal());
    route = { ...route, target: { address, port } };
  };
  /** The router was started before the fleet had a public host, and still listens at its own address alone. */
  const endpoint = (which: 'port' | 'pooledPort' | 'readOnlyPort') => ({ host: harness.fleet.regions.find(({ id }) => id === 'europe')!.gateway.address, port: engine.gateway.endpoint(shop.spec)[which] });
  const PORTS = ['port', 'pooledPort', 'readOnlyPort'] as const;

  /** As psql does with the printed URI, but that libpq before 16 has no word for the system's authorities. */
  async function asClient(which: 'port' | 'pooledPort' | 'readOnlyPort', bundle = files.authorities): Promise<string> {
    const { host, port } = endpoint(which);
    const uri = `postgresql://${shop.spec.owner}@${HOST}:${port}/${shop.spec.name}?hostaddr=${host}&sslmode=verify-full&sslrootcert=${bundle}&connect_timeout=5`;
    const { stdout } = await run('psql', ['-XAtc', 'SELECT 42', uri], { env: { ...process.env, PGPASSWORD: shop.password } });
    return stdout.trim();
  }

  /** The serial number of what is presented at an endpoint, in a session that is left open. */
  async function openSession(which: 'port' | 'pooledPort' | 'readOnlyPort'): Promise<{ readonly client: pg.Client; readonly serial: string }> {
    let serial = '';
    const client = new pg.Client({
      ...endpoint(which), user: shop.spec.owner, password: shop.password, database: shop.spec.name,
      ssl: { ca: await readFile(files.authorities, 'utf8'), servername: HOST, checkServerIdentity: (_: string, { serialNumber }: { serialNumber: string }) => void (serial = serialNumber) },
    });
    await client.connect();
    return { client, serial };
  }

  const streams = async (standby: InstanceRef): Promise<boolean> => (await engine.instances.observe(standby, signal())).receiving === true;

  it('is refused at the start with all that is wrong with it', async () => {
    const { chain } = await authority.issue(['other.example.org'], { expired: true });
    await publish({ chain, key: (await authority.issue([HOST])).key });
    const faults = await prepare(files).catch((error: unknown) => (error as Error).message);
    expect(faults).toMatch(/^the public certificate cannot be used:\n {2}the certificate expired at .*\n {2}the certificate is not for localhost, but for other.example.org\n {2}the key does not match the certificate$/);
    await expect(prepare({ ...files, key: join(directory, 'nowhere') })).rejects.toThrow(/its key .*\/nowhere is not there/);
    await publish(await authority.issue([HOST]));
    await expect(prepare(files, null)).rejects.toThrow(/it needs a public host/);
  });

  it('is taken over by servers that run: clients of all three addresses need no other authority', async () => {
    await prepare(null);
    await reopen();
    const before = await Promise.all([shop.primary, shop.standby].map((instance) => engine.instances.observe(instance, signal())));
    await prepare(files);
    await reopen();
    await engine.gateway.keep('europe', signal());
    await eventually('the public certificate to be served', async () => (await Promise.all(PORTS.map((which) => asClient(which)))).every((answer) => answer === '42'), 20_000)
      .catch(async (error: unknown) => {
        await asClient('port');
        throw error;
      });
    expect(engine.gateway.endpoint(shop.spec).rootCertificatePath).toBe('system');
    expect(await Promise.all([shop.primary, shop.standby].map((instance) => engine.instances.observe(instance, signal())))).toMatchObject(
      before.map(({ role, process }) => ({ role, process })));
    await eventually('the standby to stream again', () => streams(shop.standby));
    await engine.gateway.verify(route, shop.password, [shop.standby], shop.effect());
    expect(await Promise.all(PORTS.map((which) => asClient(which, `${harness.root}/regions/europe/ca.pem`)))).toEqual(['42', '42', '42']);
  });

  it('lets no server in that another certificate of the same authority is for', async () => {
    const trusted = await engine.gateway.certificateAuthority('europe');
    expect(trusted).not.toContain(authority.root.trim());
    expect(trusted.match(/BEGIN CERTIFICATE/g)).toHaveLength(3);
  });

  it('is renewed in place: sessions go on, and new ones see the new one', async () => {
    const held = await Promise.all(PORTS.map((which) => openSession(which)));
    await publish(await authority.issue([HOST]));
    const serials = async (): Promise<string[]> => Promise.all(PORTS.map(async (which) => {
      const { client, serial } = await openSession(which);
      await client.end();
      return serial;
    }));
    await eventually('the new certificate to be served', async () => {
      await engine.gateway.keep('europe', signal());
      return (await serials()).every((serial, index) => serial !== held[index]?.serial);
    }, 20_000);
    for (const { client } of held) {
      expect((await client.query<{ n: number }>('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
      await client.end();
    }
    expect(await streams(shop.standby)).toBe(true);
  });

  it('goes on with the one before while its files are of no use', async () => {
    const { serial, client } = await openSession('port');
    await client.end();
    await publish({ ...(await authority.issue([HOST])), key: 'half written' });
    const cannotBeUsed = { severity: 'critical', message: expect.stringMatching(/cannot be used: .*key/) as string };
    await eventually('operators to be told', async () => (await engine.gateway.keep('europe', signal())).certificate !== null);
    for (let round = 0; round < 3; round += 1) expect(await engine.gateway.keep('europe', signal())).toMatchObject({ certificate: cannotBeUsed });
    const after = await openSession('port');
    await after.client.end();
    expect(after.serial).toBe(serial);
    await publish(await authority.issue([HOST]));
    await eventually('all to be well again', async () => (await engine.gateway.keep('europe', signal())).certificate === null);
  });

  it('is presented by the successor after a failover, and by the old primary that follows it', async () => {
    await engine.instances.fence(shop.primary, shop.effect());
    await engine.gateway.close(shop.spec, shop.effect());
    const { address, port = 0 } = await engine.instances.promote(shop.standby, shop.effect());
    route = { ...route, target: { address, port }, readers: [] };
    await engine.gateway.open(route, shop.effect());
    expect(await Promise.all(PORTS.map((which) => asClient(which)))).toEqual(['42', '42', '42']);
    await engine.instances.rejoin(shop.primary, shop.standby, shop.effect());
    await engine.gateway.verify(route, shop.password, [shop.primary], shop.effect());
  });

  it('gives way to the fleet\'s own again', async () => {
    await prepare(null);
    await reopen();
    [route] = [{ ...route, target: await engine.instances.observe(shop.standby, signal()).then(({ address, port = 0 }) => ({ address, port })) }];
    await eventually('the fleet\'s own certificate to be served', async () => {
      await engine.gateway.keep('europe', signal());
      return asClient('port').then(() => false, () => true);
    }, 20_000);
    expect(await Promise.all(PORTS.map((which) => asClient(which, `${harness.root}/regions/europe/ca.pem`)))).toEqual(['42', '42', '42']);
    await eventually('the standby to stream again', () => streams(shop.primary));
    await engine.gateway.verify(route, shop.password, [shop.primary], shop.effect());
  });

  it('renews the fleet\'s own certificates at two thirds of their life, under sessions that go on', async () => {
    const { root, fleet, vault } = harness;
    const shell = await HostShell.open(root);
    const signs = await loadAuthority(shell, fleet, 'europe', vault);
    const primary = `${root}/hosts/${shop.standby.host}/${shop.spec.id}/volume/${shop.standby.id}/etc`;
    const places = [primary, `${root}/gateways/europe/poolers/${shop.spec.id}/etc`];
    const hosts = [endpoint('port').host, route.target.address];
    for (const etc of places) {
      // It was made to begin a day ago.
      const { certificate, key } = await signs.issue(hosts[0]!, hosts, 0.45);
      for (const [name, content] of [['server.key', key], ['server.crt', certificate]] as const) await writeFile(`${etc}/${name}`, content);
    }
    const pids = [(await readFile(primary.replace('/etc', '/data/postmaster.pid'), 'utf8')).split('\n')[0]!, (await readFile(`${root}/gateways/europe/poolers/${shop.spec.id}/pid`, 'utf8')).split(':')[0]!];
    for (const pid of pids) process.kill(Number(pid), 'SIGHUP');
    const before = await Promise.all(places.map((etc) => readFile(`${etc}/server.crt`, 'utf8')));
    const bundle = await readFile(`${root}/regions/europe/ca.pem`, 'utf8');
    const held = await Promise.all((['port', 'pooledPort'] as const).map(async (which) => {
      const client = new pg.Client({ ...endpoint(which), user: shop.spec.owner, password: shop.password, database: shop.spec.name, ssl: { ca: bundle } });
      await client.connect();
      return client;
    }));
    await reopen();
    await eventually('new certificates', async () => {
      await engine.gateway.keep('europe', signal());
      const now = await Promise.all(places.map((etc) => readFile(`${etc}/server.crt`, 'utf8')));
      return now.every((certificate, index) => certificate !== before[index] && Date.parse(new X509Certificate(certificate).validTo) > Date.now() + 4 * 365 * 86_400_000);
    }, 20_000);
    for (const client of held) {
      expect((await client.query<{ n: number }>('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
      await client.end();
    }
    expect(await Promise.all(PORTS.map((which) => asClient(which, `${root}/regions/europe/ca.pem`)))).toEqual(['42', '42', '42']);
  });
});
