import { type Database, type FreeholdClient, hasEnded, type Operation } from '../../../clients/typescript/src/client.js';
import { CliError } from '../cli-error.js';
import { askUntil } from '../../base/ask-until.js';
import type { Canary } from './canary.js';
import { expectAfter, type Fault } from './faults.js';
import type { FaultInjector, Injected } from './inject-fault.js';
import { lostRows, type NumberedWriter } from './numbered-writer.js';

/** What one fault did to one writer. */
export interface Round {
  readonly injectedAt: string;
  /** The longest time between two acknowledgements. */
  readonly outageSeconds: number;
  /** From the fault until as many standbys were in sync as before; null for a fault that costs no redundancy, or if they never were. */
  readonly redundantSeconds: number | null;
  readonly clientErrors: number;
  readonly acknowledged: number;
  readonly lost: readonly number[];
  readonly epoch: number;
  /** Why the round has no good end. */
  readonly failure: string | null;
}

export interface RoundParts {
  readonly api: FreeholdClient;
  readonly canary: Canary;
  readonly writer: NumberedWriter;
  readonly injector: FaultInjector;
  /** Asked before anything is broken that is not the canary's. */
  readonly consent: (fault: Fault, database: Database) => Promise<void>;
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

const LOOK_EVERY_MS = 100;
/** A fault from which nothing follows is watched for so long: it may be felt only after a moment. */
const QUIET_MS = 2_000;
/** Rows that the writer gets through before a fault, and after it, so that the gap between them has two ends. */
const ROWS_AROUND = 20;

/** Injects faults at one moment, and measures until the database has got over them. */
export async function runRound(faults: readonly Fault[], parts: RoundParts): Promise<Round> {
  const { canary, writer, injector } = parts;
  const before = await waitForRest(parts);
  injector.machine.requireHome(before);
  for (const fault of faults) await parts.consent(fault, before);
  await waitForRows(parts);
  writer.beginRound();
  const injectedAt = Date.now();
  const injected = await Promise.all(faults.map((fault) => injector.inject(fault, before)));
  const expected = expectAfter(faults);
  const end = await waitForEnd(parts, before, { injectedAt, injected, expected });
  if (end) await waitForRows(parts);
  const { acknowledged, errors, longestGapMs } = writer.round();
  return {
    injectedAt: new Date(injectedAt).toISOString(),
    outageSeconds: longestGapMs / 1000,
    redundantSeconds: end && expected !== 'nothing' ? (end.at - injectedAt) / 1000 : null,
    clientErrors: errors,
    acknowledged: acknowledged.length,
    lost: end ? await lostRows(canary.credentials.uri, { acknowledged }) : [],
    epoch: end?.database.epoch ?? before.epoch,
    failure: end ? null : `not available again after ${parts.limitMs / 1000} s`,
  };
}

/** A fault is injected only into a database that is available and that nothing changes. */
export async function waitForRest({
  api, canary, limitMs, signal,
}: Pick<RoundParts, 'api' | 'canary' | 'limitMs' | 'signal'>): Promise<Database> {
  const database = await askUntil(async () => {
    const [seen, operations] = await read(api, canary);
    return seen.state === 'available' && operations.every(hasEnded) ? seen : undefined;
  }, { deadlineMs: limitMs, everyMs: LOOK_EVERY_MS, signal });
  if (!database) {
    throw new CliError(`the canary ${canary.id} is not available after ${limitMs / 1000} s: see freehold databases show ${canary.id}`);
  }
  return database;
}

async function waitForEnd(
  { api, canary, limitMs, signal }: RoundParts, before: Database,
  { injectedAt, injected, expected }: { injectedAt: number; injected: readonly Injected[]; expected: ReturnType<typeof expectAfter> },
): Promise<{ database: Database; at: number } | undefined> {
  return askUntil(async () => {
    // The control plane may be what was broken: it is asked again.
    const seen = await read(api, canary).catch(() => undefined);
    const repaired = await Promise.all(injected.map(({ isRepaired }) => isRepaired()));
    if (!seen || repaired.includes(false)) return undefined;
    const [database, operations] = seen;
    const since = operations.filter(({ createdAt }) => Date.parse(createdAt) >= injectedAt);
    const happened = {
      promotion: database.epoch > before.epoch, reprotection: since.length > 0, nothing: Date.now() - injectedAt >= QUIET_MS,
    };
    if (!happened[expected] || database.state !== 'available' || !operations.every(hasEnded)) return undefined;
    // The operation's own end is more exact than the time of this look, and by the same clock: it ran on this machine.
    const ends = since.flatMap(({ finishedAt }) => (finishedAt === null ? [] : [Date.parse(finishedAt)]));
    return { database, at: ends.length > 0 ? Math.max(...ends) : Date.now() };
  }, { deadlineMs: limitMs, everyMs: LOOK_EVERY_MS, signal });
}

async function waitForRows({ writer, limitMs, signal }: RoundParts): Promise<void> {
  const count = writer.count + ROWS_AROUND;
  await askUntil(() => writer.count >= count || undefined, { deadlineMs: limitMs, everyMs: 5, signal });
}

async function read(api: FreeholdClient, { id }: Canary): Promise<[Database, readonly Operation[]]> {
  const database = await api.getDatabase(id);
  const { data } = await api.call('get', '/v1/operations', { query: { databaseId: id, limit: 10 } });
  return [database, data];
}
