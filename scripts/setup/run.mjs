import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The directory that holds package.json. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** Something that a person has to do before the set-up can go on; the message says what. */
export class SetupError extends Error {}

/** Reports progress; standard output stays free for what the caller prints. */
export function say(text) {
  process.stderr.write(`set-up: ${text}\n`);
}

/**
 * Runs a program in the project's directory with its output on standard error.
 *
 * @throws SetupError if it cannot be started or ends with another code than zero.
 */
export function run(program, args, environment = {}) {
  const result = spawnSync(program, args, {
    cwd: ROOT,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 2, 2],
  });
  if (result.error) throw new SetupError(`${program} could not be started: ${result.error.message}`);
  if (result.status !== 0) throw new SetupError(`${[program, ...args].join(' ')} failed`);
}

/** Runs a program quietly; answers its standard output, or undefined if it failed or is not there. */
export function ask(program, args) {
  const result = spawnSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return result.status === 0 ? result.stdout.trim() : undefined;
}

/** Runs a program quietly, in English; a program that cannot be started is one that failed. */
export function capture(program, args, folder = ROOT) {
  const result = spawnSync(program, args, {
    cwd: folder, encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' }, stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 16 * 1024 * 1024,
  });
  return { code: result.status ?? 1, output: (result.stdout ?? '').trim(), errors: result.error?.message ?? result.stderr.trim() };
}

/** @throws SetupError if this Node is older than package.json's `engines` asks for. */
export function checkNodeVersion() {
  const { engines } = JSON.parse(readFileSync(`${ROOT}/package.json`, 'utf8'));
  const [major, minor] = /(\d+)\.(\d+)/.exec(engines.node).slice(1).map(Number);
  const [ownMajor, ownMinor] = process.versions.node.split('.').map(Number);
  if (ownMajor > major || (ownMajor === major && ownMinor >= minor)) return;
  throw new SetupError(`Node ${major}.${minor} or newer is needed, this is ${process.versions.node}; see https://nodejs.org/en/download`);
}
