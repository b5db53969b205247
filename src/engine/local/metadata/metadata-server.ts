import type { BackupSet } from '../../backups-port.js';
import { EngineError } from '../../errors.js';
import { metadataDirectory, metadataSetId } from '../fleet/fleet-layout.js';
import type { Account } from '../machine/files.js';
import type { HostShell } from '../machine/host-shell.js';
import type { InstanceContext } from '../fleet/instance-context.js';
import type { InstancePaths } from '../fleet/instance-layout.js';
import type { LocalFleet } from '../fleet/local-fleet.js';
import { METADATA_SIZE, metadataHome } from './metadata-settings.js';

/** The superuser of the metadata database; it is let in through the socket alone. */
export const METADATA_SUPERUSER = 'postgres';
/** Whose backups they are. The key is made again from the master key, since the metadata cannot hold it. */
export function metadataSet(fleet: LocalFleet): BackupSet {
  return {
    databaseId: metadataSetId(fleet.description.id),
    region: '',
    account: 0,
    name: 'freehold',
    owner: 'freehold',
    key: fleet.deriveKey('metadata backups'),
  };
}

/** The account that a directory belongs to; undefined where everything runs as the current user. */
export async function ownerOf(shell: HostShell, directory: string): Promise<Account | undefined> {
  if (!shell.isRoot) return undefined;
  const { stdout } = await shell.run(['stat', '--format=%u:%g', '--', directory]);
  const [uid, gid] = stdout.trim().split(':').map(Number);
  if (!uid || !gid) throw new EngineError('transient', `${directory} is not there`, 'start the metadata server first');
  return { uid, gid };
}

/**
 * The metadata server as what archives WAL: to the code that makes instances archive it is one more of them, though no
 * verb of theirs may touch it.
 */
export async function metadataContext(fleet: LocalFleet): Promise<InstanceContext> {
  const { shell, root } = fleet;
  const data = metadataDirectory(root);
  const account = await ownerOf(shell, data);
  const set = metadataSet(fleet);
  const home = metadataHome(root, fleet.description.id);
  const nowhere = `${home}/none`;
  const paths: InstancePaths = {
    database: home,
    control: `${home}/control`,
    mark: nowhere,
    keep: nowhere,
    promoting: nowhere,
    port: nowhere,
    major: nowhere,
    volume: home,
    image: nowhere,
    keptPrefix: nowhere,
    home,
    data,
    building: nowhere,
    rewinding: nowhere,
    replaced: nowhere,
    pgControl: `${data}/global/pg_control`,
    pgControlMarked: nowhere,
    made: `${data}/PG_VERSION`,
    etc: home,
    archiveConfiguration: `${home}/archive.conf`,
    archiveDropped: `${home}/archive.dropped`,
    archiveControl: `${home}/control/archive`,
    writing: nowhere,
    writingControl: nowhere,
    log: nowhere,
  };
  const database = {
    id: set.databaseId,
    region: '',
    account: 0,
    endpointSlot: 0,
    name: set.name,
    owner: set.owner,
    ownerVerifier: '',
    size: METADATA_SIZE,
    secrets: { control: '', replication: '' },
  };
  return { fleet, instance: { id: 'metadata', host: '', database }, shell, paths, address: '', account, authorityPath: '', serverName: '' };
}
