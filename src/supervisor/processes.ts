import { existsSync, readdirSync, readFileSync, readlinkSync, statSync, type Stats } from 'node:fs';

import { errorCode } from '../cli/cli-error.js';
import { askUntil } from '../base/ask-until.js';

/** A process that no other can be mistaken for: numbers are given out again, start times within one boot are not. */
export interface ProcessName {
  readonly pid: number;
  /** Clock ticks since boot. */
  readonly startTicks: string;
  readonly bootId: string;
}

/** The living process of that number; undefined if there is none. */
export function nameProcess(pid: number): ProcessName | undefined {
  const startTicks = readStartTicks(pid);
  return startTicks === undefined ? undefined : { pid, startTicks, bootId: readBootId() };
}

export function isAlive(process: ProcessName): boolean {
  return process.bootId === readBootId() && readStartTicks(process.pid) === process.startTicks;
}

/** Signals to try in turn, each with the time that the process has to die of it. */
export type Farewell = readonly { readonly signal: NodeJS.Signals; readonly graceMs: number }[];

/** Ends a process and returns once it is dead; answers false if it outlived the last signal. */
export async function endProcess(target: ProcessName, farewell: Farewell): Promise<boolean> {
  for (const { signal, graceMs } of farewell) {
    if (!isAlive(target)) return true;
    sendSignal(target.pid, signal);
    const dead = await askUntil(() => !isAlive(target) || undefined, { deadlineMs: graceMs, everyMs: 20 });
    if (dead) return true;
  }
  return !isAlive(target);
}

/** Signals a process; one that is gone already is no error. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}

/** Whether two paths lead to the same file, which is there. */
export function leadToSame(one: string, other: string): boolean {
  const wanted = statOrUndefined(other);
  return wanted !== undefined && isSameFile(statOrUndefined(one), wanted);
}

/** Living processes whose working directory is this one, by whatever path it was reached. */
export function findWorkingIn(directory: string): ProcessName[] {
  if (!existsSync(directory)) return [];
  const wanted = statSync(directory);
  return listPids().flatMap((pid) => (isSameFile(statOrUndefined(`/proc/${pid}/cwd`), wanted) ? (nameProcess(pid) ?? []) : []));
}

/**
 * Living processes that work in this directory or below it, by whatever path it was reached: a fleet's directory may be
 * mounted under another name.
 */
export function findWorkingBelow(directory: string): ProcessName[] {
  const wanted = statOrUndefined(directory);
  if (wanted === undefined) return [];
  return listPids().flatMap((pid) => (worksBelow(pid, wanted) ? (nameProcess(pid) ?? []) : []));
}

/** The command line of a process; empty if it is gone. */
export function readArguments(pid: number): string[] {
  return (readOrUndefined(`/proc/${pid}/cmdline`) ?? '').split('\0').filter(Boolean);
}

/** Where a process works, by the path that it has there; empty if it is gone. */
export function readWorkingDirectory(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

export function listPids(): number[] {
  return readdirSync('/proc').map(Number).filter((pid) => Number.isInteger(pid) && pid !== process.pid);
}

/** A zombie is dead: its number is still taken, for as long as its parent does not reap it. */
function readStartTicks(pid: number): string | undefined {
  const stat = readOrUndefined(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

function readBootId(): string {
  return (readOrUndefined('/proc/sys/kernel/random/boot_id') ?? '').trim();
}

/** Goes up from where the process works, and a fleet's directories are no deeper than this. */
const DEEPEST = 12;

function worksBelow(pid: number, wanted: Stats): boolean {
  let last: Stats | undefined;
  for (let depth = 0; depth < DEEPEST; depth += 1) {
    const here = statOrUndefined(`/proc/${pid}/cwd${'/..'.repeat(depth)}`);
    if (isSameFile(here, wanted)) return true;
    if (here === undefined || isSameFile(last, here)) return false;
    last = here;
  }
  return false;
}

function isSameFile(one: Stats | undefined, other: Stats): boolean {
  return one?.ino === other.ino && one.dev === other.dev;
}

function statOrUndefined(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function readOrUndefined(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
