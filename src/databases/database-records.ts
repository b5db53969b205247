import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Vault } from '../secrets/vault.js';
import type { DatabaseSpec, InstanceRef, InstanceSecrets, KeptCopy, Route } from '../engine/ports.js';
import { isPlanId, PLANS } from '../fleet/plans.js';
import { Metadata } from '../metadata/metadata.js';
import { queryRows } from '../metadata/query-rows.js';
import { OperationRegistry } from '../operations/registry.js';
import type { RunningChange } from '../operations/running-change.js';
import type { OwnerLogins } from './decide-logins.js';
import { DatabaseEntity } from './database.entity.js';
import { KeptCopyEntity } from './kept-copy.entity.js';
import { InstanceEntity } from './instance.entity.js';

/** An instance as it is recorded, with what the engine needs to act on it. */
export interface MemberRecord {
  readonly ref: InstanceRef;
  readonly role: InstanceEntity['role'];
  readonly state: InstanceEntity['state'];
  readonly address: string;
  readonly port: number | null;
  /** Whether an operator declared its host lost: nothing on it is touched, and nothing is waited for (protocol rule 14). */
  readonly hostLost: boolean;
}

/** A copy of an instance's data that was moved aside; the instance itself may be gone. */
export interface KeptRecord {
  readonly ref: InstanceRef;
  readonly keptId: string;
}

/** A database as its operations read it at the beginning of each step. */
export interface DatabaseRecord {
  readonly spec: DatabaseSpec;
  readonly members: readonly MemberRecord[];
  readonly kept: readonly KeptRecord[];
  /** R of protocol rule 3. */
  readonly inSync: readonly string[];
  readonly epoch: number;
}

/**
 * What operations read and write of a database. Each write takes the transaction that records the step, so that it
 * stands or falls with it (protocol rule 2).
 */
export interface DatabaseRecords<Tx> {
  read(databaseId: string): Promise<DatabaseRecord>;
  /** Whether clients of another database wait for a failover that was asked for a moment ago. */
  othersFailOver(databaseId: string): Promise<boolean>;
  setMember(tx: Tx, instanceId: string, change: Partial<Pick<MemberRecord, 'role' | 'state' | 'port'>>): Promise<void>;
  setInSync(tx: Tx, databaseId: string, instanceIds: readonly string[]): Promise<void>;
  /**
   * Records a promotion: the roles, the epoch one higher, and nothing in sync (protocol rule 9).
   * The old primary is listed as a fenced standby.
   *
   * @param postgresVersion that the new primary runs with, which may be another minor version; undefined leaves what is recorded
   */
  setPromoted(tx: Tx, databaseId: string, promotedId: string, postgresVersion: string | undefined): Promise<void>;
  setPostgresVersion(tx: Tx, databaseId: string, version: string): Promise<void>;
  setProvisioned(tx: Tx, databaseId: string): Promise<void>;
  /** Forgets instances that are gone for good: their places are free again. */
  forgetMembers(tx: Tx, instanceIds: readonly string[]): Promise<void>;
  /** Records copies that were moved aside (protocol rule 12); those that are known stay as they are. */
  addKept(tx: Tx, ref: InstanceRef, copies: readonly KeptCopy[]): Promise<void>;
  forgetKept(tx: Tx, instanceId: string, keptId: string): Promise<void>;
  setOwnerLogins(tx: Tx, databaseId: string, logins: OwnerLogins): Promise<void>;
  /** Erases the key of the database's files: what is not read by then can never be read again. */
  eraseVolumeKey(tx: Tx, databaseId: string): Promise<void>;
  /** Records from where clients may come, and that the endpoint was not told yet. */
  setAllowList(tx: Tx, databaseId: string, networks: readonly string[]): Promise<void>;
  setAllowListEnforced(tx: Tx, databaseId: string): Promise<void>;
  /** Records that nothing of the database is left but its backups, kept for so many days. */
  setDeleted(tx: Tx, databaseId: string, keptDays: number): Promise<void>;
}

/** To whom the sealed key of a database's files belongs. */
export const volumeKeyOwner = (databaseId: string): string => `volume/${databaseId}`;

export const primaryOf = (record: DatabaseRecord): MemberRecord => {
  const primary = record.members.find((member) => member.role === 'primary');
  if (!primary) throw new Error(`database ${record.spec.id} has no recorded primary`);
  return primary;
};

export const standbysOf = (record: DatabaseRecord): MemberRecord[] => record.members.filter((member) => member.role === 'standby');

/** A standby that has everything, and from which a backup may read so that the primary has no work with it. */
export const standbyToRead = (record: DatabaseRecord): MemberRecord | undefined =>
  standbysOf(record).find(({ ref, state, hostLost }) => state === 'running' && !hostLost && record.inSync.includes(ref.id));

