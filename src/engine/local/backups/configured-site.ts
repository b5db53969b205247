import { reasonOf } from '../../../base/reason-of.js';
import type { ConfiguredSite, RepositorySettings, ServerSettings } from '../../../config/backup-sites.js';
import { EngineError } from '../../errors.js';
import type { HostShell } from '../machine/host-shell.js';
import type { LocalSite, Repository } from './repositories.js';

/** The first pgBackRest that knows repositories by SFTP, as its release notes say. */
const FIRST_WITH_SFTP = [2, 46] as const;

/** Reads the secrets of the sites. @throws EngineError `permanent` with every fault at once. */
export async function openSites(shell: HostShell, sites: readonly ConfiguredSite[]): Promise<LocalSite[]> {
  const opened = await Promise.allSettled(sites.map(async ({ repository, ...site }): Promise<LocalSite> => {
    const keyFile = 'keyFile' in repository ? repository.keyFile : undefined;
    return { ...site, repository: toRepository(repository, keyFile === undefined ? '' : await readSecret(shell, keyFile)) };
  }));
  const faults = opened.flatMap((site, at) => (site.status === 'rejected' ? [`${sites[at]?.id ?? ''}: ${reasonOf(site.reason)}`] : []));
  if (sites.some(({ repository }) => repository.type === 'sftp') && !(await knowsSftp(shell))) {
    faults.push(`sites of type sftp need pgBackRest ${FIRST_WITH_SFTP.join('.')} or newer`);
  }
  if (faults.length > 0) {
    throw new EngineError('permanent', `the backup sites cannot be used: ${faults.join('; ')}`, 'see FREEHOLD_BACKUP_SITES');
  }
  return opened.flatMap((site) => (site.status === 'fulfilled' ? [site.value] : []));
}

async function readSecret(shell: HostShell, path: string): Promise<string> {
  const { stdout } = await shell.run(['stat', '--format=%a', '--', path]);
  const mode = Number.parseInt(stdout.trim(), 8);
  const text = (await shell.read(path))?.trim();
  if (Number.isNaN(mode) || text === undefined) throw new Error(`there is no file ${path}`);
  if ((mode & 0o077) !== 0) throw new Error(`${path} may be read by others (chmod 600)`);
  if (text === '') throw new Error(`${path} is empty`);
  return text;
}

async function knowsSftp(shell: HostShell): Promise<boolean> {
  const { stdout } = await shell.run(['pgbackrest', 'version']);
  const [, major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(stdout) ?? []).map(Number);
  return major > FIRST_WITH_SFTP[0] || (major === FIRST_WITH_SFTP[0] && minor >= FIRST_WITH_SFTP[1]);
}

/** pgBackRest's options for a repository, by its own reference; the secret is what the key file holds. */
export function toRepository(settings: RepositorySettings, secret: string): Repository {
  const { path } = settings;
  switch (settings.type) {
    case 'posix':
      return { directory: path, options: { type: 'posix', path }, files: {} };
    case 's3': {
      const [key = '', keySecret = ''] = secret.split(/\s+/);
      const keys: Record<string, string> =
        settings.keyFile === undefined ? { 's3-key-type': 'auto' } : { 's3-key': key, 's3-key-secret': keySecret };
      const { bucket, endpoint, region, uriStyle } = settings;
      return remote({
        type: 's3',
        path,
        's3-bucket': bucket,
        's3-endpoint': endpoint,
        's3-region': region,
        's3-uri-style': uriStyle,
        ...keys,
        ...serverOptions(settings),
      });
    }
    case 'azure': {
      const { account, container, keyType } = settings;
      return remote({
        type: 'azure',
        path,
        'azure-account': account,
        'azure-container': container,
        'azure-key-type': keyType,
        'azure-key': secret,
        ...serverOptions(settings),
      });
    }
    case 'gcs':
      return remote(
        {
          type: 'gcs',
          path,
          'gcs-bucket': settings.bucket,
          ...(settings.endpoint === undefined ? {} : { 'gcs-endpoint': settings.endpoint }),
        },
        { 'gcs-key': secret },
      );
    case 'sftp': {
      const options = {
        'sftp-host': settings.host,
        'sftp-host-port': String(settings.port),
        'sftp-host-user': settings.user,
        'sftp-host-key-hash-type': 'sha256',
        'sftp-host-fingerprint': settings.fingerprint,
        'sftp-host-key-check-type': 'fingerprint',
      };
      return remote({ type: 'sftp', path, ...options }, { 'sftp-private-key-file': `${secret}\n` });
    }
  }
}

function remote(options: Record<string, string>, files: Record<string, string> = {}): Repository {
  return { directory: undefined, options, files };
}

function serverOptions({ caFile, storageHost, storagePort }: ServerSettings): Record<string, string> {
  return {
    ...(caFile === undefined ? {} : { 'storage-ca-file': caFile }),
    ...(storageHost === undefined ? {} : { 'storage-host': storageHost }),
    ...(storagePort === undefined ? {} : { 'storage-port': String(storagePort) }),
  };
}
