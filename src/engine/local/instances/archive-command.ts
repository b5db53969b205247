import type { InstanceSize } from '../../ports.js';
import { command } from '../host-shell/gate-script.js';
import { mostWaitingWalMb, WAL_SEGMENT_BYTES } from './instance-settings.js';

/** The one stanza of every database's repositories; each has repositories of its own. */
export const STANZA = 'main';

/**
 * Takes a segment of WAL to the sites that the configuration names at that moment, so that changing them needs no restart.
 * PostgreSQL runs it in the data directory, one segment at a time. Its name has pgbackrest in it, since pgBackRest looks for that.
 *
 * - While the server stops, it ends the archiver, as PostgreSQL does on such an exit code: a clean stop would otherwise
 *   take two seconds where no site answers. What is left waits for the next start, or is adopted by the next primary.
 * - More than so many waiting segments are given up, and when that was is written down: the disk is the customer's.
 */
export const ARCHIVE_SCRIPT = String.raw`#!/bin/bash
# freehold-pgbackrest-archive CONFIGURATION LIMIT WAL
configuration=$1 limit=$2 wal=$3
mapfile -t status <postmaster.pid
[[ ${'$'}{status[7]} != stopping* ]] || exit 255
ready=(pg_wal/archive_status/*.ready)
if (( ${'$'}{#ready[@]} > limit )); then
  date -u +%Y-%m-%dT%H:%M:%SZ >"${'$'}{configuration%.conf}.dropped"
  exit 0
fi
[ -s "$configuration" ] || exit 1
exec pgbackrest --config="$configuration" --stanza=${STANZA} archive-push "$wal"
`;

/** The value of an instance's `archive_command`. */
export function archiveCommand(script: string, configuration: string, size: InstanceSize): string {
  const limit = Math.floor((mostWaitingWalMb(size) * 1_024 * 1_024) / WAL_SEGMENT_BYTES);
  return `exec ${command(script, configuration, String(limit))} %p`;
}
