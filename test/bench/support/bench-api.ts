import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { Vault } from '../../../src/secrets/vault.js';
import { prepareLocalFleet, shutDownLocalFleet } from '../../../src/engine/engine.js';
import { buildCommand } from '../../support/freehold-command.js';
import { eventually, freePort, startPostgres, startRedis, type TestServer } from '../../support/servers.js';

const ENTRY = fileURLToPath(new URL('../../../dist/src/processes/main-api.js', import.meta.url));
const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** The API as a process of its own, without a worker: what it is asked for is recorded and not done. */
export class BenchApi {
  private constructor(
    readonly url: string,
    readonly operatorKey: string,
    readonly metadata: pg.Client,
    private readonly child: ChildProcess,
    private readonly dataDir: string,
    private readonly servers: readonly TestServer[],
  ) {}

  static async start(): Promise<BenchApi> {
    await buildCommand();
    const dataDir = mkdtempSync(join(tmpdir(), 'freehold-bench-api-'));
    const masterKey = randomBytes(32);
    const [postgres, redis] = await Promise.all([
      startPostgres(), startRedis(), prepareLocalFleet({ dataDir, vault: new Vault(masterKey), hostMemoryMb: 100_000_000 }),
    ]);
    const operatorKey = `fh_operator_${randomBytes(32).toString('base64url')}`;
    const port = await freePort();
    const child = spawn(process.execPath, [ENTRY], {
      stdio: 'ignore',
      env: {
        PATH: process.env.PATH, NODE_ENV: 'production', DATABASE_URL: postgres.url, REDIS_URL: redis.url, FREEHOLD_DATA_DIR: dataDir,
        FREEHOLD_MASTER_KEY: masterKey.toString('base64'), FREEHOLD_PORT: String(port), FREEHOLD_OPERATOR_KEY: operatorKey,
        FREEHOLD_REQUESTS_PER_SECOND: '1000000', FREEHOLD_DATABASES_PER_CUSTOMER: '100000',
      },
    });
    const url = `http://127.0.0.1:${port}`;
    await eventually(async () => ((await (await fetch(`${url}/readyz`)).json()) as { recovered: boolean }).recovered, 30_000);
    const metadata = new pg.Client(postgres.url);
    await metadata.connect();
    return new BenchApi(url, operatorKey, metadata, child, dataDir, [postgres, redis]);
  }

  /** Seconds of processor time that the process has used. */
  cpuSeconds(): number {
    const stat = readFileSync(`/proc/${this.child.pid}/stat`, 'utf8');
    const [user, system] = stat.slice(stat.lastIndexOf(')') + 2).split(' ').slice(11, 13).map(Number);
    return (user! + system!) / TICKS_PER_SECOND;
  }

  async call<Answer>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(`${this.url}${path}`, {
      method, headers: { authorization: `Bearer ${this.operatorKey}`, 'content-type': 'application/json', ...headers }, ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const answer = await response.json() as Answer;
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
    return answer;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGTERM');
    await ended;
    await this.metadata.end();
    await shutDownLocalFleet(this.dataDir);
    await Promise.all(this.servers.map((server) => server.stop()));
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}

/** Databases that are available, with their instances and what provisioned them, spread over customers; nothing runs. */
export async function fillMetadata(metadata: pg.Client, customerIds: readonly string[], databasesEach: number): Promise<string[]> {
  const { rows } = await metadata.query<{ id: string }>(FILL, [customerIds, databasesEach]);
  await metadata.query(`SELECT setval('unix_accounts', $1)`, [rows.length]);
  await metadata.query('VACUUM ANALYZE');
  return rows.map(({ id }) => id);
}

const FILL = `
  WITH made AS (
    INSERT INTO databases (id, customer_id, name, region_id, plan, postgres_version, endpoint_slot, endpoint_database, endpoint_user, owner_verifier, unix_account, sealed_secrets, provisioned_at, in_sync)
    SELECT format('db_%s%s', lpad(customer.position::text, 13, '0'), lpad(number::text, 13, '0')), customer.id, 'bench-' || number, 'europe', 'starter', '17.0',
           (customer.position - 1) * $2 + number - 1, format('bench_%s_%s', customer.position, number), format('bench_%s_%s', customer.position, number), 'SCRAM-SHA-256$4096:none', (customer.position - 1) * $2 + number, 'none', now(),
           ARRAY[format('ins_%s%sb', lpad(customer.position::text, 13, '0'), lpad(number::text, 12, '0'))]
      FROM unnest($1::text[]) WITH ORDINALITY AS customer (id, position), generate_series(1, $2::integer) AS number
    RETURNING id, customer_id),
  hosts AS (
    SELECT h.id, h.address, row_number() OVER (ORDER BY h.id) AS position, h.data_center_id FROM hosts h JOIN data_centers c ON c.id = h.data_center_id WHERE c.region_id = 'europe'),
  instances AS (
    INSERT INTO instances (id, database_id, host_id, role, state, address, port, lag_bytes, lag_seconds)
    SELECT format('ins_%s%s', right(made.id, 25), CASE role WHEN 'primary' THEN 'a' ELSE 'b' END), made.id, h.id, role, 'running', h.address, 20000, 0, 0
      FROM made, (VALUES ('primary', 1), ('standby', 2)) AS member (role, nth)
      JOIN LATERAL (SELECT * FROM hosts ORDER BY data_center_id, position OFFSET CASE member.nth WHEN 1 THEN 0 ELSE (SELECT count(*) - 1 FROM hosts) END LIMIT 1) h ON true),
  fences AS (INSERT INTO subjects (id, token) SELECT id, 20 FROM made),
  operations AS (
    INSERT INTO operations (id, kind, subject_id, owner_id, fence_id, exclusive, queue, state, step, input, step_deadline_at, deadline_at, requested_by, started_at, finished_at)
    SELECT 'op_' || right(id, 26), 'provision', id, customer_id, id, true, 'changes', 'succeeded', 'verify', '{}', now(), now(), 'key_bench', now(), now() FROM made
    RETURNING id),
  steps AS (
    INSERT INTO operation_steps (operation_id, position, name, state, attempts, started_at, finished_at, detail)
    SELECT id, position, 'step-' || position, 'succeeded', 1, now(), now(), '{"host": "hst_europe"}' FROM operations, generate_series(1, 7) AS position)
  SELECT id FROM made`;
