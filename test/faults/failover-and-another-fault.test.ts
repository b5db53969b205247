import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, statfsSync } from 'node:fs';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { processesOf } from '../support/freehold-command.js';
import { eventually } from '../support/servers.js';
import { signalAll } from '../support/signal-all.js';
import { DatabaseUnderTest } from '../support/database-under-test.js';
import { survive } from './support/survive.js';

const TIMEOUT_MS = 120_000;
const isRoot = process.getuid?.() === 0;

/** All of a group happen to one database, one after the other, as they may in a long life. */
let plane: TestControlPlane;
let database: DatabaseUnderTest;

async function beginAnew(): Promise<void> {
  await plane?.stop();
  plane = await startControlPlane();
  database = await DatabaseUnderTest.provision(plane);
}

afterAll(() => plane?.stop(), TIMEOUT_MS);

const killPrimary = async () => database.signal((await database.instance('primary')).id, 'SIGKILL');
const failovers = async () => (await database.operations()).filter(({ kind }) => kind === 'failover').length;

describe('a failover goes to its end although', () => {
  beforeAll(beginAnew, TIMEOUT_MS);

  it('redis is emptied, and then killed, in the middle', () => survive(database, 1, async () => {
    await killPrimary();
    await database.reached('failover', 'fence');
    const redis = new Redis(plane.redis.url);
    await redis.flushall();
    redis.disconnect();
    await plane.redis.kill();
    await database.settled();
    await plane.redis.restart();
  }), TIMEOUT_MS);

  it('redis could not be reached when the primary died: the sweeper runs it in its own process', () => survive(database, 1, async () => {
    await plane.redis.kill();
    const before = (await database.read()).epoch;
    await killPrimary();
    await database.settled(before + 1);
    await plane.redis.restart();
  }), TIMEOUT_MS);

  it('the metadata database is killed in the middle', () => survive(database, 1, async () => {
    await killPrimary();
    await database.reached('failover', 'confirm');
    await plane.postgres.kill();
    await plane.postgres.restart();
  }), TIMEOUT_MS);

  it('the gateway is killed in the middle', () => survive(database, 1, async () => {
    await killPrimary();
    await database.reached('failover', 'confirm');
    const [gateway] = processesOf([`${plane.fleetRoot}/gateways/europe`]).filter(({ command }) => command.includes('haproxy'));
    process.kill(gateway!.pid, 'SIGKILL');
  }), TIMEOUT_MS);

  it('the control plane was down when the primary died: it acts on its return', () => survive(database, 1, async (writer) => {
    const pid = await postmasterOfPrimary();
    await plane.restartWorker(async () => {
      signalAll([pid, ...childrenOf(pid)], 'SIGKILL');
      await eventually(() => writer.silentMs > 1_000);
    });
  }), TIMEOUT_MS);

  it('the new primary dies too while the old one is being made its standby', () => survive(database, 1, async () => {
    const old = (await database.instance('primary')).id;
    await killPrimary();
    await database.reached('failover', 'rebuild');
    await eventually(async () => (await database.instance('primary')).id !== old);
    await killPrimary();
  }), TIMEOUT_MS);

  it('the old primary is restarted by hand, again and again, with its old data directory', () => survive(database, 1, async () => {
    const restart = sameAgain(await postmasterOfPrimary());
    const { epoch } = await database.read();
    await killPrimary();
    // Before that, whoever restarts it is in time: it is the primary still.
    await database.reached('failover', 'fence');
    await eventually(async () => {
      await restart();
      return (await database.read()).epoch > epoch;
    }, 20_000);
    for (let times = 0; times < 5; times += 1) await restart();
  }), TIMEOUT_MS);
});

describe('one primary serves, the old one or the new one, when', () => {
  it('a killed primary is restarted by hand before anybody knows whether it is lost', () => survive(database, 'any', async () => {
    const restart = sameAgain(await postmasterOfPrimary());
    await killPrimary();
    for (let times = 0; times < 5; times += 1) await restart();
  }), TIMEOUT_MS);
});