/** The way from the endpoint to the primary, and to the standbys in sync for those who only read. */
export function routeTo(record: DatabaseRecord): Route {
  const primary = primaryOf(record);
  if (primary.port === null) throw new Error(`the primary of database ${record.spec.id} has no port yet`);
  const readers = standbysOf(record).flatMap(({ ref, state, hostLost, address, port }) =>
    (state === 'running' && !hostLost && port !== null && record.inSync.includes(ref.id) ? [{ address, port }] : []));
  return { database: record.spec, target: { address: primary.address, port: primary.port }, readers };
}

/** A failover whose clients have waited for longer waits for something else than its turn on the machine. */
const FAILS_OVER_WITHIN_S = 15;

type SpecRow = Pick<
  DatabaseEntity,
  'id' | 'plan' | 'regionId' | 'unixAccount' | 'endpointSlot' | 'endpointDatabase' | 'endpointUser' | 'ownerVerifier'
  | 'sealedSecrets' | 'sealedVolumeKey' | 'localeProvider' | 'locale' | 'allowList' | 'ownerUntil' | 'ownerLogins'
>;

interface RecordRow extends SpecRow, Pick<DatabaseEntity, 'epoch' | 'inSync'> {
  readonly members: readonly (Omit<MemberRecord, 'ref'> & { readonly id: string; readonly host: string })[];
  readonly kept: readonly { readonly id: string; readonly host: string; readonly keptId: string }[];
}

/** One statement, so that all of it is of one moment: who is in sync, and who they are. */
const READ_RECORD = `
  SELECT d.id, d.plan, d.region_id AS "regionId", d.unix_account AS "unixAccount", d.endpoint_slot AS "endpointSlot",
         d.endpoint_database AS "endpointDatabase", d.endpoint_user AS "endpointUser",
         d.owner_verifier AS "ownerVerifier", d.locale_provider AS "localeProvider", d.locale,
         d.allow_list AS "allowList", d.owner_until AS "ownerUntil", d.owner_logins AS "ownerLogins",
         d.sealed_secrets AS "sealedSecrets", d.sealed_volume_key AS "sealedVolumeKey", d.epoch, d.in_sync AS "inSync",
         (SELECT coalesce(json_agg(json_build_object('id', i.id, 'host', i.host_id, 'role', i.role, 'state', i.state,
                                                     'address', i.address, 'port', i.port,
                                                     'hostLost', h.state = 'lost') ORDER BY i.id), '[]')
            FROM instances i JOIN hosts h ON h.id = i.host_id WHERE i.database_id = d.id) AS members,
         (SELECT coalesce(json_agg(json_build_object('id', k.instance_id, 'host', k.host_id, 'keptId', k.kept_id) ORDER BY k.kept_at), '[]')
            FROM kept_copies k WHERE k.database_id = d.id) AS kept
    FROM databases d WHERE d.id = $1`;

/** Records in the metadata database. */
@Injectable()
export class MetadataDatabaseRecords implements DatabaseRecords<EntityManager> {
  constructor(
    private readonly metadata: Metadata,
    private readonly vault: Vault,
    private readonly kinds: OperationRegistry<EntityManager>,
  ) {}

  async read(databaseId: string): Promise<DatabaseRecord> {
    const [row] = await queryRows<RecordRow>(this.metadata.dataSource.manager, READ_RECORD, [databaseId]);
    if (!row) throw new Error(`there is no database ${databaseId}`);
    const spec = this.specOf(row);
    return {
      spec,
      epoch: row.epoch,
      inSync: row.inSync,
      kept: row.kept.map(({ id, host, keptId }) => ({ ref: { id, host, database: spec }, keptId })),
      members: row.members.map(({ id, host, ...member }) => ({ ref: { id, host, database: spec }, ...member })),
    };
  }

  async othersFailOver(databaseId: string): Promise<boolean> {
    const others = await queryRows<RunningChange>(this.metadata.dataSource.manager,
      `SELECT DISTINCT kind, step FROM operations
        WHERE state IN ('pending', 'running') AND kind = ANY ($2) AND subject_id <> $1 AND created_at > now() - make_interval(secs => $3)`,
      [databaseId, this.kinds.kindsFor('failover'), FAILS_OVER_WITHIN_S]);
    return others.some((other) => !this.kinds.meaningOf(other).reprotects);
  }

