import { createHash } from 'node:crypto';

import type { BackupSet } from '../../backups-port.js';
import { EngineError } from '../../errors.js';
import { siteMarker, workDirectory } from '../fleet/fleet-layout.js';
import type { Account } from '../machine/files.js';
import { command } from '../machine/gate-script.js';
import { STANZA } from '../fleet/archive-script.js';
import type { LocalFleet } from '../fleet/local-fleet.js';
import { requireId } from '../../require-id.js';
import { backrestFailure } from './backrest-failure.js';
import { backrestConfiguration, setOptions, type LocalSite } from './repositories.js';

/** What belongs to one database at one site. */
export interface SiteWork {
  readonly fleet: LocalFleet;
  readonly set: BackupSet;
  readonly site: LocalSite;
  /** The database's own account; undefined where everything runs as the current user. */
  readonly account: Account | undefined;
  /** Holds the configuration, the locks and the logs of what works there. */
  readonly directory: string;
  readonly configuration: string;
}

/** A site that does not answer in this time is as good as down. */
export const IO_TIMEOUT_S = '20';
/** A list of a thousand backups. */
const MOST_OUTPUT_BYTES = 4 * 1024 * 1024;

/**
 * Lays out what is needed to work at a site, which is on this machine and not at the site.
 *
 * @param label At a frozen site: the copy, each of which is a repository of its own.
 * @param account Whom the files belong to, where it is not an account of the fleet's own range.
 */
export async function openSiteWork(
  fleet: LocalFleet, set: BackupSet, site: LocalSite, label?: string, account = fleet.account(set.account),
): Promise<SiteWork> {
  requireId(set.databaseId);
  const own = `${workDirectory(fleet.root)}/${set.databaseId}`;
  const directory = `${own}/${site.id}`;
  const { shell } = fleet;
  const work = { fleet, set, site, account, directory, configuration: `${directory}/${label ?? 'site'}.conf` };
  const content = siteConfiguration(work, label === undefined ? set.databaseId : `${set.databaseId}/${label}`);
  if ((await shell.read(work.configuration)) === content) return work;
  for (const path of [own, directory, `${directory}/lock`, `${directory}/log`, `${directory}/spool`]) {
    await shell.ensureDirectory(path, 0o700, account);
  }
  const owned = { mode: 0o600, ...(account ? { owner: account } : {}) };
  for (const [name, secret] of Object.entries(site.repository.files)) {
    await shell.write({ path: `${directory}/${name}`, content: secret, ...owned });
  }
  await shell.write({ path: work.configuration, content, ...owned });
  return work;
}

function siteConfiguration(work: Pick<SiteWork, 'site' | 'set' | 'directory'>, below: string): string {
  const { site, set } = work;
  // With a digest of the files, so that it changes when one of them does.
  const comment = `${set.databaseId} at ${site.id} ${createHash('sha256').update(JSON.stringify(site.repository.files)).digest('hex')}`;
  return configurationOf(work, comment, [repositoryOf(work, below)]);
}

const repositoryOf = ({ site, set, directory }: Pick<SiteWork, 'site' | 'set' | 'directory'>, below: string): Record<string, string> =>
  setOptions(site.repository, below, set.key, directory);

function configurationOf(
  { directory }: Pick<SiteWork, 'directory'>, comment: string, repositories: readonly Record<string, string>[],
): string {
  return backrestConfiguration({
    comment,
    repositories,
    options: {
      'lock-path': `${directory}/lock`,
      'log-path': `${directory}/log`,
      'spool-path': `${directory}/spool`,
      'log-level-file': 'off',
      'log-level-console': 'off',
      'log-level-stderr': 'warn',
      'io-timeout': IO_TIMEOUT_S,
      'compress-type': 'zst',
      'compress-level': '3',
      'expire-auto': 'n',
    },
  });
}

/** Writes a configuration by which WAL is read from a site first and then from others, and answers with its path. */
export async function joinSites(first: SiteWork, label: string | undefined, others: readonly SiteWork[]): Promise<string> {
  const { set, fleet, account, directory } = first;
  const path = `${directory}/joined.conf`;
  const repositories = [
    repositoryOf(first, label === undefined ? set.databaseId : `${set.databaseId}/${label}`),
    ...others.map((work) => repositoryOf(work, set.databaseId)),
  ];
  await fleet.shell.write({
    path,
    content: configurationOf(first, `${set.databaseId} at several sites`, repositories),
    mode: 0o600,
    ...(account ? { owner: account } : {}),
  });
  return path;
}

/** A backup has all night, and a dump takes minutes in any case; what clients wait for, such as a failover, goes before them. */
export const YIELDING = ['nice', '-n', '10'];

/** The words of a pgBackRest command for the set at the site, with no secret among them. */
export function backrestWords(work: SiteWork, verb: string, options: readonly string[] = [], configuration = work.configuration): string[] {
  return [
    ...(verb === 'backup' ? YIELDING : []),
    'pgbackrest',
    `--config=${configuration}`,
    ...(verb.startsWith('repo-') ? [] : [`--stanza=${STANZA}`]),
    ...options,
    verb,
  ];
}

/**
 * Runs pgBackRest as the database's account and answers with what it wrote.
 *
 * @throws EngineError as {@link backrestFailure} says; `outcome-unknown` if the signal ended it.
 */
export async function runBackrest(
  work: SiteWork, words: readonly string[], what: string, signal: AbortSignal, env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { fleet, account, site } = work;
  const result = await fleet.shell.run(words, { signal, env, outputBytes: MOST_OUTPUT_BYTES, ...(account ? { account } : {}) });
  if (result.code !== 0) throw backrestFailure(`${what} at ${site.id}`, result);
  return result.stdout;
}

/** @throws EngineError `transient` if the site's directory is not there; what is reached by a protocol says so itself. */
export async function requireSite({ shell }: LocalFleet, site: LocalSite): Promise<void> {
  const { directory } = site.repository;
  if (directory !== undefined && !(await shell.exists(siteMarker(directory)))) {
    throw new EngineError(
      'transient', `site ${site.id} does not answer: there is no site in ${directory}`, 'use another site until it is back',
    );
  }
}

/** The directory of this machine in which the set is; undefined where it is reached by a protocol. */
export function setDirectory({ site, set }: SiteWork): string | undefined {
  const { directory, options } = site.repository;
  return directory === undefined || options['path'] === undefined ? undefined : `${options['path']}/${set.databaseId}`;
}

/** Makes the directory in which the database's account keeps its set; only on this machine, others make it themselves. */
export async function makeSetDirectory(work: SiteWork, signal: AbortSignal): Promise<void> {
  const { fleet, site, account } = work;
  const directory = setDirectory(work);
  if (directory === undefined) return;
  if (await fleet.shell.exists(directory)) return;
  const owner = account ? `${account.uid}:${account.gid}` : '';
  // No parents are made: where they are missing, so is the machine.
  const line = `${command('mkdir', '-m', '0700', directory)}${owner ? ` && ${command('chown', owner, directory)}` : ''}`;
  const result = await fleet.shell.run(['/bin/sh', '-c', line], { signal });
  if (result.code !== 0 && !(await fleet.shell.exists(directory))) throw backrestFailure(`making the set at ${site.id}`, result);
}
