import { STEPS } from './driver.js';
import type { Outcome } from './matrix.js';

/** A line per driver and endpoint; what went wrong stands below the lines. */
export function tableOf(outcomes: readonly Outcome[]): string {
  const header = ['driver', 'version', 'endpoint', ...STEPS, 'acknowledged', 'lost', 'answers', 'wrong', 'errors: in peace', 'switchover', 'kill'];
  const rows = outcomes.map(({ driver, version, endpoint, steps, ...seen }) => [
    driver, version, endpoint, ...STEPS.map((step) => wordFor(steps[step])),
    seen.acknowledged, seen.lost.length, seen.answers, seen.wrong.length, seen.errorsInPeace.length, seen.errorsOfSwitchover.length,
    seen.errors.length - seen.errorsInPeace.length - seen.errorsOfSwitchover.length,
  ].map(String));
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd();
  return [line(header), ...rows.map(line), ...outcomes.flatMap(faultsOf)].join('\n');
}

function wordFor(result: string | undefined): string {
  if (result === undefined || result === 'none') return '–';
  return result === 'ok' ? 'ok' : 'FAILED';
}

function faultsOf({ driver, endpoint, steps, lost, wrong, errorsInPeace }: Outcome): string[] {
  const faults = [
    ...STEPS.filter((step) => wordFor(steps[step]) === 'FAILED').map((step) => `${step}: ${steps[step]}`),
    ...lost.slice(0, 5).map((id) => `lost: row ${id}`), ...wrong.slice(0, 5), ...errorsInPeace.slice(0, 5),
  ];
  return faults.map((fault) => `${driver} at ${endpoint}: ${fault}`);
}

/** What clients were told by errors, each kind once at each endpoint, with how often. */
export function errorsOf(outcomes: readonly Outcome[]): string {
  const counts = new Map<string, number>();
  for (const { endpoint, errors } of outcomes) for (const error of errors) {
    const kind = `${endpoint}: ${error.replaceAll(/\d+/g, 'N').slice(0, 160)}`;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return [...counts].sort(([, one], [, other]) => other - one).map(([kind, count]) => `${count} × ${kind}`).join('\n');
}
