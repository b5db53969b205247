import type { HostShell } from '../machine/host-shell.js';

/** The one stanza of every database's repositories; each has repositories of its own. */
export const STANZA = 'main';

/** Segments that may wait on a disk that is almost full. */
const FEW_WAITING = 4;

/**
 * Takes a segment of WAL to the sites that the configuration names at that moment, so that changing them needs no restart.
 * PostgreSQL runs it in the data directory, one segment at a time. Its name has pgbackrest in it, since pgBackRest looks for that.
 *
 * - While the server stops, it ends the archiver, as PostgreSQL does on such an exit code: a clean stop would otherwise
 *   take two seconds where no site answers. What is left waits for the next start, or is adopted by the next primary.
 * - More than so many waiting segments are given up, and when that was is written down: the disk is the customer's. It is
 *   written over in place, which a full disk allows; what cannot be written down is not given up.
 * - Where less than FLOOR MiB is free (0: never), only a few wait.
 */
const ARCHIVE_SCRIPT = String.raw`#!/bin/bash
# freehold-pgbackrest-archive CONFIGURATION LIMIT FLOOR WAL
configuration=$1 limit=$2 floor=$3 wal=$4
mapfile -t status <postmaster.pid
[[ ${'$'}{status[7]} != stopping* ]] || exit 255
ready=(pg_wal/archive_status/*.ready)
if (( floor > 0 && ${'$'}{#ready[@]} > ${FEW_WAITING} && $(stat -f -c '%a*%S' .) < floor * 1048576 )); then limit=${FEW_WAITING}; fi
if (( ${'$'}{#ready[@]} > limit )); then
  TZ=UTC printf '%(%Y-%m-%dT%H:%M:%SZ)T\n' -1 1<>"${'$'}{configuration%.conf}.dropped" || exit 1
  exit 0
fi
[ -s "$configuration" ] || exit 1
exec pgbackrest --config="$configuration" --stanza=${STANZA} archive-push "$wal"
`;

/** Puts the script where the servers of every account can run it; answers with its path. */
export function installArchiveScript(shell: HostShell): Promise<string> {
  return shell.install('freehold-pgbackrest-archive', ARCHIVE_SCRIPT);
}
