import type { FreeholdClient, Operation } from '../../../clients/typescript/src/client.js';
import type { Column } from '../output.js';

/** What was done for all the databases that moved, by the kind of operation that did it. */
export interface MoveReport {
  readonly kind: string;
  readonly succeeded: number;
  readonly failed: number;
  readonly longestSeconds: number;
}

export const MOVES: readonly Column<MoveReport>[] = [
  ['MOVED BY', (row) => row.kind],
  ['SUCCEEDED', (row) => row.succeeded],
  ['FAILED', (row) => row.failed],
  ['LONGEST', (row) => `${row.longestSeconds.toFixed(2)} s`],
];

/** What the loss of hosts cost a database, as the operation's report has it. */
interface EndedOutage {
  readonly databaseId: string;
  readonly by: string;
  readonly rtoSeconds: number | null;
  readonly rpoSecondsAtMost: number | null;
}

export const ENDED_OUTAGES: readonly Column<EndedOutage>[] = [
  ['DATABASE', (row) => row.databaseId],
  ['CAME BACK BY', (row) => row.by],
  ['RTO', (row) => (row.rtoSeconds === null ? 'not yet' : `${row.rtoSeconds.toFixed(2)} s`)],
  [
    'RPO',
    (row) =>
      row.rpoSecondsAtMost === null
        ? 'unknown'
        : row.rpoSecondsAtMost === 0
          ? 'nothing lost'
          : `at most ${row.rpoSecondsAtMost.toFixed(1)} s`,
  ],
];

export function endedOutagesOf({ steps }: Operation): readonly EndedOutage[] {
  const recoveries = steps.find(({ name }) => name === 'move')?.detail?.['recoveries'];
  return Array.isArray(recoveries) ? recoveries as EndedOutage[] : [];
}

/** Sums up the operations that another one asked for. */
export async function reportMoves(api: FreeholdClient, asker: Operation): Promise<MoveReport[]> {
  const moves = await listAskedFor(api, asker);
  return [...new Set(moves.map(({ kind }) => kind))].sort().map((kind) => {
    const ended = moves.filter((move) => move.kind === kind && move.finishedAt !== null);
    return {
      kind,
      succeeded: ended.filter(({ state }) => state === 'succeeded').length,
      failed: ended.filter(({ state }) => state !== 'succeeded').length,
      longestSeconds: Math.max(
        0, ...ended.map(({ createdAt, finishedAt }) => (Date.parse(finishedAt ?? createdAt) - Date.parse(createdAt)) / 1000),
      ),
    };
  });
}

/** Operations are listed newest first: what is older than the asker was asked for by others. */
async function listAskedFor(api: FreeholdClient, asker: Operation): Promise<Operation[]> {
  const found: Operation[] = [];
  for await (const operation of api.list('/v1/operations')) {
    if (Date.parse(operation.createdAt) < Date.parse(asker.createdAt)) return found;
    if (operation.requestedBy === asker.id) found.push(operation);
  }
  return found;
}
