import pLimit from 'p-limit';

import { reasonOf } from '../../../base/reason-of.js';
import { EngineError } from '../../errors.js';
import type { KeptGateway } from '../../ports.js';
import { AT_REST_WITHIN_MS, type RegionGateway } from './region-gateway.js';
import type { RouteFile } from './route-file.js';

/** How often it is read which routes there are, and where their poolers are: other processes open some, too. */
const READ_EVERY_MS = 5_000;
/** Poolers that are looked at side by side: one that hangs takes seconds. */
const LOOKS_AT_ONCE = 16;

/** The routes whose poolers are to be looked at; undefined where all that are known were seen to be at work. */
export function routesToKeep(gateway: RegionGateway): Promise<RouteFile[] | undefined> {
  const areKnown = gateway.pooledDatabases.length > 0 && gateway.havePoolersSince(performance.now() - READ_EVERY_MS);
  return areKnown ? Promise.resolve(undefined) : gateway.readRoutes();
}

/** Starts the poolers that do not run, each as its route is written down. One that cannot be started keeps nobody else's waiting. */
export async function keepPoolers(
  gateway: RegionGateway,
  routes: readonly RouteFile[] | undefined,
  signal: AbortSignal,
): Promise<Omit<KeptGateway, 'certificate'>> {
  if (!routes) return { running: gateway.pooledDatabases, started: [], failed: [] };
  gateway.forgetPoolersBut(routes);
  const limit = pLimit(LOOKS_AT_ONCE);
  const running: string[] = [];
  const started: string[] = [];
  const failed: string[] = [];
  await Promise.all(
    routes.map((file) =>
      limit(async () => {
        try {
          if (await serves(gateway, file, signal)) running.push(file.databaseId);
          else if (await start(gateway, file, signal)) started.push(file.databaseId);
        } catch (error) {
          failed.push(file.databaseId);
          gateway.fleet.log.warn({ databaseId: file.databaseId, reason: reasonOf(error) }, 'pooler cannot be kept running');
        }
      }),
    ),
  );
  return { running, started, failed };
}

async function serves(gateway: RegionGateway, file: RouteFile, signal: AbortSignal, withinMs?: number): Promise<boolean> {
  const pooler = gateway.poolerOf(file);
  await pooler.boundLog();
  const process = await pooler.find();
  return process !== undefined && pooler.serves(process, signal, withinMs);
}

async function start(gateway: RegionGateway, { databaseId, token }: RouteFile, signal: AbortSignal): Promise<boolean> {
  try {
    return await gateway.shell.fenced(gateway.subjectOf(databaseId, BigInt(token)), signal, async (gate) => {
      // What was written down since.
      const file = await gateway.readRoute(databaseId);
      if (!file || (await serves(gateway, file, signal, AT_REST_WITHIN_MS))) return false;
      const pooler = gateway.poolerOf(file);
      // It lives and serves nobody.
      await pooler.stop(gate, signal);
      await pooler.start(gate, file.open ? file.target : undefined, signal);
      return true;
    });
  } catch (error) {
    // Whoever has a higher token is at work on it, and starts it.
    if (error instanceof EngineError && error.kind === 'superseded') return false;
    throw error;
  }
}
