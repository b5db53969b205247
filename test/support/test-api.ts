import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { NestFactory } from '@nestjs/core';
import pg from 'pg';
import { inject } from 'vitest';
import { createApi, type Api, type Patience } from '../../src/processes/create-api.js';
import { type Log, openLog } from '../../src/telemetry/log.js';
import { readSettings, type Settings } from '../../src/config/settings.js';
import { openTracing } from '../../src/telemetry/open-tracing.js';
import { Vault } from '../../src/secrets/vault.js';
import type { Ground } from '../../src/processes/control-plane.module.js';
import { dataSourceOptions, openDataSource } from '../../src/metadata/data-source.js';
import { OperationQueues } from '../../src/operations/operation-queues.js';
import { closeGround } from '../../src/processes/open-ground.js';
import { startWorker } from '../../src/processes/start-worker.js';
import { WorkerModule } from '../../src/processes/worker.module.js';
import { LineFile } from '../../src/engine/local/machine/line-file.js';
import { FakeEngine } from './fake-engine.js';
import { TEMPLATE } from './global-setup.js';
import { eventually, freePort } from './servers.js';
import { drawAnchorPath } from './test-anchors.js';

/** An answer of the API, read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // The documents are checked by the tests themselves, member by member.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly body: any;
}

export interface CallOptions {
  /** An API key; the operator's by default, null for none. */
  readonly key?: string | null;
  readonly body?: unknown;
  /** Sent as it is, in place of a body in JSON. */
  readonly raw?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Record<string, string>;
}

/** The API over real PostgreSQL and Redis and a scripted engine, in this process. */
export interface TestApi {
  readonly url: string;
  readonly engine: FakeEngine;
  readonly ground: Ground;
  readonly operatorKey: string;
  readonly signupKey: string;
  /** Where the hashes of the audit are published. */
  readonly anchorPath: string;
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  get(path: string, options?: CallOptions): Promise<Answer>;
  post(path: string, body?: unknown, options?: CallOptions): Promise<Answer>;
  /** A part of the API's process. */
  part<Part>(type: abstract new (...args: never[]) => Part): Part;
  query<Row>(statement: string, parameters?: unknown[]): Promise<Row[]>;
  /** Signs a customer up, and answers with its id and a key of its own. */
  customer(): Promise<{ id: string; key: string }>;
  /** Asks for a database and follows it to the end of its provisioning. */
  database(customerId: string, name?: string, region?: string): Promise<{ id: string; operationId: string; password: string }>;
  /** Waits until an operation has ended, and answers with it. */
  ended(operationId: string): Promise<Answer['body']>;
  startWorker(): Promise<void>;
  stopWorker(): Promise<void>;
  /** Ends the API as a stop of its process would, and starts it anew. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export interface TestApiOptions {
  readonly settings?: Record<string, string>;
  /** Below what the settings allow, so that a test reaches it. */
  readonly requestsPerSecond?: number;
  /** Without one nothing that is requested is done. */
  readonly worker?: boolean;
  /** How long clients may take. */
  readonly patience?: Patience;
  /** A Redis of the test's own, which it may end. */
  readonly redisUrl?: string;
  /** A PostgreSQL of the test's own. */
  readonly postgresUrl?: string;
  readonly log?: Log;
}

/** Redis databases keep the queues of test files apart that run side by side. */
const ownRedis = (): string => `${inject('redisUrl')}/${process.env.VITEST_POOL_ID ?? '0'}`;

/** In a server of the test's own there is no template. */
async function makeMetadata(own: string | undefined): Promise<string> {
  const url = own ?? inject('postgresUrl');
  const name = `test_${randomBytes(6).toString('hex')}`;
  const server = new pg.Client(url);
  await server.connect();
  await server.query(`CREATE DATABASE ${name}${own === undefined ? ` TEMPLATE ${TEMPLATE}` : ''}`);
  await server.end();
  return url.replace(/\/[^/]*$/, `/${name}`);
}

export async function startTestApi(options: TestApiOptions = {}): Promise<TestApi> {
  const keys = { operator: `fh_operator_${randomBytes(32).toString('base64url')}`, signup: `fh_signup_${randomBytes(32).toString('base64url')}` };
  const settings = readSettings({
    DATABASE_URL: await makeMetadata(options.postgresUrl), REDIS_URL: options.redisUrl ?? ownRedis(), FREEHOLD_DATA_DIR: '/nowhere',
    FREEHOLD_MASTER_KEY: randomBytes(32).toString('base64'), FREEHOLD_PORT: String(await freePort()), FREEHOLD_LEASE_MS: '1000', FREEHOLD_BACKUPS_EVERY_MS: '86400000',
    FREEHOLD_OPERATOR_KEY: keys.operator, FREEHOLD_SIGNUP_KEY: keys.signup, ...options.settings,
  });
  const engine = new FakeEngine();
  const anchorPath = drawAnchorPath();
  const rate = options.requestsPerSecond;
  const ground = await openTestGround(rate === undefined ? settings : { ...settings, FREEHOLD_REQUESTS_PER_SECOND: rate }, engine, options.log ?? openLog(process.env.TEST_LOG ?? 'silent', 'test'), anchorPath);
  const testApi = new RunningTestApi(ground, engine, keys.operator, keys.signup, anchorPath, options.patience);
  await testApi.begin();
  if (options.worker ?? true) await testApi.startWorker();
  return testApi;
}

