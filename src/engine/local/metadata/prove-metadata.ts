import { EngineError } from '../../errors.js';
import { playSettings } from '../backups/restore-cluster.js';
import { backrestWords, runBackrest, type SiteWork } from '../backups/site-work.js';
import { commandFailure, explainWords, lastLines } from '../machine/tool-failure.js';
import { binariesFor } from '../instances/files/instance-binaries.js';
import type { LocalFleet } from '../fleet/local-fleet.js';
import { waitUntil } from '../../wait-until.js';
import { METADATA_SUPERUSER } from './metadata-server.js';
import { writeRecoverySettings } from './restore-metadata.js';

export interface ProofPlace {
  /** Where the backup is restored; it is removed again. */
  readonly data: string;
  /** Short, since a socket's path may have 107 bytes. */
  readonly socket: string;
}

const POLL_MS = 50;
/** How long the server may take to start, in seconds. */
const START_WITHIN_S = '300';
/** A server that nobody can reach but through its socket, and that archives nothing. */
const ALONE = ['listen_addresses=', 'archive_mode=off', 'shared_buffers=16MB', 'max_connections=20'];

/** Restores a backup of the metadata on a spare place, starts it cut off from everybody, and checks every page and index of it. */
export async function proveMetadata(work: SiteWork, label: string, { data, socket }: ProofPlace, signal: AbortSignal): Promise<void> {
  const { fleet, account } = work;
  const { shell } = fleet;
  const run = async (what: string, argv: readonly string[], limit = signal): Promise<void> => {
    const result = await shell.run(argv, { signal: limit, ...(account ? { account } : {}) });
    if (result.code === 0) return;
    // A host that is full or short of memory says nothing of the backup.
    if (explainWords(result.stderr)?.kind === 'transient') throw commandFailure(`${what} of backup ${label} of the metadata`, result);
    throw new EngineError(
      'permanent',
      `backup ${label} of the metadata at ${work.site.id} did not pass: ${what} failed: ${lastLines(result.stdout || result.stderr)}`,
      'use another site, and make a new backup',
    );
  };
  const clear = async (): Promise<void> => {
    // The server of a proof whose worker died still runs.
    const left = await binariesFor(fleet, data).catch(() => undefined);
    if (left && (await shell.exists(`${data}/postmaster.pid`))) {
      await run('stopping', [`${left.directory}/pg_ctl`, 'stop', '-D', data, '-m', 'immediate', '-s'], AbortSignal.timeout(30_000)).catch(
        () => undefined,
      );
    }
    await Promise.all([shell.remove(data), shell.remove(socket)]);
  };
  await clear();
  try {
    for (const directory of [data, socket]) await shell.ensureDirectory(directory, 0o700, account);
    await runBackrest(
      work,
      backrestWords(work, 'restore', [`--pg1-path=${data}`, `--set=${label}`, '--type=none', '--job-retry=0']),
      'restoring the metadata',
      signal,
    );
    const directory = await requireBinaries(fleet, data);
    await writeRecoverySettings(work, data, playSettings(work, data, { consistent: true }));
    await shell.write({
      path: `${data}/pg_hba.conf`, content: `local all ${METADATA_SUPERUSER} trust\n`, mode: 0o600, ...(account ? { owner: account } : {}),
    });
    const settings = [...ALONE, `unix_socket_directories=${socket}`].map((setting) => `-c ${setting}`).join(' ');
    await run('starting', [
      `${directory}/pg_ctl`, 'start', '-D', data, '-w', '-t', START_WITHIN_S, '-s', '-l', `${socket}/log`, '-o', settings,
    ]);
    // It has started when it plays WAL, and lets somebody in once it has done so.
    const asked = [`${directory}/pg_isready`, '--host', socket, '--quiet'];
    await waitUntil(
      `backup ${label} of the metadata to come up`, signal, async () => ((await shell.run(asked)).code === 0 ? true : undefined), POLL_MS,
    );
    await run('pg_amcheck', [
      `${directory}/pg_amcheck`, '--host', socket, '--username', METADATA_SUPERUSER, '--all', '--install-missing', '--heapallindexed',
      '--no-password',
    ]);
  } finally {
    await clear();
  }
}

/** Those of the major that the backup was made with, whatever runs the metadata today. */
async function requireBinaries(fleet: LocalFleet, data: string): Promise<string> {
  const found = await binariesFor(fleet, data);
  if (!found) throw new EngineError('permanent', `what was restored to ${data} is no cluster`, 'use another site');
  return found.directory;
}
