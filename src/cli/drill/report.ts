import { formatTable, print, type Column } from '../output.js';
import type { Fault } from './faults.js';
import type { Round } from './run-round.js';
import type { Spread, Summary } from './summarize-rounds.js';

/** What a drill has found. */
export interface DrillReport {
  readonly faults: readonly Fault[];
  readonly region: string;
  readonly endpoint: 'session' | 'pooled';
  readonly databaseId: string;
  /** Rounds that were asked for. */
  readonly asked: number;
  /** Why it ended before that. */
  readonly stopped: string | null;
  readonly summary: Summary;
  readonly rounds: readonly Round[];
}

type Numbered = Round & { readonly number: number };

const ROUNDS: readonly Column<Numbered>[] = [
  ['ROUND', (round) => round.number],
  ['OUTAGE', (round) => seconds(round.outageSeconds)],
  ['REDUNDANT AFTER', (round) => round.redundantSeconds === null ? '-' : seconds(round.redundantSeconds)],
  ['CLIENT ERRORS', (round) => round.clientErrors],
  ['ACKNOWLEDGED', (round) => round.acknowledged],
  ['LOST', (round) => round.lost.length],
  ['EPOCH', (round) => round.epoch],
];

const SPREADS: readonly Column<readonly [string, Spread | null]>[] = [
  ['', ([name]) => name],
  ['MEDIAN', ([, spread]) => spread && seconds(spread.median)],
  ['P95', ([, spread]) => spread && seconds(spread.p95)],
  ['WORST', ([, spread]) => spread && seconds(spread.worst)],
];

export function printReport({ faults, region, endpoint, rounds, summary }: DrillReport): void {
  print(`${faults.join(' + ')} in ${region}, one writer on the ${endpoint} endpoint\n`);
  print(formatTable(rounds.map((round, index) => ({ ...round, number: index + 1 })), ROUNDS));
  print(`\n${formatTable([['outage', summary.outageSeconds], ['time to redundancy', summary.redundantSeconds]], SPREADS)}`);
  print(`\n${summary.acknowledged} writes acknowledged, ${summary.lost} of them lost, ${summary.clientErrors} client errors`);
}

/** One line, for those who watch. */
export function describeRound({ outageSeconds, redundantSeconds, clientErrors, lost, failure }: Round): string {
  const parts = [
    `outage ${seconds(outageSeconds)}`,
    ...(redundantSeconds === null ? [] : [`redundant after ${seconds(redundantSeconds)}`]),
    `${clientErrors} client errors`,
    `${lost.length} lost`,
    ...(failure === null ? [] : [failure]),
  ];
  return parts.join(', ');
}

function seconds(value: number): string {
  return `${value.toFixed(3)} s`;
}
