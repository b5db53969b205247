import { randomBytes } from 'node:crypto';

import { reasonOf } from '../../../base/reason-of.js';
import { SITE_PROBE_ACCOUNT } from '../fleet/fleet-description.js';
import { backupsDirectory, siteMarker, workDirectory } from '../fleet/fleet-layout.js';
import { lastLines } from '../machine/tool-failure.js';
import type { LocalFleet } from '../fleet/local-fleet.js';
import { backrestConfiguration, type LocalSite } from './repositories.js';
import { IO_TIMEOUT_S } from './site-work.js';

export interface SiteProbe {
  readonly usable: boolean;
  readonly reason?: string;
  readonly freeBytes?: number;
  readonly madeAt?: Date;
}

/** A site with less room is full: a backup in between takes more than this from one look to the next. */
export const LEAST_ROOM_BYTES = 128 * 2 ** 20;
/** Enough to see that what is written can be read. */
const FEW_BYTES = 16;
const LOCK_TIMEOUT_S = '4';
const LOCKED = 75;

/**
 * Looks for the site and its room, writes a file, reads it, and removes it again.
 *
 * All of it is done by another process, since a process that asks something of a disk that hangs, hangs with it; and by one at a
 * time, so that a site that hangs for a day does not collect them.
 *
 * $1 the site's directory, $2 its marker, $3 the file, $4 the least room, $5 how much is written. Much of it has to reach the
 * disk, as what pgBackRest stores has to.
 */
const PROBE = String.raw`
[ -e "$2" ] || { echo "there is no site in $1" >&2; exit 1; }
free=$(($(stat -f -c '%a * %S' "$1")))
[ "$free" -ge "$4" ] || { echo "it is full: $free bytes are free" >&2; exit 1; }
if [ "$5" -le 512 ]; then flush=; else flush=conv=fsync; fi
head -c "$5" /dev/zero | dd of="$3" bs=64k iflag=fullblock $flush status=none && [ "$(wc -c <"$3")" = "$5" ]; status=$?
rm -f "$3"
[ "$status" = 0 ] && echo "$free $(stat -c %.3Y "$2")"
`;

export async function probeSite(fleet: LocalFleet, site: LocalSite, signal: AbortSignal, bytes = FEW_BYTES): Promise<SiteProbe> {
  const { directory } = site.repository;
  const { shell } = fleet;
  if (directory === undefined) return probeRemote(fleet, site, signal, bytes);
  try {
    const lockPath = `${backupsDirectory(fleet.root)}/probe-${site.id}.lock`;
    const lock = [
      // Whoever may read a file can lock it, and would keep the site from being used.
      '/bin/sh', '-c', 'umask 077; : >>"$0" && chmod 600 "$0" && exec "$@"', lockPath,
      'flock',
      '--no-fork',
      '--timeout',
      LOCK_TIMEOUT_S,
      '--conflict-exit-code',
      String(LOCKED),
      lockPath,
    ];
    const words = [
      '/bin/sh', '-c', PROBE, 'probe', directory, siteMarker(directory), `${directory}/probe-${process.pid}`, String(LEAST_ROOM_BYTES),
      String(bytes),
    ];
    const result = await shell.run([...lock, ...words], { signal });
    if (result.code === LOCKED) return { usable: false, reason: 'no answer: it hangs' };
    if (result.code !== 0) return { usable: false, reason: result.stderr.trim() || 'what was written cannot be read' };
    const [freeBytes, madeAtS] = result.stdout.split(' ').map(Number);
    return {
      usable: true, ...(freeBytes !== undefined && { freeBytes }), ...(madeAtS !== undefined && { madeAt: new Date(madeAtS * 1_000) }),
    };
  } catch (error) {
    return { usable: false, reason: `no answer: ${reasonOf(error)}` };
  }
}

/** What the probe's files are below, at the site: a stanza of its own, which stays. */
const STANZA = 'probe';

/**
 * Pushes a segment of WAL, as a server would, gets it back, compares both, and removes it. pgBackRest writes to a repository
 * by no other command in all of its versions; the stanza, which it asks for, is made when it is missing.
 *
 * $1 the configuration, $2 the directory, $3 the segment, $4 how large it is.
 */
