import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { parseListeners } from '../../src/engine/local/fleet/listeners.js';

const ENTRY = fileURLToPath(new URL('../../dist/src/cli/freehold.js', import.meta.url));

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Compiles what `freehold` runs, if its sources have changed. */
export async function buildCommand(): Promise<void> {
  await promisify(execFile)(process.execPath, [fileURLToPath(new URL('../../scripts/build.mjs', import.meta.url))]);
}

/** Runs the built command, and returns once its output has ended: nothing it left behind may hold a pipe open. */
export function freehold(args: readonly string[], environment: Record<string, string> = {}): Promise<CommandResult> {
  return run(process.execPath, [ENTRY, ...args], environment);
}

/** Starts the built command in the foreground, as the leader of a group of its own. */
export function startFreehold(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [ENTRY, ...args], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Runs a program to its end; its exit code is an answer, not an error. */
export function run(program: string, args: readonly string[], environment: Record<string, string> = {}, uid?: number, inputPath = '/dev/null'): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const input = openSync(inputPath, 'r');
    const child = spawn(program, args, { env: { ...process.env, ...environment }, stdio: [input, 'pipe', 'pipe'], cwd: '/', ...(uid === undefined ? {} : { uid, gid: uid }) });
    closeSync(input);
    let stdout = '';
    let stderr = '';
    child.stdout!.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr!.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
  });
}

/** Every living process that works below one of the paths, or names one on its command line; this one apart. */
export function processesOf(paths: readonly string[]): { pid: number; command: string }[] {
  return readdirSync('/proc').map(Number).filter((pid) => Number.isInteger(pid) && pid !== process.pid).flatMap((pid) => {
    const command = attempt(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()) ?? '';
    const directory = attempt(() => readlinkSync(`/proc/${pid}/cwd`)) ?? '';
    const isTheirs = paths.some((path) => command.includes(path) || directory.startsWith(path));
    return isTheirs && !isDead(pid) ? [{ pid, command }] : [];
  });
}

/** Who listens on TCP of the processes of some paths, and at some ports of 127.0.0.1, or of every address, whoever it is. */
export function findListeners(paths: readonly string[], ports: readonly number[]): { address: string; port: number; command: string }[] {
  const owners = new Map(processesOf(paths).flatMap(({ pid, command }) =>
    (attempt(() => readdirSync(`/proc/${pid}/fd`)) ?? []).map((fd) => [attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? '', command] as const)));
  const lines = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) => readFileSync(path, 'utf8').split('\n').map((line) => line.trim().split(/\s+/)));
  return lines.filter(([, , , state]) => state === '0A').flatMap(([, local = '', , , , , , , , inode]) => {
    const [listener] = parseListeners(`0: ${local} 0 0A`);
    const command = owners.get(`socket:[${inode}]`);
    const address = listener?.bytes.join('.') ?? '';
    const isAtPort = listener !== undefined && ports.includes(listener.port) && /^(?:127\.0\.0\.1|0[.0]*)$/.test(address);
    return listener && (command !== undefined || isAtPort) ? [{ address, port: listener.port, command: command ?? '' }] : [];
  });
}

/** The mounts at or below one of the paths. */
export function mountsOf(paths: readonly string[]): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter((line) => paths.some((path) => line.includes(path)));
}

function isDead(pid: number): boolean {
  return !existsSync(`/proc/${pid}`) || /^\S+ \(.*\) [ZX]/.test(attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? 'x (x) X');
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
