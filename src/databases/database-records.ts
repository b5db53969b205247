import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Vault } from '../config/vault.js';
import type { DatabaseSpec, InstanceRef, InstanceSecrets, KeptCopy, Route } from '../engine/ports.js';
import { isPlanId, PLANS } from '../fleet/plans.js';
import { Metadata } from '../metadata/metadata.js';
import { queryRows } from '../metadata/query-rows.js';
import { DatabaseEntity } from './database.entity.js';
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
  setMember(tx: Tx, instanceId: string, change: Partial<Pick<MemberRecord, 'role' | 'state' | 'port'>>): Promise<void>;
  setInSync(tx: Tx, databaseId: string, instanceIds: readonly string[]): Promise<void>;
  /**
   * Records a promotion: the roles, the epoch one higher, and nothing in sync (protocol rule 9).
   * The old primary is listed as a fenced standby.
   */
  setPromoted(tx: Tx, databaseId: string, promotedId: string): Promise<void>;
  setPostgresVersion(tx: Tx, databaseId: string, version: string): Promise<void>;
  setProvisioned(tx: Tx, databaseId: string): Promise<void>;
  /** Forgets instances that are gone for good: their places are free again. */
  forgetMembers(tx: Tx, instanceIds: readonly string[]): Promise<void>;
  /** Records copies that were moved aside (protocol rule 12); those that are known stay as they are. */
  addKept(tx: Tx, ref: InstanceRef, copies: readonly KeptCopy[]): Promise<void>;
  forgetKept(tx: Tx, instanceId: string, keptId: string): Promise<void>;
  setOwnerVerifier(tx: Tx, databaseId: string, verifier: string): Promise<void>;
  /** Records that nothing of the database is left but its backups, kept for so many days. */
  setDeleted(tx: Tx, databaseId: string, keptDays: number): Promise<void>;
}

export const primaryOf = (record: DatabaseRecord): MemberRecord => {
  const primary = record.members.find((member) => member.role === 'primary');
  if (!primary) throw new Error(`database ${record.spec.id} has no recorded primary`);
  return primary;
};

export const standbysOf = (record: DatabaseRecord): MemberRecord[] => record.members.filter((member) => member.role === 'standby');

/** The way from the endpoint to the primary. */
export function routeTo(record: DatabaseRecord): Route {
  const primary = primaryOf(record);
  if (primary.port === null) throw new Error(`the primary of database ${record.spec.id} has no port yet`);
  return { database: record.spec, target: { address: primary.address, port: primary.port } };
}

/** Records in the metadata database. */
@Injectable()
export class MetadataDatabaseRecords implements DatabaseRecords<EntityManager> {
  constructor(
    private readonly metadata: Metadata,
    private readonly vault: Vault,
  ) {}

  async read(databaseId: string): Promise<DatabaseRecord> {
    const tx = this.metadata.dataSource.manager;
    const [database, instances, kept, hosts] = await Promise.all([
      tx.findOneByOrFail(DatabaseEntity, { id: databaseId }),
      tx.find(InstanceEntity, { where: { databaseId }, order: { id: 'ASC' } }),
      queryRows<{ instanceId: string; keptId: string; hostId: string }>(tx,
        'SELECT instance_id AS "instanceId", kept_id AS "keptId", host_id AS "hostId" FROM kept_copies WHERE database_id = $1 ORDER BY kept_at', [databaseId]),
      queryRows<{ id: string }>(tx, `SELECT h.id FROM hosts h JOIN instances i ON i.host_id = h.id WHERE i.database_id = $1 AND h.state = 'lost'`, [databaseId]),
    ]);
    const spec = this.specOf(database);
    return {
      spec,
      epoch: database.epoch,
      inSync: database.inSync,
      kept: kept.map(({ instanceId, hostId, keptId }) => ({ ref: { id: instanceId, host: hostId, database: spec }, keptId })),
      members: instances.map(({ id, hostId, role, state, address, port }) => ({
        ref: { id, host: hostId, database: spec }, role, state, address, port, hostLost: hosts.some((host) => host.id === hostId),
      })),
    };
  }

  private specOf(database: DatabaseEntity): DatabaseSpec {
    if (!isPlanId(database.plan)) throw new Error(`database ${database.id} has the unknown plan "${database.plan}"`);
    const { memoryMb, maxConnections, diskGb } = PLANS[database.plan];
    if (!database.sealedSecrets) throw new Error(`the secrets of database ${database.id} are erased`);
    return {
      id: database.id,
      region: database.regionId,
      account: database.unixAccount,
      name: database.endpointDatabase,
      owner: database.endpointUser,
      ownerVerifier: database.ownerVerifier,
      size: { memoryMb, maxConnections, diskGb },
      secrets: JSON.parse(this.vault.unseal(database.sealedSecrets, database.id).toString()) as InstanceSecrets,
    };
  }

  async setMember(tx: EntityManager, id: string, change: Partial<Pick<MemberRecord, 'role' | 'state' | 'port'>>): Promise<void> {
    await tx.update(InstanceEntity, { id }, change);
  }

  async setInSync(tx: EntityManager, id: string, instanceIds: readonly string[]): Promise<void> {
    await tx.update(DatabaseEntity, { id }, { inSync: [...instanceIds] });
  }

  async setPromoted(tx: EntityManager, id: string, promotedId: string): Promise<void> {
    await tx.update(InstanceEntity, { databaseId: id, role: 'primary' }, { role: 'standby', state: 'fenced' });
    await tx.update(InstanceEntity, { id: promotedId }, { role: 'primary', state: 'running' });
    await tx.update(DatabaseEntity, { id }, { epoch: () => 'epoch + 1', inSync: [] });
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
    for (const copy of copies) {
      await tx.query(
        `INSERT INTO kept_copies (instance_id, kept_id, database_id, host_id, kept_at, size_bytes) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT DO NOTHING`, [id, copy.id, database.id, host, copy.keptAt, copy.sizeBytes]);
    }
  }

  async forgetKept(tx: EntityManager, instanceId: string, keptId: string): Promise<void> {
    await tx.query('DELETE FROM kept_copies WHERE instance_id = $1 AND kept_id = $2', [instanceId, keptId]);
  }

  async setOwnerVerifier(tx: EntityManager, id: string, ownerVerifier: string): Promise<void> {
    await tx.update(DatabaseEntity, { id }, { ownerVerifier });
  }

  async setDeleted(tx: EntityManager, id: string, keptDays: number): Promise<void> {
    await tx.delete(InstanceEntity, { databaseId: id });
    await tx.query('DELETE FROM kept_copies WHERE database_id = $1', [id]);
    await tx.update(DatabaseEntity, { id }, {
      deletedAt: () => 'now()', purgeAt: () => `now() + make_interval(days => ${Math.trunc(keptDays)})`, inSync: [], sealedSecrets: null,
    });
  }
}
