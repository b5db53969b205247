import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { chown } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { freePort, postgresAccount, postgresBinaries } from './servers.js';

/** Runs a program of PostgreSQL's, or one named with its path, as its account. */
export function runBare(program: string, parameters: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const path = program.startsWith('/') ? program : join(postgresBinaries(), program);
    const child = spawn(path, parameters, { ...postgresAccount(), stdio: ['ignore', 'ignore', 'pipe'], cwd: '/' });
    let problem = '';
    child.stderr.on('data', (chunk: Buffer) => { problem += chunk.toString(); });
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${program} ended with ${code}: ${problem.slice(-500)}`))));
  });
}

/** A pair made by the bare programs, in the order in which anybody would do it by hand. */
export interface BarePair {
  /** Seconds that each part took. */
  readonly seconds: Readonly<Record<'initdb' | 'start' | 'role and database' | 'basebackup' | 'streaming', number>>;
  readonly primaryDirectory: string;
  readonly standbyDirectory: string;
  readonly primaryPort: number;
  readonly standbyPort: number;
  stop(): Promise<void>;
}

/** A directory that is PostgreSQL's. */
export async function makeBareDirectory(): Promise<string> {
  const root = mkdtempSync(join(tmpdir(), 'freehold-floor-'));
  const { uid, gid } = postgresAccount();
  if (uid !== undefined && gid !== undefined) await chown(root, uid, gid);
  return root;
}

/** Makes a primary and a streaming standby with settings given to both: the floor of every provisioning. */
export async function makeBarePair(settings: Readonly<Record<string, string>> = {}, directory?: string): Promise<BarePair> {
  const root = directory ?? (await makeBareDirectory());
  const [primaryDirectory, standbyDirectory] = [join(root, 'primary'), join(root, 'standby')];
  const [primaryPort, standbyPort] = [await freePort(), await freePort()];
  const options = (port: number): string => Object.entries({ port: String(port), listen_addresses: '127.0.0.1', unix_socket_directories: root, ...settings })
    .map(([name, value]) => `-c ${name}='${value}'`).join(' ');
  const seconds: Record<string, number> = {};
  const time = async (part: string, work: () => Promise<void>): Promise<void> => {
    const began = performance.now();
    await work();
    seconds[part] = (performance.now() - began) / 1000;
  };
  const query = async (text: string): Promise<unknown[]> => {
    const client = new pg.Client({ host: '127.0.0.1', port: primaryPort, user: 'postgres', database: 'postgres' });
    await client.connect();
    try {
      return (await client.query(text)).rows as unknown[];
    } finally {
      await client.end();
    }
  };
  await time('initdb', () => runBare('initdb', ['-D', primaryDirectory, '-U', 'postgres', '-A', 'trust', '--data-checksums']));
  await time('start', () => runBare('pg_ctl', ['-D', primaryDirectory, '-w', '-l', join(root, 'primary.log'), '-o', options(primaryPort), 'start']));
  await time('role and database', async () => {
    await query('CREATE ROLE app LOGIN');
    await query('CREATE DATABASE app OWNER app');
  });
  await time('basebackup', () => runBare('pg_basebackup', ['-d', `host=127.0.0.1 port=${primaryPort} user=postgres application_name=standby`,
    '-D', standbyDirectory, '-X', 'stream', '-C', '-S', 'standby', '-R', '--checkpoint=fast']));
  await time('streaming', async () => {
    await runBare('pg_ctl', ['-D', standbyDirectory, '-w', '-l', join(root, 'standby.log'), '-o', options(standbyPort), 'start']);
    while ((await query(`SELECT FROM pg_stat_replication WHERE state = 'streaming'`)).length === 0) await new Promise(setImmediate);
  });
  return {
    seconds: seconds as BarePair['seconds'], primaryDirectory, standbyDirectory, primaryPort, standbyPort,
    async stop() {
      // One may have been killed.
      await Promise.allSettled([primaryDirectory, standbyDirectory].map((directory) => runBare('pg_ctl', ['-D', directory, '-m', 'immediate', '-w', 'stop'])));
      rmSync(root, { recursive: true, force: true });
    },
  };
}
