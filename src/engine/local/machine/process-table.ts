import { readdirSync, readFileSync, statSync } from 'node:fs';

import { ifReadable, listPids, readArguments, readProcess, readProgram, readWorkingDirectory, type ProcessFacts } from './processes.js';

/** Servers, what builds their directories, and what is about to become one of them. An upgraded one is marked as deleted. */
const ENGINE_PROGRAMS = /^(postgres|initdb|pg_\w+|pgbouncer|haproxy|pgbackrest|psql|setpriv|setsid|env)( \(deleted\))?$/;
/** The lock holders' interpreter. */
export const GATE_PROGRAMS = /^bash( \(deleted\))?$/;

/** Descriptors that a server keeps for itself: it may refuse connections when it has a few left. */
const FEW_FILES = 5;

/** Whether the process can open more files and connections. */
export function hasFilesLeft({ pid }: ProcessFacts): boolean {
  const limits = ifReadable(() => readFileSync(`/proc/${pid}/limits`, 'latin1')) ?? '';
  const most = Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Infinity);
  const open = ifReadable(() => readdirSync(`/proc/${pid}/fd`).length) ?? 0;
  return open < most - FEW_FILES;
}

/** Whether the process takes what a server wrote to a backup site: it reads that, and writes nothing of the server's. */
export function carriesAway({ pid }: ProcessFacts): boolean {
  return programOf(pid).startsWith('pgbackrest') && readArguments(pid).some((argument) => /^(archive-push|backup)(:|$)/.test(argument));
}

/** Whether it does so at a site that hangs: it dies of the signal that it was sent as soon as the site answers. */
export function hangsAtSite(process: ProcessFacts): boolean {
  return process.state === 'D' && carriesAway(process);
}

/** Root's number: what changes its account begins as root. */
const ROOT = 0;

export interface ProcessFilter {
  readonly programs?: RegExp;
  /** The only account, besides root, that the wanted processes can have; all accounts if left out. */
  readonly uid?: number | undefined;
}

/**
 * All living processes that work in one of the directories or below, or were started with one as an argument.
 *
 * The second half finds a server between its exec and its chdir; the first half finds its children. Only programs that the
 * engine runs are meant: a person's shell that happens to stand in the directory is not. The cheapest questions come
 * first: on a host with a hundred databases nearly every process is another database's.
 */
export function processesUnder(directories: readonly string[], { programs = ENGINE_PROGRAMS, uid }: ProcessFilter = {}): ProcessFacts[] {
  const found: ProcessFacts[] = [];
  for (const pid of listPids()) {
    if (uid !== undefined && !hasAccount(pid, uid)) continue;
    if (!programs.test(programOf(pid)) || !directories.some((directory) => belongsBelow(pid, directory))) continue;
    const facts = readProcess(pid);
    if (facts) found.push(facts);
  }
  return found;
}

function hasAccount(pid: number, uid: number): boolean {
  const owner = ifReadable(() => statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid);
  return owner === uid || owner === ROOT;
}

function belongsBelow(pid: number, directory: string): boolean {
  return worksBelow(pid, directory) || readArguments(pid).some((argument) => isBelow(pathIn(argument), directory));
}

/** Writes a process the way the gate's `signal_exactly` reads it. */
export function exactName(process: ProcessFacts): string {
  return `${process.pid}:${process.startTicks}`;
}

function programOf(pid: number): string {
  const path = readProgram(pid);
  return path.slice(path.lastIndexOf('/') + 1);
}

function worksBelow(pid: number, directory: string): boolean {
  return isBelow(readWorkingDirectory(pid), directory);
}

function pathIn(argument: string): string {
  return argument.slice(argument.indexOf('=') + 1);
}

function isBelow(path: string, directory: string): boolean {
  const plain = path.endsWith(' (deleted)') ? path.slice(0, -' (deleted)'.length) : path;
  return plain === directory || plain.startsWith(`${directory}/`);
}
