#!/usr/bin/env node
/**
 * Asks the registry whether packages that Freehold runs with have known holes, as a step of `.ci/run`. It fails for one that is high or
 * critical; where the registry does not answer that question, nothing is known, and the step says so and counts for nothing.
 */
import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { ROOT } from './setup/run.mjs';

const WITHIN_MS = 60_000;
const COUNTS = new Set(['high', 'critical']);

/** What the output of `npm audit --json` comes to: a line for each hole that counts; undefined if the registry did not answer. */
export function readAudit(output) {
  let report;
  try {
    report = JSON.parse(output);
  } catch {
    return undefined;
  }
  if (report === null || typeof report.vulnerabilities !== 'object') return undefined;
  return Object.values(report.vulnerabilities).filter(({ severity }) => COUNTS.has(severity))
    .map(({ name, severity, range }) => `${name} ${range}: ${severity}`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json'], { cwd: ROOT, encoding: 'utf8', timeout: WITHIN_MS });
  const holes = readAudit(stdout ?? '');
  const said = holes === undefined
    ? 'skipped npm audit: the registry does not answer'
    : holes.length === 0 ? 'ok    npm audit' : `FAILED npm audit\n${holes.join('\n')}`;
  process.stdout.write(`${said}\n`);
  process.exitCode = holes === undefined || holes.length === 0 ? 0 : 1;
}
