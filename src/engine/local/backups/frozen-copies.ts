import { z } from 'zod';

import type { StoredBackup } from '../../backups-port.js';
import { EngineError } from '../../errors.js';
import type { Effect } from '../../ports.js';
import { commandFailure } from '../machine/tool-failure.js';
import { STANZA } from '../fleet/archive-script.js';
import { listBackups } from './list-backups.js';
import { backrestWords, makeSetDirectory, openSiteWork, requireSite, runBackrest, setDirectory, type SiteWork } from './site-work.js';
import { whileRoom } from './while-room.js';

/** Stands in each frozen copy, immutable as the rest of it. */
const recordSchema = z.object({
  label: z.string(),
  backupId: z.string(),
  startedAt: z.coerce.date(),
  finishedAt: z.coerce.date(),
  databaseBytes: z.number(),
  storedBytes: z.number(),
  startLsn: z.string(),
  stopLsn: z.string(),
  frozenUntil: z.coerce.date(),
});
export type FrozenBackup = StoredBackup & { readonly frozenUntil: Date };

const RECORD = 'freehold-frozen.json';
const LABEL = /^\d{8}-\d{6}F$/;
/** The parts of a repository that make a backup complete: the backup itself, which has its WAL in it, and the lists that name it. */
const LISTS = ['backup.info', 'backup.info.copy']
  .map((name) => `backup/${STANZA}/${name}`)
  .concat(['archive.info', 'archive.info.copy'].map((name) => `archive/${STANZA}/${name}`));

/**
 * Copies the files of a backup as they are, encrypted, to a frozen site, and compares each with its original where that is
 * on this machine. The copy takes its name when it is complete, so that a half-made one is never taken for one.
 *
 * $1 the repository's directory, if it has one, $2 the half-made copy, $3 the copy, $4 the label, $5 the record, $6 the owner,
 * as whom it is read by a protocol too, $7 the repository's configuration, then the files.
 */
const FREEZE = String.raw`
set -eu
from=$1 part=$2 to=$3 label=$4 record=$5 owner=$6 configuration=$7; shift 7
get() {
  if [ -n "$owner" ]; then
    set -- setpriv --reuid="$(echo "$owner" | cut -d: -f1)" --regid="$(echo "$owner" | cut -d: -f2)" --clear-groups --no-new-privs "$@"
  fi
  "$@"
}
rm -rf -- "$part"
mkdir -p -- "$part/backup/${STANZA}" "$part/archive/${STANZA}"
for file; do
  mkdir -p -- "$part/$(dirname -- "$file")"
  if [ -n "$from" ]; then cp -a -- "$from/$file" "$part/$file"
  else get pgbackrest --config="$configuration" --raw repo-get "$file" >"$part/$file"; fi
done
cd -- "$part"
find . -type f ! -name SHA256SUMS -print0 | sort -z | xargs -0 sha256sum >SHA256SUMS
if [ -n "$from" ]; then (cd -- "$from" && sha256sum --quiet --check "$part/SHA256SUMS") >&2; fi
printf '%s\n' "$record" >${RECORD}
[ -z "$owner" ] || chown -R "$owner" -- "$part"
chmod 0700 "$part"
sync -f "$part"
mv -T -- "$part" "$to"
sync -f "$to"
`;

