import { EngineError } from '../../errors.js';
import type { RegionGateway } from './region-gateway.js';
import type { RouteFile } from './route-file.js';

/** How often it is read which routes there are, and where their poolers are: other processes open some, too. */
const READ_EVERY_MS = 5_000;

/** Starts the poolers that do not run, each as its route is written down; answers whose they are. */
export async function keepPoolers(gateway: RegionGateway, signal: AbortSignal): Promise<string[]> {
  if (gateway.havePoolersSince(performance.now() - READ_EVERY_MS)) return [];
  const routes = await gateway.readRoutes();
  gateway.forgetPoolersBut(routes);
  const down: RouteFile[] = [];
  for (const file of routes) if (!(await serves(gateway, file, signal))) down.push(file);
  const started = await Promise.all(down.map((file) => start(gateway, file, signal)));
  return started.filter((id) => id !== undefined);
}

async function serves(gateway: RegionGateway, file: RouteFile, signal: AbortSignal): Promise<boolean> {
  const pooler = gateway.poolerOf(file);
  await pooler.boundLog();
  const process = await pooler.find();
  return process !== undefined && pooler.serves(process, signal);
}

async function start(gateway: RegionGateway, { databaseId, token }: RouteFile, signal: AbortSignal): Promise<string | undefined> {
  try {
    return await gateway.shell.fenced(gateway.subjectOf(databaseId, BigInt(token)), signal, async (gate) => {
      // What was written down since.
      const file = await gateway.readRoute(databaseId);
      if (!file) return undefined;
      if (await serves(gateway, file, signal)) return undefined;
      const pooler = gateway.poolerOf(file);
      // It lives and serves nobody.
      await pooler.stop(gate, signal);
      await pooler.start(gate, file.open ? file.target : undefined, signal);
      return databaseId;
    });
  } catch (error) {
    // Whoever has a higher token is at work on it, and starts it.
    if (error instanceof EngineError && error.kind === 'superseded') return undefined;
    throw error;
  }
}
