import { within } from '../../../base/signals.js';
import { EngineError } from '../../errors.js';
import type { DatabaseSpec, Effect } from '../../ports.js';
import type { GateSubject } from '../machine/gate.js';
import { quoteLiteral } from '../sql/quote-sql.js';
import { waitUntil } from '../../wait-until.js';
import { endSessions, type Holding, writeHeld } from './hold-route.js';
import type { RegionGateway } from './region-gateway.js';
import { routeContent } from './route-file.js';

/** Between two looks at what has not ended yet. */
const REST_POLL_MS = 10;

interface Pausing extends Holding {
  readonly limitMs: number;
  /** By the clock of `performance.now()`. */
  readonly until: number;
}

/**
 * Brings the routes of a database to rest, within a limit, and lets nobody in until they are opened again.
 *
 * The pooler waits for its transactions, and its clients notice nothing but the wait. A session cannot be moved to another
 * server: each is ended at the server as soon as the transaction that it was in is over, or is cut at the limit.
 *
 * @throws EngineError `transient` if the pooler does not come to rest in time; everybody goes on then.
 */
export async function pauseRoute(
  gateway: RegionGateway,
  subject: GateSubject,
  database: DatabaseSpec,
  limitMs: number,
  effect: Effect,
): Promise<void> {
  const until = performance.now() + limitMs;
  await gateway.shell.fenced(subject, effect.signal, async (gate) => {
    const file = await writeHeld(gateway, gate, database, effect);
    if (!file) return;
    await bringToRest({ gateway, database, file, gate, signal: effect.signal, limitMs, until });
  });
}

async function bringToRest(pausing: Pausing): Promise<void> {
  const { gateway, file, gate, signal, limitMs } = pausing;
  try {
    await Promise.all([gateway.tell(file, signal), gateway.poolerOf(file).hold(gate, signal)]);
    if (!(await restPooler(pausing))) {
      throw new EngineError(
        'transient',
        `transactions of ${pausing.database.name} did not end within ${limitMs} ms`,
        'end the long transactions, or try again when it is quiet',
      );
    }
    await restSessions(pausing);
  } catch (error) {
    // A stronger caller decides by itself, and one that was cut off has no way to say anything any more.
    await goOn(pausing).catch(() => undefined);
    throw error;
  }
}

/** Answers whether the pooler's transactions ended in time: a paused one lets go of each server that nobody uses. */
async function restPooler({ gateway, file, database, signal, until }: Pausing): Promise<boolean> {
  const pooler = gateway.poolerOf(file);
  const ask = async (): Promise<{ rests: boolean } | undefined> => {
    if (await pooler.rests(signal)) return { rests: true };
    return performance.now() < until ? undefined : { rests: false };
  };
  return (await waitUntil(`the pooler of ${database.id} to rest`, signal, ask, REST_POLL_MS)).rests;
}

async function goOn({ gateway, gate, file, signal }: Pausing): Promise<void> {
  const open = { ...file, open: true };
  await gate.install([routeContent(gateway.paths.routes, open)]);
  await Promise.all([gateway.tell(open, signal), gateway.poolerOf(open).open(gate, open.target, signal)]);
}

async function restSessions(pausing: Pausing): Promise<void> {
  const { gateway, database, file, signal, until } = pausing;
  let since = 'infinity';
  await waitUntil(
    `the sessions of ${database.name} to end`,
    within(signal, Math.max(1, Math.ceil(until - performance.now()))),
    async () => {
      const { left, now } = await endIdleSessions(pausing, since);
      since = since === 'infinity' ? now : since;
      return left === 0 ? true : undefined;
    },
    REST_POLL_MS,
  ).catch(async (error: unknown) => {
    if (signal.aborted || performance.now() < until) throw error;
    await gateway.router.cut(gateway.routerPorts(file), signal);
    await endSessions(pausing, 'true');
  });
}

/**
 * Ends the customer's sessions at the server that are between transactions, or in one that began after the first look:
 * whatever ran when the pause began may come to its end, and nothing new may begin. What is left of the pooler's by now has
 * no transaction.
 */
function endIdleSessions(pausing: Pausing, since: string): Promise<{ left: number; now: string }> {
  return endSessions(pausing, `state IN ('idle', 'idle in transaction (aborted)') OR xact_start > ${quoteLiteral(since)}::timestamptz`);
}
