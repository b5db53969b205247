import type { InstanceSize } from '../../ports.js';
import { command } from '../machine/gate-script.js';
import { mostWaitingWalMb, WAL_SEGMENT_BYTES } from './instance-settings.js';

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
export const ARCHIVE_SCRIPT = String.raw`#!/bin/bash
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

/**
 * The value of an instance's `archive_command`.
 *
 * @param floorMb With less than this free, WAL is given up rather than held: its server needs the room to go on.
 */
export function archiveCommand(script: string, configuration: string, size: InstanceSize, floorMb = 0): string {
  const limit = Math.floor((mostWaitingWalMb(size) * 1_024 * 1_024) / WAL_SEGMENT_BYTES);
  return `exec ${command(script, configuration, String(limit), String(floorMb))} %p`;
}
