import { formatTable, print, type Column } from '../../output.js';
import { PROMISED_SECONDS, type Prediction } from './predict-restores.js';
import type { RestoreModel } from './fit-restores.js';
import type { Loss } from './measure-loss.js';

/** What one disaster did to one canary. */
export interface Disaster extends Loss {
  readonly databaseId: string;
  readonly destroyedAt: string;
  /** What its newest backup takes when it is restored. */
  readonly backupBytes: number;
  /** From the disaster to the first write that was acknowledged after it; null if there was none. */
  readonly rtoSeconds: number | null;
  /** Of that, how long each step of the restore took. */
  readonly steps: Readonly<Record<string, number>>;
  readonly acknowledged: number;
  /** Rows of the bulk of data that are missing or not what they were. */
  readonly damaged: number;
  /** Why it has no good end. */
  readonly failure: string | null;
}

/** What a drill of disasters has found. */
export interface DisasterReport {
  readonly region: string;
  readonly canaries: readonly string[];
  readonly sizesMib: readonly number[];
  /** Why it ended early. */
  readonly stopped: string | null;
  readonly disasters: readonly Disaster[];
  /** Null if no restore was measured. */
  readonly model: RestoreModel | null;
  readonly restoresAtOnce: number;
  /** For each server and each data centre on which databases are, the slowest first. */
  readonly predictions: readonly Prediction[];
}

/** WAL is archived after a minute at the latest, and its transport may take this long before it is tried again. */
const MOST_RPO_SECONDS = 60 + 20;

/** Each broken promise, in a sentence. */
export function findBreaches({ disasters, predictions, stopped }: DisasterReport): string[] {
  const sum = (of: (disaster: Disaster) => number): number => disasters.reduce((total, disaster) => total + of(disaster), 0);
  const rpo = Math.max(0, ...disasters.map(({ rpoSeconds }) => rpoSeconds));
  const late = predictions.filter(({ seconds, promisedSeconds }) => seconds > promisedSeconds);
  return [
    ...(stopped === null ? [] : [`the drill ended early: ${stopped}`]),
    ...disasters.flatMap(({ databaseId, failure }) => (failure === null ? [] : [`${databaseId}: ${failure}`])),
    ...(rpo > MOST_RPO_SECONDS ? [`${rpo.toFixed(1)} s of acknowledged writes were lost, and not ${MOST_RPO_SECONDS} s at most`] : []),
    ...(sum(({ holes }) => holes) > 0
      ? [`${sum(({ holes }) => holes)} acknowledged writes are missing that are older than others that were restored`]
      : []),
    ...(sum(({ damaged }) => damaged) > 0
      ? [`${sum(({ damaged }) => damaged)} rows of what was in the backups are missing or damaged`]
      : []),
    ...late.map(
      ({ lost, id, seconds, promisedSeconds }) =>
        `the ${lost} ${id} would take ${duration(seconds)}, and ${duration(promisedSeconds)} are promised`,
    ),
  ];
}

const DISASTERS: readonly Column<Disaster>[] = [
  ['CANARY', ({ databaseId }) => databaseId],
  ['SIZE', ({ backupBytes }) => mebibytes(backupBytes)],
  ['RTO', ({ rtoSeconds }) => (rtoSeconds === null ? 'not back' : `${rtoSeconds.toFixed(2)} s`)],
  ['RPO', ({ rtoSeconds, rpoSeconds }) => (rtoSeconds === null ? null : `${rpoSeconds.toFixed(2)} s`)],
  ['ACKNOWLEDGED', ({ acknowledged }) => acknowledged],
  ['LOST', ({ rtoSeconds, lost }) => (rtoSeconds === null ? null : lost)],
];

const PREDICTIONS: readonly Column<Prediction>[] = [
  ['LOST FOR GOOD', ({ lost }) => lost],
  ['THE SLOWEST IS', ({ id }) => id],
  ['DATABASES', ({ databases }) => databases],
  ['SIZE', ({ bytes }) => mebibytes(bytes)],
  ['ALL BACK AFTER', ({ seconds }) => duration(seconds)],
  ['PROMISED', ({ promisedSeconds }) => duration(promisedSeconds)],
  ['IN TIME', ({ seconds, promisedSeconds }) => (seconds <= promisedSeconds ? 'yes' : 'NO')],
];

export function printDisasters(report: DisasterReport): void {
  const { region, canaries, disasters, model, predictions, restoresAtOnce } = report;
  print(`${canaries.length} canaries in ${region}, every instance destroyed at one moment\n`);
  print(formatTable(disasters, DISASTERS));
  if (!model) return;
  print(`\n${describeModel(model)}`);
  if (canaries.length < restoresAtOnce) {
    print(`${restoresAtOnce} databases are restored at once, and only ${canaries.length} were here: more at once are slower`);
  }
  const worst = Object.keys(PROMISED_SECONDS).flatMap((lost) => predictions.find((prediction) => prediction.lost === lost) ?? []);
  if (worst.length === 0) {
    print('\nThere is no database but the canaries: nothing to be predicted');
    return;
  }
  print(
    `\nIf nothing of its databases were left elsewhere, and ${restoresAtOnce} are restored at once:\n\n${formatTable(worst, PREDICTIONS)}`,
  );
  const unbacked = [...new Set(predictions.flatMap(({ withoutBackup }) => withoutBackup))];
  if (unbacked.length > 0) print(`\nNot counted, as they have no backup yet: ${unbacked.join(', ')}`);
}

function describeModel({ fixedSeconds, bytesPerSecond, isTold }: RestoreModel): string {
  const line = `a restore takes ${fixedSeconds.toFixed(1)} s, and a second more for every ${mebibytes(bytesPerSecond)}`;
  return isTold ? line : `${line} at most: the larger ones took no longer, so that a larger --size would tell more`;
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

function duration(seconds: number): string {
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  return seconds < 7_200 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3_600).toFixed(1)} h`;
}