const PROBE_REMOTE = String.raw`
cd -- "$2" && head -c "$4" /dev/zero >"$3" || exit 1
run() { pgbackrest --config="$configuration" --stanza=${STANZA} --pg1-path="$PWD" "$@"; }
configuration=$1 segment=$3
push() { run --no-archive-header-check archive-push "$PWD/$segment"; }
push 2>push.log; code=$?
if [ "$code" != 0 ] && grep -q FileMissingError push.log; then run --no-online stanza-create && push 2>push.log; code=$?; fi
[ "$code" = 0 ] || { cat push.log >&2; exit "$code"; }
run archive-get "$segment" "$PWD/back" && cmp -s "$segment" back; code=$?
pgbackrest --config="$configuration" --recurse repo-rm "archive/${STANZA}/15-1/$(printf %.16s "$segment")"
exit "$code"
`;

/** By the protocol, as an account of its own where there are accounts, with a configuration that lasts no longer than the probe. */
async function probeRemote(fleet: LocalFleet, site: LocalSite, signal: AbortSignal, bytes: number): Promise<SiteProbe> {
  const { shell, root } = fleet;
  const directory = `${workDirectory(root)}/probe-${site.id}-${process.pid}-${Date.now()}`;
  const account = fleet.account(SITE_PROBE_ACCOUNT);
  const owned = { mode: 0o600, ...(account ? { owner: account } : {}) };
  // Of a log file of its own, so that what another probe has written is not removed with it.
  const segment = `00000001${randomBytes(4).toString('hex').toUpperCase()}00000001`;
  try {
    await shell.ensureDirectory(directory, 0o700, account);
    await shell.ensureDirectory(`${directory}/global`, 0o700, account);
    for (const [file, content] of Object.entries(site.repository.files)) {
      await shell.write({ path: `${directory}/${file}`, content, ...owned });
    }
    await shell.write({ path: `${directory}/probe.conf`, content: probeConfiguration(site, directory), ...owned });
    await shell.write({ path: `${directory}/global/pg_control`, content: CONTROL_FILE, ...owned });
    const words = ['/bin/sh', '-c', PROBE_REMOTE, 'probe', `${directory}/probe.conf`, directory, segment, String(bytes)];
    const result = await shell.run(words, { signal, ...(account ? { account } : {}) });
    return result.code === 0 ? { usable: true } : { usable: false, reason: lastLines(result.stderr) || 'what was written cannot be read' };
  } catch (error) {
    return { usable: false, reason: `no answer: ${reasonOf(error)}` };
  } finally {
    await shell.remove(directory);
  }
}

function probeConfiguration(site: LocalSite, directory: string): string {
  const { options: own, files } = site.repository;
  const paths = Object.fromEntries(Object.keys(files).map((name) => [name, `${directory}/${name}`]));
  const path = `${own['path'] === '/' ? '' : (own['path'] ?? '')}/${STANZA}`;
  const options = {
    'log-level-console': 'off', 'log-level-stderr': 'error', 'log-level-file': 'off', 'lock-path': directory, 'io-timeout': IO_TIMEOUT_S,
    // As much reaches the site as is asked for.
    'compress-type': 'none',
  };
  return backrestConfiguration({ comment: 'a probe', repositories: [{ ...own, ...paths, path }], options });
}

/**
 * The control file of an empty cluster of PostgreSQL 15, in which pgBackRest reads what a stanza is for. It stays as it is, since
 * the stanzas at the sites are of this cluster.
 */
const CONTROL_FILE = Buffer.concat([Buffer.from(
  '3o9I6kmuC2sUBQAAJXcNDAEAAAAAAAAAVK4LawAAAAAQB1ABAAAAABAHUAEAAAAAAQAAAAEAAAABAAAAAAAAANQCAAAAAAAABDUAAAEAAAAAAAAAzAIAAAEAAAABAAAAAQ'
  + 'AAAAAAAABUrgtrAAAAAAAAAAAAAAAAAAAAAAAAAADoAwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAZAAAAAgAAAAKAAAAAAAA'
  + 'AEAAAAAAAAAACAAAAAAAAACH1jJBACAAAAAAAgAAIAAAAAAAAUAAAAAgAAAAzAcAAAAIAAABAAAAAAAAAGjnJvQr8mj4gk033fFZMPo4Sukgum/R4Tez/Vj3MxiFDYkn3Q'
  + 'AA',
  'base64',
)], 8_192);
