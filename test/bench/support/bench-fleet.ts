import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildCommand, freehold, processesOf } from '../../support/freehold-command.js';
import { lostRows, type WriterReport } from '../../support/numbered-writer.js';
import { eventually, freePort } from '../../support/servers.js';
import { signalAll } from '../../support/signal-all.js';
import { processTree } from './memory.js';

export { stepSeconds } from '../../../src/cli/client/show-steps.js';

interface Step {
  readonly name: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
}

export interface BenchOperation {
  readonly id: string;
  readonly databaseId: string;
  readonly kind: string;
  readonly state: string;
  readonly steps: readonly Step[];
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
}

export interface BenchDatabase {
  readonly id: string;
  readonly uri: string;
  readonly pooledUri: string;
  /** Seconds from the request to the end of the operation. */
  readonly seconds: number;
  readonly operation: BenchOperation;
}

export interface DatabaseState {
  readonly id: string;
  readonly state: string;
  readonly epoch: number;
  readonly instances: readonly { readonly id: string; readonly role: string; readonly host: string }[];
}

/** What a full backup follows. */
const CHANGES: ReadonlySet<string> = new Set(['provision', 'failover', 'switchover']);
const RUNNING: ReadonlySet<string> = new Set(['pending', 'running']);
const SETTLED_MS = 120_000;
/** What asks takes from what is measured. */
const ASK_EVERY_MS = 50;
const ASK_SELDOM_MS = 1_000;
/** Backups of a host's databases wait for one another. */
const QUIET_MS = 900_000;

/** A fleet started by the built command, as a user would. */
export class BenchFleet {
  private constructor(readonly dataDir: string, readonly api: string, readonly operatorKey: string, private readonly port: number, private readonly environment: Record<string, string>) {}

  static async start(environment: Record<string, string> = {}): Promise<BenchFleet & { readonly upSeconds: number }> {
    await buildCommand();
    const dataDir = join(mkdtempSync(join(tmpdir(), 'freehold-bench-')), 'fleet');
    const port = await freePort();
    const { ready, seconds } = await up(dataDir, port, environment);
    return Object.assign(new BenchFleet(dataDir, ready.api, ready.operatorKey, port, environment), { upSeconds: seconds });
  }

  /** Starts it again after a stop; answers with the seconds until everything was back. */
  async upAgain(): Promise<number> {
    return (await up(this.dataDir, this.port, this.environment)).seconds;
  }

  async down(): Promise<void> {
    await freehold(['down', '--data-dir', this.dataDir]);
  }

  async remove(): Promise<void> {
    await freehold(['purge', '--yes', '--data-dir', this.dataDir]);
    rmSync(join(this.dataDir, '..'), { recursive: true, force: true });
  }

