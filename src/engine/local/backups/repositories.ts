import type { BackupSite } from '../../backups-port.js';

/**
 * A repository as pgBackRest's options describe it, without their `repoN-`: `type`, `path`, `s3-bucket`, and so on.
 * Below `path` every database has a repository of its own.
 */
export interface Repository {
  readonly options: Readonly<Record<string, string>>;
  /** A directory of this machine; undefined where it is reached by a protocol. */
  readonly directory: string | undefined;
  /** Files with secrets that pgBackRest reads itself, by the option that names each; every account gets copies of its own. */
  readonly files: Readonly<Record<string, string>>;
}

/** A backup site, and how its repositories are reached. */
export interface LocalSite extends BackupSite {
  readonly repository: Repository;
}

/**
 * The options of a database's repository, which is below the site's path.
 *
 * @param directory Where the copies of the repository's files are.
 */
export function setOptions(repository: Repository, below: string, key: string, directory: string): Record<string, string> {
  const path = `${repository.options['path'] === '/' ? '' : (repository.options['path'] ?? '')}/${below}`;
  // Files of a small database are many and tiny; bundled, a backup of one takes a tenth of the files.
  const files = Object.fromEntries(Object.keys(repository.files).map((name) => [name, `${directory}/${name}`]));
  return {
    ...repository.options, ...files, path, bundle: 'y', 'cipher-type': 'aes-256-cbc', 'cipher-pass': key, 'retention-full': KEEP_ALL,
  };
}

/** What is kept is decided elsewhere; pgBackRest is told which backup goes. */
const KEEP_ALL = '9999999';

export interface BackrestConfiguration {
  readonly repositories: readonly Readonly<Record<string, string>>[];
  /** Options of the global section. */
  readonly options: Readonly<Record<string, string>>;
  readonly comment: string;
}

/** The text of a pgBackRest configuration; it holds the cipher key, so that it is for the database's own account only. */
export function backrestConfiguration({ repositories, options, comment }: BackrestConfiguration): string {
  const numbered = repositories.flatMap((repository, index) =>
    Object.entries(repository).map(([name, value]) => `repo${index + 1}-${name}=${value}`),
  );
  return `${[`# ${comment}`, '[global]', ...numbered, ...Object.entries(options).map(([name, value]) => `${name}=${value}`)].join('\n')}\n`;
}
