import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { drawFreePort } from '../../src/engine/local/fleet/free-ports.js';

/** A server of this test run's own, on a random free port, with its files in a temporary directory. */
export interface TestServer {
  readonly url: string;
  readonly port: number;
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
  /** Starts it again on the same port with what it had on disk. */
  restart(): Promise<void>;
  /** Ends it and removes its files. */
  stop(): Promise<void>;
}

/** PostgreSQL refuses to run as root: Debian's own account is used there. */
export function postgresAccount(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string): number => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
  return { uid: id('-u'), gid: id('-g') };
}

/** The directory of the newest PostgreSQL's programs. */
export function postgresBinaries(): string {
  const root = '/usr/lib/postgresql';
  const majors = existsSync(root) ? readdirSync(root).map(Number).filter(Boolean).sort((a, b) => b - a) : [];
  return majors.length > 0 ? join(root, String(majors[0]), 'bin') : '';
}

/** The major version of those programs, which a new server has. */
export const postgresMajor = (): number => Number(/(\d+)\/bin$/.exec(postgresBinaries())?.[1]);

/** The one port of that range to which `fetch` connects nobody: https://fetch.spec.whatwg.org/#bad-port */
const REFUSED_BY_FETCH = new Set([10_080]);

/** Below the range of outgoing connections: one of those would take the port of a server that is down for a moment. */
export function freePort(): Promise<number> {
  return drawFreePort('127.0.0.1', REFUSED_BY_FETCH);
}

type Truthy<Result> = Exclude<Result, false | null | undefined>;

/**
 * Waits until the condition holds, and answers with what it came to; what it throws counts as not yet.
 *
 * @param what is waited for, if the condition does not say it by itself
 */
export async function eventually<Result>(what: string, condition: () => Promise<Result> | Result, timeoutMs?: number, pollMs?: number): Promise<Truthy<Result>>;
export async function eventually<Result>(condition: () => Promise<Result> | Result, timeoutMs?: number, pollMs?: number): Promise<Truthy<Result>>;
export async function eventually(first: unknown, ...others: unknown[]): Promise<unknown> {
  const [what, condition, timeoutMs = 60_000, pollMs = 10] = (typeof first === 'string' ? [first, ...others] : ['the condition', first, ...others]) as
    [string, () => unknown, number?, number?];
  const until = Date.now() + timeoutMs;
  let problem: unknown = 'it never held';
  while (Date.now() < until) {
    try {
      const result = await condition();
      if (result) return result;
    } catch (error) {
      problem = error;
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  throw new Error(`waited ${timeoutMs} ms in vain for ${what}: ${String(problem)}`);
}

const ended = (child: ChildProcess): Promise<void> =>
  child.exitCode !== null || child.signalCode !== null ? Promise.resolve() : new Promise((resolve) => child.once('exit', () => resolve()));

function makeServer(directory: string, url: string, port: number, start: () => ChildProcess, ready: () => Promise<unknown>): TestServer & { begin(): Promise<void> } {
  let child: ChildProcess | undefined;
  // A server that follows one that was killed may find its shared memory still held, for a moment, and end again.
  const begin = async (): Promise<void> => {
    await eventually(async () => {
      if (!child || child.exitCode !== null || child.signalCode !== null) child = start();
      return ready();
    });
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (!child) return;
    child.kill(signal);
    await ended(child);
  };
  return {
    url, port, begin,
    kill: () => end('SIGKILL'),
    restart: async () => {
      await end('SIGINT');
      await begin();
    },
    stop: async () => {
      await end('SIGINT');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A PostgreSQL with a superuser `freehold`; its databases are made by the tests. */
export async function startPostgres(): Promise<TestServer> {
  const directory = mkdtempSync(join(tmpdir(), 'freehold-test-postgres-'));
  const account = postgresAccount();
  if (account.uid !== undefined && account.gid !== undefined) chownSync(directory, account.uid, account.gid);
  const data = join(directory, 'data');
  const made = spawnSync(join(postgresBinaries(), 'initdb'), ['-D', data, '-U', 'freehold', '-A', 'trust', '--no-sync', '--no-instructions'], { ...account, cwd: '/', encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const port = await freePort();
  const url = `postgresql://freehold@127.0.0.1:${port}/postgres`;
  const settings = { port: String(port), listen_addresses: '127.0.0.1', unix_socket_directories: '', max_connections: '200', fsync: 'off', shared_buffers: '32MB' };
  const server = makeServer(directory, url, port,
    () => spawn(join(postgresBinaries(), 'postgres'), ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])], { ...account, cwd: '/', stdio: 'ignore' }),
    async () => {
      const client = new pg.Client(url);
      await client.connect();
      await client.end();
      return true;
    });
  await server.begin();
  return server;
}

/** A Redis that is set up as Freehold's own. */
export async function startRedis(): Promise<TestServer> {
  const directory = mkdtempSync(join(tmpdir(), 'freehold-test-redis-'));
  const port = await freePort();
  const password = randomBytes(12).toString('hex');
  writeFileSync(join(directory, 'redis.conf'),
    [`port ${port}`, 'bind 127.0.0.1', `dir ${directory}`, 'appendonly yes', 'maxmemory-policy noeviction', `requirepass ${password}`].join('\n'));
  const url = `redis://:${password}@127.0.0.1:${port}`;
  const server = makeServer(directory, url, port,
    () => spawn('redis-server', [join(directory, 'redis.conf')], { stdio: 'ignore' }),
    async () => {
      const client = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null });
      client.on('error', () => undefined);
      try {
        await client.connect();
        return await client.ping();
      } finally {
        client.disconnect();
      }
    });
  await server.begin();
  return server;
}