  private specOf(database: SpecRow): DatabaseSpec {
    if (!isPlanId(database.plan)) throw new Error(`database ${database.id} has the unknown plan "${database.plan}"`);
    const { memoryMb, maxConnections, diskGb } = PLANS[database.plan];
    if (!database.sealedSecrets) throw new Error(`the secrets of database ${database.id} are erased`);
    return {
      id: database.id,
      region: database.regionId,
      account: database.unixAccount,
      endpointSlot: database.endpointSlot,
      name: database.endpointDatabase,
      owner: database.endpointUser,
      ownerVerifier: database.ownerVerifier,
      ...((database.ownerUntil || database.ownerLogins.length > 0) && {
        ownerLogins: { ownerUntil: database.ownerUntil?.toISOString() ?? null, others: database.ownerLogins },
      }),
      allowList: database.allowList,
      locale: { provider: database.localeProvider, name: database.locale },
      size: { memoryMb, maxConnections, diskGb },
      secrets: {
        ...(JSON.parse(this.vault.unseal(database.sealedSecrets, database.id).toString()) as InstanceSecrets),
        ...(database.sealedVolumeKey && {
          volume: this.vault.unseal(database.sealedVolumeKey, volumeKeyOwner(database.id)).toString('base64'),
        }),
      },
    };
  }

  async setMember(tx: EntityManager, id: string, change: Partial<Pick<MemberRecord, 'role' | 'state' | 'port'>>): Promise<void> {
    await tx.update(InstanceEntity, { id }, change);
  }

  async setInSync(tx: EntityManager, id: string, instanceIds: readonly string[]): Promise<void> {
    await tx.update(DatabaseEntity, { id }, { inSync: [...instanceIds] });
  }

  async setPromoted(tx: EntityManager, id: string, promotedId: string, postgresVersion: string | undefined): Promise<void> {
    await tx.update(InstanceEntity, { databaseId: id, role: 'primary' }, { role: 'standby', state: 'fenced' });
    await tx.update(InstanceEntity, { id: promotedId }, { role: 'primary', state: 'running' });
    await tx.update(DatabaseEntity, { id }, {
      epoch: () => 'epoch + 1', inSync: [], ...(postgresVersion !== undefined && { postgresVersion }),
    });
  }

  async setPostgresVersion(tx: EntityManager, id: string, postgresVersion: string): Promise<void> {
    await tx.update(DatabaseEntity, { id }, { postgresVersion });
  }

  async setProvisioned(tx: EntityManager, id: string): Promise<void> {
    await tx.update(DatabaseEntity, { id }, { provisionedAt: () => 'now()' });
  }

  async forgetMembers(tx: EntityManager, instanceIds: readonly string[]): Promise<void> {
    if (instanceIds.length > 0) await tx.delete(InstanceEntity, [...instanceIds]);
  }

  async addKept(tx: EntityManager, { id, host, database }: InstanceRef, copies: readonly KeptCopy[]): Promise<void> {
    const rows = copies.map(({ id: keptId, keptAt, sizeBytes }) => (
      { instanceId: id, keptId, databaseId: database.id, hostId: host, keptAt, sizeBytes }));
    if (rows.length > 0) await tx.createQueryBuilder().insert().into(KeptCopyEntity).values(rows).orIgnore().execute();
  }

  async forgetKept(tx: EntityManager, instanceId: string, keptId: string): Promise<void> {
    await tx.delete(KeptCopyEntity, { instanceId, keptId });
  }

  async setOwnerLogins(tx: EntityManager, id: string, { ownerVerifier, ownerUntil, logins }: OwnerLogins): Promise<void> {
    await tx.update(DatabaseEntity, { id }, {
      ownerVerifier, ownerUntil: ownerUntil === null ? null : new Date(ownerUntil), ownerLogins: [...logins],
    });
  }

  async eraseVolumeKey(tx: EntityManager, id: string): Promise<void> {
    await tx.update(DatabaseEntity, { id }, { sealedVolumeKey: null });
  }

  async setAllowList(tx: EntityManager, id: string, networks: readonly string[]): Promise<void> {
    await tx.update(DatabaseEntity, { id }, { allowList: [...networks], allowListEnforced: false });
  }

  async setAllowListEnforced(tx: EntityManager, id: string): Promise<void> {
    await tx.update(DatabaseEntity, { id }, { allowListEnforced: true });
  }

  async setDeleted(tx: EntityManager, id: string, keptDays: number): Promise<void> {
    await tx.delete(InstanceEntity, { databaseId: id });
    await tx.delete(KeptCopyEntity, { databaseId: id });
    await tx.update(DatabaseEntity, { id }, {
      deletedAt: () => 'now()', purgeAt: () => `now() + make_interval(days => ${Math.trunc(keptDays)})`, inSync: [], sealedSecrets: null,
      sealedVolumeKey: null,
    });
  }
}
