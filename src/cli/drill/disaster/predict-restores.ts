import type { RestoreModel } from './fit-restores.js';

/** A database of the fleet, where its instances are, and what its newest backup takes when it is restored. */
export interface FleetDatabase {
  readonly id: string;
  /** Null while there is no backup. */
  readonly backupBytes: number | null;
  readonly places: readonly { readonly host: string; readonly dataCenter: string }[];
}

/** What may be lost for good, and how long its databases may then be down at most, in seconds (`design.md`, part 1). */
export const PROMISED_SECONDS = { server: 6 * 3_600, 'data centre': 24 * 3_600 } as const;

/** How long it takes until every database is back that has an instance there, if all of them have to be restored. */
export interface Prediction {
  readonly lost: keyof typeof PROMISED_SECONDS;
  readonly id: string;
  readonly databases: number;
  /** Databases there that cannot be restored yet, as they are too new to have a backup. */
  readonly withoutBackup: readonly string[];
  readonly bytes: number;
  readonly seconds: number;
  readonly promisedSeconds: number;
}

/**
 * Predicts the worst case for each server and each data centre, the slowest first: that nothing of its databases is left
 * elsewhere. As a rule there is a standby, and the database fails over within seconds.
 *
 * @param atOnce how many databases are restored side by side
 */
export function predictRestores(databases: readonly FleetDatabase[], model: RestoreModel, atOnce: number): Prediction[] {
  return [
    ...group(databases, ({ host }) => host).map(([id, there]) => predict('server', id, there, model, atOnce)),
    ...group(databases, ({ dataCenter }) => dataCenter).map(([id, there]) => predict('data centre', id, there, model, atOnce)),
  ].sort((a, b) => b.seconds - a.seconds || a.id.localeCompare(b.id));
}

function group(
  databases: readonly FleetDatabase[], nameOf: (place: FleetDatabase['places'][number]) => string,
): [string, FleetDatabase[]][] {
  const ids = [...new Set(databases.flatMap(({ places }) => places.map(nameOf)))];
  return ids.map((id) => [id, databases.filter(({ places }) => places.some((place) => nameOf(place) === id))]);
}

function predict(
  lost: Prediction['lost'], id: string, there: readonly FleetDatabase[], { fixedSeconds, bytesPerSecond }: RestoreModel, atOnce: number,
): Prediction {
  // The emptying of lost hosts takes databases in this order, not the largest first.
  const inOrder = [...there].sort((a, b) => a.id.localeCompare(b.id));
  const sizes = inOrder.flatMap(({ backupBytes }) => backupBytes ?? []);
  return {
    lost, id, databases: there.length,
    withoutBackup: inOrder.filter(({ backupBytes }) => backupBytes === null).map((database) => database.id),
    bytes: sizes.reduce((sum, bytes) => sum + bytes, 0),
    seconds: timeLanes(sizes.map((bytes) => fixedSeconds + bytes / bytesPerSecond), atOnce),
    promisedSeconds: PROMISED_SECONDS[lost],
  };
}

/** When the last of some jobs ends that are taken in their order, each as soon as a lane is free. */
export function timeLanes(jobs: readonly number[], lanes: number): number {
  const ends = Array.from({ length: lanes }, () => 0);
  for (const seconds of jobs) {
    const free = ends.indexOf(Math.min(...ends));
    ends[free] = (ends[free] ?? 0) + seconds;
  }
  return Math.max(...ends);
}
