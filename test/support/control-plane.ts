import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type Log, openLog } from '../../src/telemetry/log.js';
import { readSettings, type Settings } from '../../src/config/settings.js';
import { Vault } from '../../src/secrets/vault.js';
import { prepareLocalFleet, purgeLocalFleet, shutDownLocalFleet } from '../../src/engine/engine.js';
import { FleetService } from '../../src/fleet/fleet.service.js';
import { closeGround, openGround } from '../../src/processes/open-ground.js';
import { startWorker, type RunningWorker } from '../../src/processes/start-worker.js';
import { WorkerModule } from '../../src/processes/worker.module.js';
import { startPostgres, startRedis, type TestServer } from './servers.js';

/** A control plane with a worker in this process, over a real fleet in a temporary directory. */
export interface TestControlPlane {
  readonly app: INestApplicationContext;
  readonly settings: Settings;
  /** Where the fleet's files are for those who run it. */
  readonly fleetRoot: string;
  readonly postgres: TestServer;
  readonly redis: TestServer;
  /** Ends the worker and starts another one, as a restart of the process would; in between nobody works. */
  restartWorker(meanwhile?: () => Promise<void>): Promise<INestApplicationContext>;
  stop(): Promise<void>;
}

/** Shows what the processes under test log, when asked for: `TEST_LOG=debug npx vitest run …`. */
const shownLog = openLog(process.env.TEST_LOG ?? 'silent', 'test');

export interface ControlPlaneOptions {
  /** Whether this process works; without, what is requested waits for a worker of the test's own. */
  readonly worker?: boolean;
  /** Settings that differ from the usual ones. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly log?: Log;
  /** Whether the fleet's files are encrypted where this machine can. */
  readonly encryptsAtRest?: boolean;
}

export async function startControlPlane({ worker = true, settings: others = {}, log = shownLog, encryptsAtRest = false }: ControlPlaneOptions = {}): Promise<TestControlPlane> {
  const dataDir = mkdtempSync(join(tmpdir(), 'freehold-test-fleet-'));
  const masterKey = randomBytes(32);
  const [postgres, redis, fleet] = await Promise.all([startPostgres(), startRedis(), prepareLocalFleet({ dataDir, vault: new Vault(masterKey), gatewaySlots: 50, encryptsAtRest })]);
  const settings = readSettings({
    DATABASE_URL: postgres.url, REDIS_URL: redis.url, FREEHOLD_DATA_DIR: dataDir, FREEHOLD_MASTER_KEY: masterKey.toString('base64'), FREEHOLD_LOG_LEVEL: 'silent', FREEHOLD_BACKUPS_EVERY_MS: '86400000', ...others,
  });
  let current = await begin(settings, worker, log);
  return {
    get app() { return current.app; },
    settings, postgres, redis, fleetRoot: fleet.root,
    async restartWorker(meanwhile) {
      await current.end();
      await meanwhile?.();
      current = await begin(settings, worker, log);
      return current.app;
    },
    async stop() {
      await current.end();
      await shutDownLocalFleet(dataDir);
      // Frozen copies of backups are immutable until the fleet itself lets them go.
      await purgeLocalFleet(dataDir);
      await Promise.all([postgres.stop(), redis.stop()]);
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

async function begin(settings: Settings, works: boolean, log: Log): Promise<{ app: INestApplicationContext; end(): Promise<void> }> {
  const ground = await openGround(settings, log);
  const app = await NestFactory.createApplicationContext(WorkerModule.on(ground), { logger: ['error', 'warn'], abortOnError: false });
  await app.get(FleetService).recordInventory();
  const worker: RunningWorker | undefined = works ? startWorker(app) : undefined;
  return {
    app,
    async end() {
      await worker?.stop();
      await app.close();
      await closeGround(ground);
    },
  };
}

