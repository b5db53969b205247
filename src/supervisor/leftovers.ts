import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { readText } from '../engine/local/machine/files.js';
import { endProcess, findWorkingIn, isAlive, readArguments, type Farewell, type ProcessName } from '../engine/local/machine/processes.js';
import type { ControlDirectory } from './control-directory.js';

/** The processes of a control plane, in the order in which they end. */
export type Role = 'api' | 'worker' | 'redis' | 'metadata';

/** How each role is asked to end, and what follows if it does not. */
export const FAREWELLS: Record<Role, Farewell> = {
  api: [{ signal: 'SIGTERM', graceMs: 10_000 }, { signal: 'SIGKILL', graceMs: 5_000 }],
  worker: [{ signal: 'SIGTERM', graceMs: 15_000 }, { signal: 'SIGKILL', graceMs: 5_000 }],
  redis: [{ signal: 'SIGTERM', graceMs: 10_000 }, { signal: 'SIGKILL', graceMs: 5_000 }],
  // SIGINT is PostgreSQL's fast shutdown, SIGQUIT the immediate one, after which it recovers from its WAL.
  metadata: [{ signal: 'SIGINT', graceMs: 15_000 }, { signal: 'SIGQUIT', graceMs: 5_000 }, { signal: 'SIGKILL', graceMs: 5_000 }],
};

/**
 * The working directory of each role. A process is recognised by it, however its supervisor died, whatever pid file was
 * not written, and though the data directory was moved or is reached by another path.
 */
export function workingDirectory(control: string, role: Role): string {
  return join(control, role === 'metadata' || role === 'redis' ? role : `run/${role}`);
}

/** Ends what a supervisor that was killed left running; answers how many processes that were. */
export async function endLeftovers(directory: ControlDirectory): Promise<number> {
  const clients = await Promise.all((['api', 'worker'] as const).map((role) => endRole(directory, role)));
  const servers = await Promise.all((['redis', 'metadata'] as const).map((role) => endRole(directory, role)));
  return [...clients, ...servers].reduce((sum, count) => sum + count, 0);
}

/** Ends every process of a role and returns once none is left; a server's own children end with it. */
export async function endRole(directory: ControlDirectory, role: Role): Promise<number> {
  await endHomeless(directory, role);
  const found = findRole(directory, role);
  await Promise.all(found.filter(isLeader).map((process) => endProcess(process, FAREWELLS[role])));
  // Children of a server that was killed end by themselves within moments; until then they hold its files.
  await Promise.all(
    found.map((process) =>
      endProcess(process, [
        { signal: 'SIGTERM', graceMs: 2_000 }, { signal: 'SIGKILL', graceMs: 5_000 },
      ]),
    ),
  );
  return found.length;
}

/** A server whose directory was removed under it: it is known by the name that its supervisor wrote down, and has nothing to save. */
async function endHomeless(directory: ControlDirectory, role: Role): Promise<void> {
  const text = await readText(directory.pidFile(role));
  if (text === undefined || existsSync(workingDirectory(directory.control, role))) return;
  const process = JSON.parse(text) as ProcessName;
  if (isAlive(process) && runs(process, role)) await endProcess(process, [{ signal: 'SIGKILL', graceMs: 5_000 }]);
}

function findRole(directory: ControlDirectory, role: Role): ProcessName[] {
  return findWorkingIn(workingDirectory(directory.control, role)).filter((process) => runs(process, role));
}

/** Somebody's shell may stand in the directory too. */
function runs(process: ProcessName, role: Role): boolean {
  const [program = '', ...rest] = readArguments(process.pid);
  switch (role) {
    case 'api':
    case 'worker':
      return rest.some((argument) => argument.endsWith(`/main-${role}.js`));
    case 'redis':
      return /(redis|valkey)[a-z-]*/.test(program);
    case 'metadata':
      return /(^|\/)(postgres|initdb)(:|$|\s)/.test(program);
  }
}

/** A postmaster keeps its command line, its children rewrite theirs. */
function isLeader(process: ProcessName): boolean {
  return !(readArguments(process.pid)[0] ?? '').startsWith('postgres:');
}