describe('writers wait for a moment, and nothing fails over, when', () => {
  beforeAll(beginAnew, TIMEOUT_MS);

  it('the standby hangs: it is given up, and comes back by itself', async () => {
    const { id } = await database.instance('standby');
    const report = await survive(database, 0, async () => {
      await database.signal(id, 'SIGSTOP');
      await eventually(async () => (await database.read()).state === 'degraded', 15_000);
    });
    expect(report.longestGapMs).toBeLessThan(10_000);
  }, TIMEOUT_MS);

  it('a standby dies while the metadata database is down: commits wait until it is back', async () => {
    const { id } = await database.instance('standby');
    const pids = await database.processes(id);
    const report = await survive(database, 0, async (writer) => {
      await plane.postgres.kill();
      signalAll(pids, 'SIGKILL');
      await eventually(() => writer.silentMs > 3_000, 15_000);
      const { count } = writer;
      await plane.postgres.restart();
      await eventually(() => writer.count > count, 30_000);
    });
    expect(report.longestGapMs).toBeGreaterThan(3_000);
  }, TIMEOUT_MS);

  it('a hundred alarms are false: sockets that close, and backends that crash', async () => {
    const before = await failovers();
    const members = (await database.read()).instances.map(({ id }) => id);
    await survive(database, 0, async () => {
      for (let round = 0; round < 48; round += 1) {
        const cut = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'freehold-control' AND pid <> pg_backend_pid()`;
        await Promise.all(members.map((id) => database.asControl(id, cut)));
      }
      for (let round = 0; round < 4; round += 1) {
        const postmaster = await postmasterOfPrimary();
        const failed = (error: unknown): Promise<never> => explain(error, postmaster);
        const backend = await eventually(() => childrenOf(postmaster).find((pid) => /: (freehold|.*idle|.*INSERT)/.test(nameOf(pid)))).catch(failed);
        process.kill(backend, 'SIGKILL');
        await eventually(async () => { await database.asControl(members[0]!, 'SELECT 1'); return true; }).catch(failed);
        await eventually(() => !childrenOf(postmaster).includes(backend)).catch(failed);
      }
    });
    expect(await failovers()).toBe(before);
  }, TIMEOUT_MS);
});

describe('a failover that is asked for', () => {
  it('during a switchover ends in one primary', () => survive(database, 1, async () => {
    await database.switchover();
    await database.failover().then((operation) => database.ended(operation), () => undefined);
  }), TIMEOUT_MS);

  it('during a provisioning is refused, and the provisioning goes on', async () => {
    const { database: young, operation } = await DatabaseUnderTest.request(plane);
    await expect(young.failover()).rejects.toThrow();
    expect(await young.ended(operation)).toMatchObject({ state: 'succeeded' });
    await young.delete();
  }, TIMEOUT_MS);
});

describe.skipIf(!isRoot)('a primary whose disk is full', () => {
  it('is failed over from, and is a standby again when there is room', async () => {
    const hosts = readdirSync(`${plane.fleetRoot}/hosts`).filter((name) => name.includes('oceania')).map((name) => `${plane.fleetRoot}/hosts/${name}`);
    for (const host of hosts) expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=400m,mode=711', 'tmpfs', host]).status).toBe(0);
    try {
      const full = await DatabaseUnderTest.provision(plane, 'starter', 'oceania');
      const primary = await full.instance('primary');
      const { host } = primary;
      const ballast = `${plane.fleetRoot}/hosts/${host}/ballast`;
      await survive(full, 1, async () => {
        const { bavail, bsize } = statfsSync(`${plane.fleetRoot}/hosts/${host}`);
        expect(spawnSync('fallocate', ['-l', String(bavail * bsize), ballast]).status).toBe(0);
        // Data alone makes errors, which the server outlives; without room for WAL it panics.
        await full.asControl(primary.id, ...Array.from({ length: 60 }, () => `SELECT pg_logical_emit_message(false, 'test', repeat('x', 1000000))`)).catch(() => undefined);
        await eventually(async () => (await full.read()).epoch === 2, 30_000);
        expect(spawnSync('rm', [ballast]).status).toBe(0);
      });
      await full.delete();
    } finally {
      for (const host of hosts) spawnSync('umount', [host]);
    }
  }, TIMEOUT_MS);
});

async function postmasterOfPrimary(): Promise<number> {
  return database.postmaster((await database.instance('primary')).id);
}

/** A failure that says what the database, its processes and its operations looked like. */
async function explain(error: unknown, postmaster: number): Promise<never> {
  const backends = childrenOf(postmaster).map((pid) => `${pid} ${nameOf(pid)}`);
  throw new Error(`${String(error)}: ${JSON.stringify({ postmaster: `${postmaster} ${nameOf(postmaster)}`, backends, database: await database.read(), operations: await database.operations() }, null, 1)}`);
}

const childrenOf = (parent: number): number[] => readdirSync('/proc').map(Number).filter((pid) => Number.isInteger(pid) && parentOf(pid) === parent);

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

/**
 * What starts the same server as the process is, whoever has stopped it since; answers when it has ended, or runs.
 *
 * As a person would, it removes a dead server's pid file first: without that, how long the restart fails depends on when the
 * machine's init reaps the dead.
 */
function sameAgain(pid: number): () => Promise<void> {
  const [program, ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean);
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const number = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  const cwd = readlinkSync(`/proc/${pid}/cwd`);
  return () => new Promise((resolve) => {
    removeStalePidFile(`${cwd}/postmaster.pid`);
    const child = spawn(program!, args, { cwd: '/', uid: number('Uid'), gid: number('Gid'), stdio: 'ignore', detached: true, env: { PATH: process.env.PATH, PGDATA: cwd } });
    const settled = (): void => {
      clearTimeout(timer);
      child.unref();
      resolve();
    };
    const timer = setTimeout(settled, 300);
    child.on('exit', settled);
    child.on('error', settled);
  });
}

function removeStalePidFile(path: string): void {
  const named = existsSync(path) ? Number(readFileSync(path, 'utf8').split('\n')[0]) : 0;
  const isDead = !existsSync(`/proc/${named}/stat`) || /\) [ZX] /.test(readFileSync(`/proc/${named}/stat`, 'utf8'));
  if (named > 0 && isDead) rmSync(path, { force: true });
}
