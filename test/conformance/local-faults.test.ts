import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { Vault } from '../../src/secrets/vault.js';
import { openEngine, prepareLocalFleet, purgeLocalFleet, shutDownLocalFleet } from '../../src/engine/engine.js';
import { SILENT_LOG } from '../../src/engine/collaborators.js';
import { HostShell } from '../../src/engine/local/machine/host-shell.js';
import { isStopped, readProcess } from '../../src/engine/local/machine/processes.js';
import type { Engine, Route } from '../../src/engine/ports.js';
import { signalAll } from '../support/signal-all.js';
import { asCustomer } from './engine-suite.js';
import { eventually } from '../support/servers.js';
import { describeDatabase, provision, type Harness, type TestDatabase } from './harness.js';
import { openLocalHarness } from './local-harness.js';

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;

/** Living processes that work below a directory, or were started with it. */
async function processesOf(directory: string): Promise<number[]> {
  const found: number[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue;
    const cwd = await readlink(`/proc/${entry}/cwd`).catch(() => '');
    const argv = await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '');
    const status = await readFile(`/proc/${entry}/status`, 'utf8').catch(() => 'State:\tX');
    if (!/State:\s+[ZX]/.test(status) && (cwd.startsWith(directory) || argv.includes(directory))) found.push(Number(entry));
  }
  return found;
}