async function openTestGround(settings: Settings, engine: FakeEngine, log: Log, anchorPath: string): Promise<Ground> {
  const queues = new OperationQueues(settings.REDIS_URL);
  await eventually(() => queues.isReachable());
  return {
    settings, engine, queues, log, anchors: new LineFile(anchorPath),
    tracing: await openTracing(settings.FREEHOLD_OTLP_ENDPOINT, 'test'),
    vault: new Vault(Buffer.from(settings.FREEHOLD_MASTER_KEY, 'base64')),
    dataSource: await openDataSource(dataSourceOptions(settings.DATABASE_URL)),
  };
}

class RunningTestApi implements TestApi {
  private api: Api | undefined;
  private endWorker: (() => Promise<void>) | undefined;

  constructor(public ground: Ground, readonly engine: FakeEngine, readonly operatorKey: string, readonly signupKey: string, readonly anchorPath: string, private readonly patience?: Patience) {}

  get url(): string {
    return `http://127.0.0.1:${this.ground.settings.FREEHOLD_PORT}`;
  }

  async begin(): Promise<void> {
    this.api = await createApi(this.ground, this.patience);
    await this.api.listen();
  }

  async call(method: string, path: string, { key, body, raw, headers = {} }: CallOptions = {}): Promise<Answer> {
    const credential = key === undefined ? this.operatorKey : key;
    const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(credential !== null && { authorization: `Bearer ${credential}` }),
        ...(sent !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(sent !== undefined && { body: sent }),
      signal: AbortSignal.timeout(20_000),
    });
    const text = await response.text();
    const isJson = /[/+]json/.test(response.headers.get('content-type') ?? '') && text !== '';
    return { status: response.status, headers: response.headers, text, body: isJson ? (JSON.parse(text) as unknown) : undefined };
  }

  get(path: string, options: CallOptions = {}): Promise<Answer> {
    return this.call('GET', path, options);
  }

  post(path: string, body?: unknown, options: CallOptions = {}): Promise<Answer> {
    return this.call('POST', path, { ...(body !== undefined && { body }), ...options });
  }

  part<Part>(type: abstract new (...args: never[]) => Part): Part {
    if (!this.api) throw new Error('the API does not run');
    return this.api.app.get(type);
  }

  query<Row>(statement: string, parameters: unknown[] = []): Promise<Row[]> {
    return this.ground.dataSource.query(statement, parameters);
  }

  async customer(): Promise<{ id: string; key: string }> {
    const { body: customer } = await this.post('/v1/customers', { name: 'Ada Ltd', email: 'ada@example.com' }, { key: this.signupKey });
    const { body: apiKey } = await this.post(`/v1/customers/${customer.id}/api-keys`, { name: 'their own' });
    return { id: customer.id, key: apiKey.key };
  }

  async database(customerId: string, name = `shop-${randomBytes(3).toString('hex')}`, region = 'europe'): Promise<{ id: string; operationId: string; password: string }> {
    const { status, text, body } = await this.post('/v1/databases', { customerId, name, region });
    if (status !== 202) throw new Error(`the database was not accepted: ${text}`);
    await this.ended(body.operation.id);
    return { id: body.database.id, operationId: body.operation.id, password: body.credentials.password };
  }

  ended(operationId: string): Promise<Answer['body']> {
    return eventually(async () => {
      const { body } = await this.get(`/v1/operations/${operationId}`);
      return body.finishedAt !== null && body;
    }, 20_000);
  }

  async startWorker(): Promise<void> {
    // Each application closes the data source that it is given.
    const ground = { ...this.ground, dataSource: await openDataSource(dataSourceOptions(this.ground.settings.DATABASE_URL)) };
    const app = await NestFactory.createApplicationContext(WorkerModule.on(ground), { logger: ['error', 'warn'], abortOnError: false });
    const worker = startWorker(app);
    this.endWorker = async () => {
      await worker.stop();
      await app.close();
    };
  }

  async stopWorker(): Promise<void> {
    await this.endWorker?.();
    this.endWorker = undefined;
  }

  async restart(): Promise<void> {
    await this.api?.close();
    this.ground = { ...this.ground, dataSource: await openDataSource(dataSourceOptions(this.ground.settings.DATABASE_URL)) };
    await this.begin();
  }

  async close(): Promise<void> {
    await this.stopWorker();
    await this.api?.close();
    await closeGround(this.ground);
    rmSync(this.anchorPath, { force: true });
  }
}