export async function freezeBackup(
  work: SiteWork, from: SiteWork, label: string, until: Date, { signal, trace }: Effect,
): Promise<FrozenBackup> {
  const { fleet, site } = work;
  const [source, target] = [setDirectory(from), setDirectory(work)];
  await Promise.all([requireSite(fleet, site), requireSite(fleet, from.site)]);
  if (target === undefined) {
    throw new EngineError(
      'permanent', `copies cannot be frozen at ${site.id}: it is no directory of this machine`, 'mount the cold storage',
    );
  }
  await makeSetDirectory(work, signal);
  const known = (await listFrozen(work)).find((frozen) => frozen.label === label);
  if (!known) {
    const backup = (await listBackups(from, signal)).find((stored) => stored.label === label);
    if (!backup) throw new EngineError('permanent', `site ${from.site.id} has no backup ${label}`, 'list the backups again');
    const record = JSON.stringify({ ...backup, frozenUntil: until } satisfies FrozenBackup);
    const owner = work.account ? `${work.account.uid}:${work.account.gid}` : '';
    const files = await filesOf(from, label, signal);
    const part = `${target}/.${label}.part`;
    const script = [
      '/bin/sh', '-c', FREEZE, 'freeze', source ?? '', part, `${target}/${label}`, label, record, owner, from.configuration, ...files,
    ];
    const locked = ['flock', '--nonblock', '--no-fork', '--conflict-exit-code', '75', `${work.directory}/lock/freeze.lock`, ...script];
    const result = await whileRoom(work, signal, (limit) => fleet.shell.run(locked, { signal: limit }));
    if (result.code === 75) {
      throw new EngineError('transient', `freezing at ${site.id} has to wait: another one is at work there`, 'try again when it is done');
    }
    if (result.code !== 0) throw commandFailure(`freezing ${label} at ${site.id}`, result);
  }
  // Also where the copy was there already: the process that made it may have died before this.
  if (fleet.shell.isRoot && !(await setImmutable(work, label, true, signal))) {
    fleet.log.warn(
      { ...trace, site: site.id, label },
      'the file system of the site cannot make files immutable: the frozen copy is protected by its permissions only',
    );
  }
  const frozen = (await listFrozen(work)).find((copy) => copy.label === label);
  if (!frozen) {
    throw new EngineError(
      'outcome-unknown', `the frozen copy of ${label} is not at ${site.id} though it was made`, 'list the copies, then try again',
    );
  }
  return frozen;
}

/** The files of a backup, and the lists that name it, below its repository. */
async function filesOf(from: SiteWork, label: string, signal: AbortSignal): Promise<string[]> {
  const base = `backup/${STANZA}/${label}`;
  const text = await runBackrest(
    from, [...backrestWords(from, 'repo-ls', ['--recurse', '--output=json']), base], 'listing the files', signal,
  );
  const entries = Object.entries(z.record(z.string(), z.object({ type: z.string() })).parse(JSON.parse(text)));
  return [...entries.filter(([, { type }]) => type === 'file').map(([name]) => `${base}/${name}`), ...LISTS];
}

/** The frozen copies of a set, the newest first; each is told by its own record. */
export async function listFrozen(work: SiteWork): Promise<FrozenBackup[]> {
  const { shell } = work.fleet;
  await requireSite(work.fleet, work.site);
  const directory = setDirectory(work);
  if (directory === undefined) return [];
  const labels = (await shell.list(directory)).filter((name) => LABEL.test(name));
  const records = await Promise.all(labels.map((label) => shell.read(`${directory}/${label}/${RECORD}`)));
  return records
    .flatMap((text) => (text === undefined ? [] : [recordSchema.parse(JSON.parse(text))]))
    .sort((a, b) => (a.label < b.label ? 1 : -1));
}

/** A frozen copy as what it is: a repository with one backup in it. */
export async function openFrozen(work: SiteWork, label: string): Promise<{ readonly work: SiteWork; readonly backup: FrozenBackup }> {
  const backup = (await listFrozen(work)).find((copy) => copy.label === label);
  if (!backup) throw new EngineError('permanent', `site ${work.site.id} has no backup ${label}`, 'list the backups again');
  return { work: await openSiteWork(work.fleet, work.set, work.site, label, work.account), backup };
}

/** Removes a frozen copy whose time is over. */
export async function thawBackup(work: SiteWork, label: string, signal: AbortSignal): Promise<void> {
  const frozen = (await listFrozen(work)).find((copy) => copy.label === label);
  const directory = setDirectory(work);
  if (!frozen || directory === undefined) return;
  if (frozen.frozenUntil > new Date()) {
    throw new EngineError(
      'permanent', `the copy of ${label} at ${work.site.id} is frozen until ${frozen.frozenUntil.toISOString()}`, 'wait until then',
    );
  }
  if (work.fleet.shell.isRoot) await setImmutable(work, label, false, signal);
  const result = await work.fleet.shell.run(['rm', '-rf', '--', `${directory}/${label}`], { signal });
  if (result.code !== 0) throw commandFailure(`removing the frozen copy of ${label}`, result);
}

/** Answers whether the file system could. */
async function setImmutable(work: SiteWork, label: string, on: boolean, signal: AbortSignal): Promise<boolean> {
  const { code } = await work.fleet.shell.run(['chattr', '-R', on ? '+i' : '-i', `${setDirectory(work) ?? ''}/${label}`], { signal });
  return code === 0;
}
