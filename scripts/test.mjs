#!/usr/bin/env node
/**
 * `npm test`: the set-up, then every check, then every test. Each runs even if one before it failed, the exit code is
 * zero only if all passed, and the last line is the count of the tests: `N passed, N failed`.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './setup/run.mjs';
import { trySetUp } from './setup.mjs';

const CHECKS = [
  { name: 'eslint', args: ['node_modules/eslint/bin/eslint.js', '.', '--max-warnings=0'] },
  {
    name: 'dependency-cruiser',
    args: ['node_modules/dependency-cruiser/bin/dependency-cruise.mjs', '--config', '.dependency-cruiser.cjs', 'src', 'migrations'],
  },
  { name: 'tsc', args: ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'] },
  { name: 'knip', args: ['node_modules/knip/bin/knip.js'] },
];

const started = Date.now();
if (!trySetUp()) finish({ passed: 0, failed: 0 }, ['set-up']);
else await testAll();

async function testAll() {
  const failedChecks = [];
  await inParallel(2, CHECKS, async (check) => {
    const result = await runNode(check.args, 'collect');
    process.stdout.write(`${result.code === 0 ? 'ok    ' : 'FAILED'} ${check.name}\n${result.code === 0 ? '' : result.output}`);
    if (result.code !== 0) failedChecks.push(check.name);
  });
  const tests = await runTests(process.argv.slice(2));
  finish(tests, tests.code === 0 ? failedChecks : [...failedChecks, 'vitest']);
}

/** Arguments are passed on to vitest, so `npm test -- test/unit` runs a part. */
async function runTests(filters) {
  const folder = mkdtempSync(join(tmpdir(), 'freehold-test-'));
  const report = join(folder, 'report.json');
  const args = [
    'node_modules/vitest/vitest.mjs', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...filters,
  ];
  const { code } = await runNode(args, 'show');
  try {
    return { code, ...count(JSON.parse(readFileSync(report, 'utf8'))) };
  } catch (error) {
    process.stderr.write(`vitest left no report: ${error.message}\n`);
    return { code: code || 1, passed: 0, failed: 0 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A file that failed before any of its tests could (it does not load, or a hook threw) counts as one failure. */
function count(report) {
  const isBroken = (file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed');
  return { passed: report.numPassedTests, failed: report.numFailedTests + report.testResults.filter(isBroken).length };
}

function runNode(args, output) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: output === 'show' ? 'inherit' : ['ignore', 'pipe', 'pipe'] });
    const chunks = [];
    child.stdout?.on('data', (chunk) => chunks.push(chunk));
    child.stderr?.on('data', (chunk) => chunks.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString() }));
  });
}

async function inParallel(width, items, work) {
  const queue = [...items];
  await Promise.all(Array.from({ length: width }, async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  }));
}

function finish(tests, failures) {
  const seconds = Math.round((Date.now() - started) / 1000);
  process.stdout.write(
    failures.length === 0 ? `all checks passed in ${seconds} s\n` : `failed after ${seconds} s: ${failures.join(', ')}\n`,
  );
  process.stdout.write(`${tests.passed} passed, ${tests.failed} failed\n`);
  process.exitCode = failures.length === 0 && tests.failed === 0 ? 0 : 1;
}
