import { readdirSync, readFileSync, readlinkSync, statSync, type Stats } from 'node:fs';

import { askUntil } from '../../../base/ask-until.js';
import { errorCode } from '../../../base/error-code.js';

/** What the kernel tells of a living process. */
export interface ProcessFacts {
  readonly pid: number;
  /** The start time in clock ticks since boot; with the pid it is unique until the next boot. */
  readonly startTicks: string;
  /** The kernel's letter: R, S, D, T, Z, … */
  readonly state: string;
}

/** A process that no other can be mistaken for: pids are given out again, start times within one boot are not. */
export interface ProcessName extends Pick<ProcessFacts, 'pid' | 'startTicks'> {
  readonly bootId: string;
}

/**
 * Reads what the kernel knows of a process; undefined if it is dead.
 *
 * A zombie is dead: `kill(pid, 0)` still succeeds on it, for as long as its parent does not reap it.
 */
export function readProcess(pid: number): ProcessFacts | undefined {
  const stat = ifReadable(() => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0] ?? 'X';
  const startTicks = fields[19] ?? '0';
  return state === 'Z' || state === 'X' ? undefined : { pid, state, startTicks };
}

/** Whether the process was stopped, by a signal or by its tracer: it does nothing until it is told to go on. */
export const isStopped = ({ state }: ProcessFacts): boolean => state === 'T' || state === 't';

/** The living process of that number; undefined if there is none. */
export function nameProcess(pid: number): ProcessName | undefined {
  const facts = readProcess(pid);
  return facts && { pid, startTicks: facts.startTicks, bootId: readBootId() };
}

export function isAlive(process: ProcessName): boolean {
  return process.bootId === readBootId() && readProcess(process.pid)?.startTicks === process.startTicks;
}

function readBootId(): string {
  return (ifReadable(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')) ?? '').trim();
}

/** Every process but this one. */
export function listPids(): number[] {
  return readdirSync('/proc').map(Number).filter((pid) => Number.isInteger(pid) && pid !== process.pid);
}

/** The command line of a process; empty if it is gone. */
export function readArguments(pid: number): string[] {
  return (ifReadable(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? '').split('\0').filter(Boolean);
}

/** Where a process works, by the path that it has there; empty if it is gone. */
export function readWorkingDirectory(pid: number): string {
  return ifReadable(() => readlinkSync(`/proc/${pid}/cwd`)) ?? '';
}

/** The file that a process runs; empty if it is gone. */
export function readProgram(pid: number): string {
  return ifReadable(() => readlinkSync(`/proc/${pid}/exe`)) ?? '';
}

/** Whether the process works in that directory, as a postmaster does in its data directory. */
export function worksIn(pid: number, directory: string): boolean {
  return readWorkingDirectory(pid) === directory;
}

/** Living processes whose working directory is this one, by whatever path it was reached. */
export function findWorkingIn(directory: string): ProcessName[] {
  return findProcesses(directory, (pid, wanted) => isSameFile(statOf(`/proc/${pid}/cwd`), wanted));
}

/**
 * Living processes that work in this directory or below it, by whatever path it was reached: a fleet's directory may be
 * mounted under another name.
 */
export function findWorkingBelow(directory: string): ProcessName[] {
  return findProcesses(directory, worksBelow);
}

function findProcesses(directory: string, isMeant: (pid: number, wanted: Stats) => boolean): ProcessName[] {
  const wanted = statOf(directory);
  if (wanted === undefined) return [];
  return listPids().flatMap((pid) => (isMeant(pid, wanted) ? (nameProcess(pid) ?? []) : []));
}

/** Whether two paths lead to the same file, which is there. */
export function leadToSame(one: string, other: string): boolean {
  const wanted = statOf(other);
  return wanted !== undefined && isSameFile(statOf(one), wanted);
}

/** Signals a process; one that is gone already is no error. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
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

/** Goes up from where the process works, and a fleet's directories are no deeper than this. */
const DEEPEST = 12;

function worksBelow(pid: number, wanted: Stats): boolean {
  let last: Stats | undefined;
  for (let depth = 0; depth < DEEPEST; depth += 1) {
    const here = statOf(`/proc/${pid}/cwd${'/..'.repeat(depth)}`);
    if (isSameFile(here, wanted)) return true;
    if (here === undefined || isSameFile(last, here)) return false;
    last = here;
  }
  return false;
}

function isSameFile(one: Stats | undefined, other: Stats): boolean {
  return one?.ino === other.ino && one.dev === other.dev;
}

const statOf = (path: string): Stats | undefined => ifReadable(() => statSync(path));

/** What is read of a process; undefined if it is gone meanwhile, or another account's. */
export function ifReadable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
