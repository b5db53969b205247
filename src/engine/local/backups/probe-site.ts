import { backupsDirectory, siteMarker } from '../fleet/fleet-layout.js';
import { lastLines } from '../host-shell/gate.js';
import type { LocalFleet } from '../local-fleet.js';
import { backrestConfiguration, type LocalSite } from './repositories.js';
import { IO_TIMEOUT_S } from './site-work.js';

export interface SiteProbe {
  readonly usable: boolean;
  readonly reason?: string;
  readonly freeBytes?: number;
  readonly madeAt?: Date;
}

/** A site with less room is full: a backup in between takes more than this from one look to the next. */
const LEAST_ROOM_BYTES = 128 * 2 ** 20;
/** Enough to see that what is written can be read. */
const FEW_BYTES = 16;
const LOCK_TIMEOUT_S = '4';
const LOCKED = 75;

/**
 * Looks for the site and its room, writes a file, reads it, and removes it again.
 *
 * All of it is done by another process, since whoever asks something of a disk that hangs hangs with it; and by one at a
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
    const lock = ['flock', '--no-fork', '--timeout', LOCK_TIMEOUT_S, '--conflict-exit-code', String(LOCKED), `${backupsDirectory(fleet.root)}/probe-${site.id}.lock`];
    const words = ['/bin/sh', '-c', PROBE, 'probe', directory, siteMarker(directory), `${directory}/probe-${process.pid}`, String(LEAST_ROOM_BYTES), String(bytes)];
    const result = await shell.run([...lock, ...words], { signal });
    if (result.code === LOCKED) return { usable: false, reason: 'no answer: it hangs' };
    if (result.code !== 0) return { usable: false, reason: result.stderr.trim() || 'what was written cannot be read' };
    const [freeBytes, madeAtS] = result.stdout.split(' ').map(Number);
    return { usable: true, ...(freeBytes !== undefined && { freeBytes }), ...(madeAtS !== undefined && { madeAt: new Date(madeAtS * 1_000) }) };
  } catch (error) {
    return { usable: false, reason: `no answer: ${(error as Error).message}` };
  }
}

/** By the protocol, as whoever runs this, with a configuration that lasts no longer than the probe. */
async function probeRemote({ shell, root }: LocalFleet, site: LocalSite, signal: AbortSignal, bytes: number): Promise<SiteProbe> {
  const directory = `${backupsDirectory(root)}/probe-${site.id}-${process.pid}-${Date.now()}`;
  const name = `probe-${process.pid}-${Date.now()}`;
  try {
    await shell.ensureDirectory(directory, 0o700);
    for (const [file, content] of Object.entries(site.repository.files)) await shell.write({ path: `${directory}/${file}`, content, mode: 0o600 });
    await shell.write({ path: `${directory}/probe.conf`, content: probeConfiguration(site, directory), mode: 0o600 });
    const words = (verb: string): string[] => ['pgbackrest', `--config=${directory}/probe.conf`, verb, name];
    const content = '0'.repeat(bytes);
    const put = await shell.run(words('repo-put'), { signal, input: content });
    const got = put.code === 0 ? await shell.run(words('repo-get'), { signal, outputBytes: bytes }) : put;
    await shell.run(words('repo-rm'), { signal });
    if (got.code === 0 && got.stdout === content) return { usable: true };
    return { usable: false, reason: lastLines(got.stderr) || 'what was written cannot be read' };
  } catch (error) {
    return { usable: false, reason: `no answer: ${(error as Error).message}` };
  } finally {
    await shell.remove(directory);
  }
}

function probeConfiguration(site: LocalSite, directory: string): string {
  const files = Object.fromEntries(Object.keys(site.repository.files).map((name) => [name, `${directory}/${name}`]));
  const options = { 'log-level-console': 'off', 'log-level-stderr': 'error', 'log-level-file': 'off', 'io-timeout': IO_TIMEOUT_S };
  return backrestConfiguration({ comment: 'a probe', repositories: [{ ...site.repository.options, ...files }], options });
}
