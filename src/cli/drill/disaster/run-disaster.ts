import { type Database, type FreeholdClient, type Operation, ProblemError } from '../../../../clients/typescript/src/client.js';
import { reasonOf } from '../../../base/reason-of.js';
import { within } from '../../../base/signals.js';
import { CliError } from '../../cli-error.js';
import { describeEnd, stepSeconds } from '../../client/show-steps.js';
import { askUntil } from '../../../base/ask-until.js';
import type { Canary } from '../canary.js';
import { destroyAll, type FleetMachine, removeGone } from '../machine.js';
import { lostRows, type NumberedWriter, type WriterReport } from '../numbered-writer.js';
import { waitForRest } from '../run-round.js';
import { countDamaged, setBallast } from './ballast.js';
import type { Disaster } from './disaster-report.js';
import { type AcknowledgedRow, measureLoss } from './measure-loss.js';
import { provideBackup } from './provide-backup.js';

/** A canary, who writes to it, and what of that was lost in earlier disasters. */
export interface Subject {
  readonly canary: Canary;
  readonly writer: NumberedWriter;
  readonly lostBefore: Set<number>;
}

export interface DisasterParts {
  readonly api: FreeholdClient;
  readonly machine: FleetMachine;
  /** Whose databases may be destroyed; nobody else's ever are. */
  readonly customerId: string;
  /** How long making the backup may take, and so the restore. */
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

const LOOK_EVERY_MS = 100;

/** Destroys canaries at one moment, each with so much data, and brings them back as an operator would. */
export async function runDisaster(subjects: readonly Subject[], mebibytes: number, parts: DisasterParts): Promise<Disaster[]> {
  const { machine, limitMs, signal } = parts;
  const backupBytes = await Promise.all(subjects.map(async ({ canary }) => {
    const anew = await setBallast(canary.credentials.uri, mebibytes, signal);
    return provideBackup(parts.api, canary.id, { anew, signal: within(signal, limitMs) });
  }));
  const victims = await Promise.all(subjects.map(({ canary }) => waitForRest({ ...parts, canary })));
  for (const victim of victims) requireCanary(victim, parts.customerId);
  const remains = victims.map((victim) => machine.remainsOf(victim));
  signal.throwIfAborted();
  const errors = subjects.map(({ writer }) => writer.errorCount);
  const destroyedAtMs = Date.now();
  try {
    await destroyAll(remains);
    return await Promise.all(subjects.map((subject, index) => restoreSubject(
      subject, { destroyedAtMs, mebibytes, backupBytes: backupBytes[index] ?? 0, errorsBefore: errors[index] ?? 0 }, parts,
    )));
  } finally {
    // Only now, so that a restore does not wait for the disk that removes what is gone anyway.
    await removeGone(remains);
  }
}

/** The last look before something cannot be brought back but from its backups. */
function requireCanary({ id, customerId }: Database, canaries: string): void {
  if (customerId !== canaries) throw new CliError(`${id} is no canary: nothing was destroyed`);
}

interface Blow {
  readonly destroyedAtMs: number;
  readonly mebibytes: number;
  readonly backupBytes: number;
  readonly errorsBefore: number;
}

async function restoreSubject(
  subject: Subject, { destroyedAtMs, mebibytes, backupBytes, errorsBefore }: Blow, parts: DisasterParts,
): Promise<Disaster> {
  const { canary, writer, lostBefore } = subject;
  const restoring = restore(parts.api, canary.id, within(parts.signal, parts.limitMs));
  // An acknowledgement from before may have been on its way when the servers died; the error comes after it.
  await askUntil(() => writer.errorCount > errorsBefore || undefined, { deadlineMs: parts.limitMs, everyMs: 10, signal: parts.signal });
  const before = writer.count;
  const { operation, failure } = await restoring;
  if (failure === null) {
    await askUntil(() => writer.count > before || undefined, { deadlineMs: parts.limitMs, everyMs: 5, signal: parts.signal });
  }
  const seen = writer.report();
  const backAtMs = failure === null ? seen.acknowledgedAtMs[before] : undefined;
  const common = {
    databaseId: canary.id,
    destroyedAt: new Date(destroyedAtMs).toISOString(),
    backupBytes,
    steps: operation ? stepSeconds(operation) : {},
    acknowledged: seen.acknowledged.length,
  };
  if (backAtMs === undefined) {
    return {
      ...common,
      rtoSeconds: null,
      lost: 0,
      rpoSeconds: 0,
      holes: 0,
      damaged: 0,
      failure: failure ?? `cannot be written to again after ${parts.limitMs / 1000} s`,
    };
  }
  const missing = (await lostRows(canary.credentials.uri, seen)).filter((number) => !lostBefore.has(number));
  const rows = rowsBefore(seen, before).filter(({ number }) => !lostBefore.has(number));
  for (const number of missing) lostBefore.add(number);
  const lostSince = missing.filter((number) => number > (seen.acknowledged[before - 1] ?? 0)).length;
  return {
    ...common, ...measureLoss(rows, new Set(missing), destroyedAtMs),
    rtoSeconds: (backAtMs - destroyedAtMs) / 1000,
    damaged: await countDamaged(canary.credentials.uri, mebibytes),
    failure: lostSince > 0 ? `${lostSince} writes were lost that were acknowledged after the restore` : null,
  };
}

/** As the product does it for a database that a lost data centre held alone, but for this one database. */
async function restore(
  api: FreeholdClient, id: string, signal: AbortSignal,
): Promise<{ readonly operation?: Operation; readonly failure: string | null }> {
  try {
    const operation = await api.followOperation(await requestRestore(api, id, signal), { signal });
    return { operation, failure: operation.state === 'succeeded' ? null : describeEnd(operation) };
  } catch (error) {
    if (!signal.aborted) throw error;
    return { failure: `was not restored: ${reasonOf(signal.reason)}` };
  }
}

/** The control plane may have noticed the loss and begun an operation, which the restore has to wait for. */
async function requestRestore(api: FreeholdClient, id: string, signal: AbortSignal): Promise<string> {
  const accepted = await askUntil(async () => {
    try {
      const body = { time: 'latest', into: 'inPlace' } as const;
      return (await api.call('post', '/v1/databases/{id}/restore', { path: { id }, body, signal })).operation.id;
    } catch (error) {
      if (error instanceof ProblemError && error.status === 409) return undefined;
      throw error;
    }
  }, { deadlineMs: Infinity, everyMs: LOOK_EVERY_MS, signal });
  if (accepted === undefined) throw new Error('waiting without a deadline came to an end');
  return accepted;
}

function rowsBefore({ acknowledged, acknowledgedAtMs }: WriterReport, count: number): AcknowledgedRow[] {
  return acknowledged.slice(0, count).map((number, index) => ({ number, atMs: acknowledgedAtMs[index] ?? 0 }));
}
