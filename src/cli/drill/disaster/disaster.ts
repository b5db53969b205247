import type { Command } from 'commander';
import pLimit from 'p-limit';

import type { FreeholdClient } from '../../../../clients/typescript/src/client.js';
import { reasonOf } from '../../../base/reason-of.js';
import { eitherOf } from '../../../base/signals.js';
import { RESTORES_AT_ONCE } from '../../../config/restores-at-once.js';
import { CliError } from '../../cli-error.js';
import { collect } from '../../client/session.js';
import { note, printJson } from '../../output.js';
import { type Canary, makeCanary, provideCustomer, removeCanary } from '../canary.js';
import { FleetMachine } from '../machine.js';
import { NumberedWriter, WRITER_REST_MS } from '../numbered-writer.js';
import { openDrill, untilStopped } from '../open-drill.js';
import { type Disaster, type DisasterReport, findBreaches, printDisasters } from './disaster-report.js';
import { fitRestores } from './fit-restores.js';
import { type FleetDatabase, predictRestores } from './predict-restores.js';
import { newestBackup } from './provide-backup.js';
import { type DisasterParts, runDisaster, type Subject } from './run-disaster.js';

/** Options of `freehold drill disaster`. */
export interface DisasterFlags {
  readonly region: string;
  readonly canaries: number;
  readonly rounds: number;
  /** How much data each has, in MiB: one disaster for each size. */
  readonly size: readonly number[];
  readonly plan?: string;
  readonly dataDir?: string;
  /** Seconds that a restore may take. */
  readonly limit: number;
  readonly json?: boolean;
}

const ASKED_AT_ONCE = 8;

/** `freehold drill disaster`: it destroys canaries and nothing else, and deletes them at the end, also when it is stopped. */
export async function disaster(flags: DisasterFlags, command: Command): Promise<void> {
  const { directory, api } = await openDrill(flags.dataDir, command);
  const { id: customerId } = await provideCustomer(api);
  await untilStopped(async (signal) => {
    const parts: DisasterParts = { api, machine: new FleetMachine(directory), customerId, limitMs: flags.limit * 1000, signal };
    const report = await withCanaries(flags, parts, (canaries) => measure(flags, canaries, parts));
    if (flags.json) printJson(report);
    else printDisasters(report);
    const breaches = findBreaches(report);
    if (breaches.length > 0) throw new CliError(breaches.join('; '));
  });
}

async function withCanaries<T>(
  { region, plan, canaries }: DisasterFlags, { api, customerId, signal }: DisasterParts, body: (canaries: readonly Canary[]) => Promise<T>,
): Promise<T> {
  note(`freehold: making ${canaries} canaries in ${region}`);
  const stamp = Date.now().toString(36);
  const asked = await Promise.allSettled(Array.from({ length: canaries }, (_, index) =>
    makeCanary(api, { customerId, name: `disaster-${stamp}-${index + 1}`, region, ...(plan === undefined ? {} : { plan }) }, signal)));
  const made = asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  try {
    const refused = asked.find((one) => one.status === 'rejected');
    if (refused) throw refused.reason;
    return await body(made);
  } finally {
    await Promise.all(made.map((canary) => removeCanary(api, canary).catch((error: unknown) => note(`freehold: ${reasonOf(error)}`))));
  }
}

async function measure(
  { region, rounds, size }: DisasterFlags, canaries: readonly Canary[], parts: DisasterParts,
): Promise<DisasterReport> {
  const subjects: Subject[] = [];
  const disasters: Disaster[] = [];
  // Where one canary cannot be measured, nothing goes on for the others.
  const over = new AbortController();
  const ending = { ...parts, signal: eitherOf(parts.signal, over.signal) };
  let stopped: string | null = null;
  try {
    for (const canary of canaries) {
      subjects.push({
        canary, writer: await NumberedWriter.start(canary.credentials.uri, { restMs: WRITER_REST_MS }), lostBefore: new Set(),
      });
    }
    for (const mebibytes of Array.from({ length: rounds }, () => size).flat()) {
      const now = await runDisaster(subjects, mebibytes, ending);
      disasters.push(...now);
      for (const one of now) {
        note(
          `freehold: ${one.databaseId} with ${mebibytes} MiB: `
            + (one.failure ?? `back after ${one.rtoSeconds?.toFixed(2)} s, the last ${one.rpoSeconds.toFixed(2)} s lost`),
        );
      }
      if (now.some(({ failure }) => failure !== null)) break;
    }
  } catch (error) {
    // The measurements so far are reported all the same; without any, only the reason is.
    if (disasters.length === 0) throw error;
    stopped = reasonOf(error);
  } finally {
    over.abort(new CliError('the drill has ended'));
    await Promise.all(subjects.map(({ writer }) => writer.stop()));
  }
  const common = { region, canaries: canaries.map(({ id }) => id), sizesMib: size, stopped, disasters, restoresAtOnce: RESTORES_AT_ONCE };
  const samples = disasters.flatMap(({ backupBytes, rtoSeconds }) =>
    rtoSeconds === null ? [] : [{ bytes: backupBytes, seconds: rtoSeconds }],
  );
  if (samples.length === 0) return { ...common, model: null, predictions: [] };
  const model = fitRestores(samples);
  return { ...common, model, predictions: predictRestores(await readFleet(parts.api, new Set(common.canaries)), model, RESTORES_AT_ONCE) };
}

/** Every database but the canaries, with the size of its newest backup. */
async function readFleet(api: FreeholdClient, canaries: ReadonlySet<string>): Promise<FleetDatabase[]> {
  const databases = (await collect(api.list('/v1/databases'))).filter(({ id, deletedAt }) => deletedAt === null && !canaries.has(id));
  const limit = pLimit(ASKED_AT_ONCE);
  return Promise.all(
    databases.map(({ id, instances }) =>
      limit(async (): Promise<FleetDatabase> => ({
        id,
        backupBytes: (await newestBackup(api, id))?.sizeBytes ?? null,
        places: instances.map(({ host, dataCenter }) => ({ host, dataCenter })),
      })),
    ),
  );
}
