import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';

import type { FreeholdClient } from '../../../clients/typescript/src/client.js';
import { reasonOf } from '../../base/reason-of.js';
import { Vault } from '../../secrets/vault.js';
import { CliError } from '../cli-error.js';
import { openMasterKey } from '../../supervisor/master-key.js';
import { note, printJson } from '../output.js';
import { askConsent } from './ask-consent.js';
import { provideCanary, removeCanary, type Canary } from './canary.js';
import { drawPlot } from './draw-plot.js';
import type { Fault } from './faults.js';
import { FaultInjector } from './inject-fault.js';
import { lostRows, NumberedWriter, WRITER_REST_MS } from './numbered-writer.js';
import { openDrill, untilStopped } from './open-drill.js';
import { describeRound, printReport, type DrillReport } from './report.js';
import { runRound, type Round, type RoundParts } from './run-round.js';
import { summarizeRounds } from './summarize-rounds.js';

/** Options of `freehold drill`. */
export interface DrillFlags {
  readonly fault: readonly Fault[];
  readonly region: string;
  readonly times: number;
  readonly plan?: string;
  readonly pooled?: boolean;
  readonly dataDir?: string;
  readonly svg?: string;
  readonly limit: number;
  readonly keep?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** `freehold drill`: also when it is stopped it wakes what it has stopped, deletes its canary and reports what it has. */
export async function drill(flags: DrillFlags, command: Command): Promise<void> {
  const { directory, settings, api } = await openDrill(flags.dataDir, command);
  const injector = new FaultInjector(directory, async () => new Vault(await openMasterKey(directory, settings)));
  await untilStopped(async (signal) => {
    publish(flags, await withCanary(flags, api, signal, (canary) => measure(flags, { api, canary, injector, signal })));
  });
}

async function withCanary(
  flags: DrillFlags, api: FreeholdClient, signal: AbortSignal, body: (canary: Canary) => Promise<DrillReport>,
): Promise<DrillReport> {
  note(`freehold: making a canary in ${flags.region}`);
  const canary = await provideCanary(api, flags, signal);
  try {
    return await body(canary);
  } finally {
    if (flags.keep) note(`freehold: the canary ${canary.id} is kept`);
    else await removeCanary(api, canary).catch((error: unknown) => note(`freehold: ${reasonOf(error)}`));
  }
}

async function measure(
  flags: DrillFlags, { api, canary, injector, signal }: Pick<RoundParts, 'api' | 'canary' | 'injector' | 'signal'>,
): Promise<DrillReport> {
  const { fault, times, region } = flags;
  const writer = await NumberedWriter.start(flags.pooled ? canary.credentials.pooledUri : canary.credentials.uri, {
    restMs: WRITER_REST_MS,
  });
  const rounds: Round[] = [];
  let stopped: string | null = null;
  let lostAtEnd: readonly number[] = [];
  try {
    const parts: RoundParts = {
      api, canary, writer, injector, consent: askConsent(api, flags.yes === true), limitMs: flags.limit * 1000, signal,
    };
    while (rounds.length < times && rounds.every(({ failure }) => failure === null)) {
      const round = await runRound(fault, parts);
      rounds.push(round);
      note(`freehold: round ${rounds.length} of ${times}: ${describeRound(round)}`);
    }
    lostAtEnd = await lostRows(canary.credentials.uri, await writer.stop());
  } catch (error) {
    // The measurements so far are reported all the same; without any, only the reason is.
    if (rounds.length === 0) throw error;
    stopped = reasonOf(error);
  } finally {
    injector.wakeStopped();
    await writer.stop();
  }
  return {
    faults: fault,
    region,
    endpoint: flags.pooled ? 'pooled' : 'session',
    databaseId: canary.id,
    asked: times,
    stopped,
    summary: summarizeRounds(rounds, lostAtEnd),
    rounds,
  };
}

/** @throws CliError if anything was lost, or a round has no good end */
function publish({ svg, json }: DrillFlags, report: DrillReport): void {
  if (json) printJson(report);
  else printReport(report);
  if (svg !== undefined) {
    writeFileSync(svg, drawPlot(`${report.faults.join(' + ')} in ${report.region}, ${report.rounds.length} times`, report.rounds));
  }
  const { lost } = report.summary;
  if (lost > 0) throw new CliError(`${lost} acknowledged writes were lost`);
  const failure = report.stopped ?? report.rounds.find((round) => round.failure !== null)?.failure;
  if (failure) throw new CliError(`the drill ended after ${report.rounds.length} of ${report.asked} rounds: ${failure}`);
}