describe('the local engine under faults', () => {
  let harness: Harness & { readonly dataDir: string; readonly root: string; readonly vault: Parameters<typeof prepareLocalFleet>[0]['vault'] };
  let engine: Engine;
  let root: string;
  let shop: TestDatabase;
  let route: Route;
  const signal = (): AbortSignal => AbortSignal.timeout(90_000);
  const home = (database: TestDatabase, which: 'primary' | 'standby'): string =>
    `${root}/hosts/${database[which].host}/${database.spec.id}/volume/${database[which].id}`;
  const postmaster = async (database: TestDatabase, which: 'primary' | 'standby'): Promise<number> =>
    Number((await readFile(`${home(database, which)}/data/postmaster.pid`, 'utf8')).split('\n')[0]);
  const gatewayPid = async (what: 'router' | 'pooler' = 'router'): Promise<number> =>
    Number((await readFile(`${root}/gateways/europe/${what === 'router' ? what : `poolers/${shop.spec.id}`}/pid`, 'utf8')).split(':')[0]);

  const beginAnew = async (): Promise<void> => {
    shop = describeDatabase(engine);
    route = await provision(engine, shop);
  };

  beforeAll(async () => {
    harness = await openLocalHarness();
    engine = harness.engine;
    ({ root } = harness);
    await beginAnew();
  });
  afterEach(async ({ task }) => {
    // What a test that failed left behind is none of the next one's business.
    if (task.result?.state === 'fail') await beginAnew();
  });
  afterAll(() => harness?.close());

  it.runIf(isRoot)('reaches a data directory below a folder that only root may enter', async () => {
    expect((await stat(join(harness.dataDir, '..'))).mode & 0o777).toBe(0o700);
    expect(root).toMatch(/^\/run\/freehold\//);
    const { rootCertificatePath } = engine.gateway.endpoint(shop.spec);
    const { stdout } = await run('cat', [rootCertificatePath ?? ''], { uid: 65_534, gid: 65_534 });
    expect(stdout).toContain('BEGIN CERTIFICATE');
  });

  it.runIf(isRoot)('runs each database under an account of its own, and lets no other in', async () => {
    const other = describeDatabase(engine);
    await engine.instances.createPrimary(other.primary, other.effect());
    const uids = await Promise.all([shop, other].map(async (database) => (await stat(`/proc/${await postmaster(database, 'primary')}`)).uid));
    expect(new Set(uids).size).toBe(2);
    expect(Math.min(...uids)).toBeGreaterThanOrEqual(2 ** 20);
    const [uid = 0] = uids;
    expect(await stat(`${home(shop, 'primary')}/data`)).toMatchObject({ uid });
    await expect(run('ls', [`${home(other, 'primary')}/data`], { uid, gid: uid })).rejects.toThrow(/Permission denied/);
    await expect(run('ls', [`${home(other, 'primary')}/etc`], { uid, gid: uid })).rejects.toThrow(/Permission denied/);
    await engine.instances.destroy(other.primary, other.effect());
    expect(await processesOf(home(other, 'primary'))).toEqual([]);
    await expect(stat(home(other, 'primary'))).rejects.toThrow(/ENOENT/);
    expect(await readdir(`${root}/hosts/${other.primary.host}/${other.spec.id}/${other.primary.id}`)).toEqual(['lock', 'token']);
  });

  it('shows no password in the arguments of a process', async () => {
    const shown: string[] = [];
    for (const entry of await readdir('/proc')) {
      if (/^\d+$/.test(entry)) shown.push(await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => ''));
    }
    const secrets = [shop.spec.secrets.control, shop.spec.secrets.replication, shop.password];
    expect(shown.filter((argv) => secrets.some((secret) => argv.includes(secret)))).toEqual([]);
  });

  it('starts a gateway that was killed, and serves again', async () => {
    process.kill(await gatewayPid(), 'SIGKILL');
    const kept = await Promise.all([engine.gateway.keep('europe', signal()), engine.gateway.keep('europe', signal())]);
    expect(kept.flatMap(({ started }) => started)).toEqual(['router']);
    await engine.gateway.verify(route, shop.password, [shop.standby], shop.effect());
    expect(await engine.gateway.keep('europe', signal())).toMatchObject({ started: [] });
  });

  it('starts a gateway once, however many find it dead or only just started', async () => {
    process.kill(await gatewayPid(), 'SIGKILL');
    const looks: Promise<void>[] = [];
    const started: string[] = [];
    await eventually('the gateway to be started', () => {
      looks.push(engine.gateway.keep('europe', signal()).then((kept) => void started.push(...kept.started)));
      return started.length > 0;
    });
    await Promise.all(looks);
    expect(started).toEqual(['router']);
  });

  it('keeps its gateway while clients log in to a route that is closed and opened', async () => {
    const pid = await gatewayPid();
    let going = true;
    const clients = Array.from({ length: 8 }, async () => {
      while (going) await asCustomer(harness, shop, (client) => client.query('SELECT 1')).catch(() => undefined);
    });
    for (let round = 0; round < 8; round += 1) {
      await engine.gateway.close(shop.spec, shop.effect());
      await engine.gateway.open(route, shop.effect());
    }
    going = false;
    await Promise.all(clients);
    expect(await gatewayPid()).toBe(pid);
  });

  it.each(['router', 'pooler'] as const)('restarts a %s that hangs', async (what) => {
    process.kill(await gatewayPid(what), 'SIGSTOP');
    // A process that was signalled stops when it comes to it.
    const started: string[] = [];
    await eventually('it to be started again', async () => {
      started.push(...(await engine.gateway.keep('europe', signal())).started);
      return started.length > 0;
    });
    expect(started).toEqual([what === 'router' ? what : shop.spec.id]);
    await engine.gateway.verify(route, shop.password, [shop.standby], shop.effect());
  });

  it('starts an instance that was killed with all that was acknowledged', async () => {
    await asCustomer(harness, shop, (client) => client.query('CREATE TABLE kept AS SELECT 42 AS answer'));
    process.kill(await postmaster(shop, 'primary'), 'SIGKILL');
    await eventually('the primary to be seen down', async () => (await engine.instances.observe(shop.primary, signal())).process === 'stopped');
    expect(await engine.instances.start(shop.primary, shop.effect())).toMatchObject({ process: 'running', role: 'primary', synchronousStandbys: [shop.standby.id] });
    await eventually('the standby to stream again', async () => (await engine.instances.observe(shop.standby, signal())).receiving === true);
    const { rows } = await asCustomer(harness, shop, (client) => client.query('TABLE kept'));
    expect(rows).toEqual([{ answer: 42 }]);
    await asCustomer(harness, shop, (client) => client.query('DROP TABLE kept'));
  });

  it('sees a server that hangs, in bounded time', async () => {
    const pid = await postmaster(shop, 'primary');
    process.kill(pid, 'SIGSTOP');
    await eventually('it to be stopped', async () => isStopped(readProcess(pid)!));
    const startedAt = Date.now();
    expect(await engine.instances.observe(shop.primary, signal())).toMatchObject({ process: 'hung', exists: true });
    expect(Date.now() - startedAt).toBeLessThan(20_000);
    process.kill(pid, 'SIGCONT');
    await eventually('the server to answer', async () => (await engine.instances.observe(shop.primary, signal())).process === 'running');
  });

  it('copies a standby anew that cannot stream any more', async () => {
    const { systemIdentifier } = await engine.instances.observe(shop.primary, signal());
    await engine.instances.setSynchronousStandbys(shop.primary, [], shop.effect());
    process.kill(await postmaster(shop, 'standby'), 'SIGKILL');
    await rm(`${home(shop, 'standby')}/data/global/pg_control`);
    expect(await engine.instances.attachStandby(shop.standby, shop.primary, shop.effect())).toMatchObject({ receiving: true, systemIdentifier });
    const { lsn } = await engine.instances.setSynchronousStandbys(shop.primary, [shop.standby.id], shop.effect());
    await engine.instances.waitForFlush(shop.primary, shop.standby.id, lsn, shop.effect());
  });

  it('never overwrites the data of a primary by a copy', async () => {
    await expect(engine.instances.attachStandby(shop.primary, shop.standby, shop.effect())).rejects.toMatchObject({ kind: 'permanent' });
  });

  it('does not start a fenced instance', async () => {
    const mark = `${root}/hosts/${shop.standby.host}/${shop.spec.id}/${shop.standby.id}/mark`;
    await writeFile(mark, '');
    expect(await engine.instances.observe(shop.standby, signal())).toMatchObject({ marked: true });
    await expect(engine.instances.start(shop.standby, shop.effect())).rejects.toMatchObject({ kind: 'permanent' });
    await rm(mark);
  });

  it('says what the failing program said', async () => {
    const broken = describeDatabase(engine);
    const data = `${root}/hosts/${broken.primary.host}/${broken.spec.id}/volume`;
    await mkdir(join(data, '..'), { recursive: true });
    await writeFile(data, 'in the way');
    await expect(engine.instances.createPrimary(broken.primary, broken.effect())).rejects.toMatchObject({ kind: 'transient', message: expect.stringMatching(/File exists|Not a directory/) });
    await rm(data);
  });

  it('ends a half-made instance when the time is over, and makes it anew', async () => {
    const late = describeDatabase(engine);
    await expect(engine.instances.createPrimary(late.primary, late.effect(150))).rejects.toMatchObject({ name: 'EngineError' });
    expect(await engine.instances.createPrimary(late.primary, late.effect())).toMatchObject({ process: 'running', role: 'primary' });
    await engine.instances.destroy(late.primary, late.effect());
    expect(await processesOf(home(late, 'primary'))).toEqual([]);
  });

  it('destroys stopped processes too', async () => {
    const stuck = describeDatabase(engine);
    await engine.instances.createPrimary(stuck.primary, stuck.effect());
    signalAll(await processesOf(`${home(stuck, 'primary')}/data`), 'SIGSTOP');
    await engine.instances.destroy(stuck.primary, stuck.effect());
    expect(await processesOf(home(stuck, 'primary'))).toEqual([]);
  });

  describe('a fenced effect', () => {
    let shell: HostShell;
    let subject: string;

    beforeAll(async () => {
      shell = await HostShell.open(await mkdtemp(join(tmpdir(), 'freehold-gate-')), 200);
      subject = `${shell.root}/subject`;
    });
    afterAll(() => rm(shell.root, { recursive: true, force: true }));

    it('kills a stuck holder by a higher token, with all that it started, and what the holder does later does nothing', async () => {
      const stuck = shell.fenced({ directory: subject, token: 5n, name: 'it' }, signal(), async (gate) => {
        await gate.run('sleep 300 & sleep 300; echo late > /proc/self/cwd/never');
        return gate.run(`echo late > ${subject}/late`);
      });
      stuck.catch(() => undefined);
      await eventually('the holder to hold', async () => (await readFile(`${subject}/lock`, 'utf8').catch(() => '')).trimEnd().endsWith(' 5'));
      const holder = Number((await readFile(`${subject}/lock`, 'utf8')).split(' ')[0]);
      await expect(shell.fenced({ directory: subject, token: 4n, name: 'it' }, signal(), async () => 'in')).rejects.toMatchObject({ kind: 'superseded' });
      expect(await shell.fenced({ directory: subject, token: 6n, name: 'it' }, signal(), async () => 'in')).toBe('in');
      await expect(stuck).rejects.toMatchObject({ kind: 'superseded' });
      await expect(stat(`${subject}/late`)).rejects.toThrow();
      expect(shell.readProcess(holder)).toBeUndefined();
      expect(await shell.storedToken(subject)).toBe(6n);
    });

    it('waits for a holder of the same token, and takes turns', async () => {
      const order: string[] = [];
      const turn = (name: string): Promise<void> =>
        shell.fenced({ directory: subject, token: 7n, name: 'it' }, signal(), async (gate) => {
          order.push(`${name} in`);
          await gate.run('sleep 0.5');
          order.push(`${name} out`);
        });
      await Promise.all([turn('a'), turn('b')]);
      expect(order.map((entry) => entry.split(' ')[1])).toEqual(['in', 'out', 'in', 'out']);
    });

    it('gives many their turns at a lock without a token, and ends none of them for having waited', async () => {
      const graceMs = 2_000;
      const turn = (name: number): Promise<number> => shell.fenced({ directory: `${shell.root}/plain`, name: 'it' }, signal(), async (gate) => {
        await gate.must('sleep 0.6', 'a turn');
        return name;
      }, graceMs);
      expect(await Promise.all([1, 2, 3, 4, 5].map(turn))).toEqual([1, 2, 3, 4, 5]);
    });

    it('ends a holder of a lock without a token that does not let go', async () => {
      const stuck = shell.fenced({ directory: `${shell.root}/plain`, name: 'it' }, signal(), (gate) => gate.run('sleep 300'));
      stuck.catch(() => undefined);
      await eventually('the holder to hold', async () => (await processesOf(`${shell.root}/plain`)).length > 0);
      expect(await shell.fenced({ directory: `${shell.root}/plain`, name: 'it' }, signal(), async () => 'in')).toBe('in');
      await expect(stuck).rejects.toMatchObject({ kind: 'outcome-unknown' });
    });

    it('lets a daemon outlive it, without the lock and without the pipes', async () => {
      const pid = await shell.fenced({ directory: subject, token: 8n, name: 'it' }, signal(), async (gate) =>
        Number((await gate.run(`setsid sleep 300 </dev/null >/dev/null 2>&1 9>&- & echo $!`)).stdout.trim()),
      );
      await shell.fenced({ directory: subject, token: 9n, name: 'it' }, signal(), async () => undefined);
      expect(shell.readProcess(pid)).toBeDefined();
      process.kill(pid, 'SIGKILL');
    });

    it('is over when its caller dies', async () => {
      const script = (await readdir(`${shell.root}/bin`))[0] ?? '';
      const child = spawn('/bin/bash', [`${shell.root}/bin/${script}`, subject, '10', '1', 'end'], { stdio: ['pipe', 'ignore', 'ignore'] });
      await eventually('it to hold', async () => (await readFile(`${subject}/lock`, 'utf8')).trimEnd().endsWith(' 10'));
      child.stdin.end();
      expect(await shell.fenced({ directory: subject, token: 10n, name: 'it' }, signal(), async () => 'in')).toBe('in');
    });

    it('takes a damaged token file for no permission', async () => {
      await writeFile(`${subject}/token`, '');
      await expect(shell.fenced({ directory: subject, token: 99n, name: 'it' }, signal(), async () => 'in')).rejects.toMatchObject({ message: expect.stringContaining('damaged') });
    });
  });

  it('is shut down whole, prepared again, and brings everything back', async () => {
    const endpoint = engine.gateway.endpoint(shop.spec);
    await asCustomer(harness, shop, (client) => client.query('CREATE TABLE kept AS SELECT 42 AS answer'));
    await shutDownLocalFleet(harness.dataDir);
    expect(await processesOf(root)).toEqual([]);
    expect(await readFile('/proc/self/mounts', 'utf8')).not.toContain(isRoot ? root : '\0');
    await prepareLocalFleet({ dataDir: harness.dataDir, vault: harness.vault });
    engine = await openEngine({ engine: 'local', dataDir: harness.dataDir, vault: harness.vault, log: SILENT_LOG });
    expect(engine.gateway.endpoint(shop.spec)).toEqual(endpoint);
    await engine.instances.start(shop.standby, shop.effect());
    await engine.instances.start(shop.primary, shop.effect());
    expect(await engine.gateway.keep('europe', signal())).toMatchObject({ started: ['router', shop.spec.id] });
    await engine.gateway.verify(route, shop.password, [shop.standby], shop.effect());
    const { rows } = await asCustomer(harness, shop, (client) => client.query('TABLE kept'));
    expect(rows).toEqual([{ answer: 42 }]);
  });

  it('does not open its secrets with another master key', async () => {
    const stranger = await openEngine({ engine: 'local', dataDir: harness.dataDir, vault: new Vault(randomBytes(32)), log: SILENT_LOG });
    const late = describeDatabase(stranger);
    await expect(stranger.instances.createPrimary(late.primary, late.effect())).rejects.toMatchObject({ kind: 'permanent', message: expect.stringContaining('does not open') });
    await stranger.instances.destroy(late.primary, late.effect());
  });

  it('serves under a public name, which the certificate carries', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'freehold-public-'));
    await prepareLocalFleet({ dataDir, vault: harness.vault, publicHost: 'localhost', hostMemoryMb: 512, gatewaySlots: 20 });
    const open = await openEngine({ engine: 'local', dataDir, vault: harness.vault, log: SILENT_LOG });
    expect(open.inventory()[0]?.dataCenters[0]?.hosts[0]?.memoryMb).toBe(512);
    const database = describeDatabase(open);
    const { address, port = 0 } = await open.instances.createPrimary(database.primary, database.effect());
    const publicRoute = { database: database.spec, target: { address, port } };
    await open.gateway.open(publicRoute, database.effect());
    expect(open.gateway.endpoint(database.spec).host).toBe('localhost');
    await open.gateway.verify(publicRoute, database.password, [], database.effect());
    const { host, port: gatewayPort, rootCertificatePath } = open.gateway.endpoint(database.spec);
    const uri = `postgresql://${database.spec.owner}@${host}:${gatewayPort}/${database.spec.name}?sslmode=verify-full&sslrootcert=${rootCertificatePath}`;
    await run('psql', ['-X', uri, '-c', 'SELECT 1'], { env: { ...process.env, PGPASSWORD: database.password } });
    await purgeLocalFleet(dataDir);
    await expect(stat(dataDir)).rejects.toThrow(/ENOENT/);
  });

  it('refuses to stop or purge what is no fleet', async () => {
    const stranger = await mkdtemp(join(tmpdir(), 'freehold-stranger-'));
    await writeFile(join(stranger, 'precious'), 'data');
    await expect(purgeLocalFleet(stranger)).rejects.toMatchObject({ kind: 'permanent' });
    await expect(shutDownLocalFleet(stranger)).rejects.toMatchObject({ kind: 'permanent' });
    expect(await readdir(stranger)).toEqual(['precious']);
    await rm(stranger, { recursive: true });
  });

  it('purges everything of the fleet and nothing else', async () => {
    await writeFile(join(harness.dataDir, 'elses'), 'data');
    await purgeLocalFleet(harness.dataDir);
    expect(await readdir(harness.dataDir)).toEqual(['elses']);
    expect(await processesOf(root)).toEqual([]);
    await prepareLocalFleet({ dataDir: harness.dataDir, vault: harness.vault });
  });
});