  async call<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${this.api}${path}`, {
      method, headers: { authorization: `Bearer ${this.operatorKey}`, 'content-type': 'application/json' }, ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const answer = await response.json() as Answer;
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
    return answer;
  }

  async createCustomer(): Promise<string> {
    return (await this.call<{ id: string }>('POST', '/v1/customers', { name: 'Bench', email: 'bench@example.com' })).id;
  }

  /** Asks for a database and waits for the end of its operation, as the signup flow does: by its events. */
  async provision(customerId: string, name: string, region = 'europe', plan = 'starter'): Promise<BenchDatabase> {
    const began = performance.now();
    const { database, operation, credentials } = await this.call<{ database: { id: string }; operation: BenchOperation; credentials: { uri: string; pooledUri: string } }>(
      'POST', '/v1/databases', { customerId, name, region, plan });
    const ended = await this.endOf(operation.id);
    const seconds = (performance.now() - began) / 1000;
    return { id: database.id, ...credentials, seconds, operation: ended };
  }

  readDatabase(id: string): Promise<DatabaseState> {
    return this.call('GET', `/v1/databases/${id}`);
  }

  async operationsOf(id: string, kind?: string): Promise<readonly BenchOperation[]> {
    const { data } = await this.call<{ data: BenchOperation[] }>('GET', `/v1/operations?databaseId=${id}&limit=20${kind ? `&kind=${kind}` : ''}`);
    return data;
  }

  /** Waits until databases are redundant, each at its epoch; they are all asked for at once, so that asking takes nothing from them. */
  async redundant(...databases: readonly { readonly id: string; readonly epoch: number }[]): Promise<void> {
    await eventually(async () => {
      const { data } = await this.call<{ data: DatabaseState[] }>('GET', '/v1/databases?limit=100');
      return databases.every(({ id, epoch }) => data.some((database) => database.id === id && database.state === 'available' && database.epoch === epoch));
    }, SETTLED_MS, ASK_EVERY_MS);
  }

  /** Waits until it is backed up since it was made or promoted, and nothing works on it any more. */
  async quiet(id: string): Promise<void> {
    await eventually(async () => {
      const operations = await this.operationsOf(id);
      const isOver = !operations.some(({ state }) => RUNNING.has(state));
      const isBackedUp = operations.findIndex(({ kind, state }) => kind === 'back-up' && state === 'succeeded');
      const isChanged = operations.findIndex(({ kind }) => CHANGES.has(kind));
      return isOver && isBackedUp >= 0 && (isChanged < 0 || isBackedUp < isChanged);
    }, QUIET_MS, ASK_SELDOM_MS);
  }

  /** Ends every server that the databases have on these hosts, all at once. */
  async killServers(databaseIds: readonly string[], hosts: readonly string[]): Promise<void> {
    const databases = await Promise.all(databaseIds.map((id) => this.readDatabase(id)));
    const lost = databases.flatMap(({ instances }) => instances).filter(({ host }) => hosts.includes(host)).map(({ id }) => id);
    signalAll(serverProcesses(lost), 'SIGKILL');
  }

  /** Switches over, and waits until the database is redundant again. */
  async switchOver(id: string): Promise<void> {
    await this.run('POST', `/v1/databases/${id}/switchover`);
    await this.redundant(await this.readDatabase(id));
  }

  /**
   * Asks for an operation, and waits for its end.
   *
   * @throws Error with the whole operation if it does not succeed.
   */
  async run(method: string, path: string, body?: unknown): Promise<BenchOperation> {
    const { operation } = await this.call<{ operation: BenchOperation }>(method, path, body);
    return this.endOf(operation.id);
  }

  private async endOf(operationId: string): Promise<BenchOperation> {
    await this.follow(operationId);
    const ended = await this.call<BenchOperation>('GET', `/v1/operations/${operationId}`);
    if (ended.state !== 'succeeded') throw new Error(`an operation failed: ${JSON.stringify(ended)}`);
    return ended;
  }

  /** Returns when the operation's stream of events ends. */
  async follow(operationId: string): Promise<void> {
    const response = await fetch(`${this.api}/v1/operations/${operationId}/events`, { headers: { authorization: `Bearer ${this.operatorKey}` } });
    await response.text();
  }
}

async function up(dataDir: string, port: number, environment: Record<string, string>): Promise<{ ready: { api: string; operatorKey: string }; seconds: number }> {
  const began = performance.now();
  const { code, stdout, stderr } = await freehold(['up', '--data-dir', dataDir, '--port', String(port), '--detach', '--json'], environment);
  if (code !== 0) throw new Error(`up failed: ${stderr}`);
  return { ready: JSON.parse(stdout) as { api: string; operatorKey: string }, seconds: (performance.now() - began) / 1000 };
}

/** Every server process of some instances, found by these: a server may know its directory by another path than the fleet's. */
export function serverProcesses(instanceIds: readonly string[]): number[] {
  return processesOf(instanceIds).filter(({ command }) => command.includes('/bin/postgres')).flatMap(({ pid }) => processTree(pid));
}

/** @throws Error if an acknowledged row is not there */
export async function requireRows(uri: string, report: WriterReport): Promise<void> {
  const lost = await lostRows(uri, report);
  if (lost.length > 0) throw new Error(`acknowledged rows were lost: ${lost.join()}`);
}
