import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { NoRoomError } from '../fleet/fleet-errors.js';
import { FleetService } from '../fleet/fleet.service.js';
import { requirePlan } from '../fleet/require-plan.js';
import { newId } from '../metadata/ids.js';
import { queryRows } from '../metadata/query-rows.js';
import { Vault } from '../secrets/vault.js';
import { volumeKeyOwner } from './database-records.js';
import { DatabaseEntity } from './database.entity.js';
import { InstanceEntity } from './instance.entity.js';

/** As much as the key of AES-256-XTS has. */
const VOLUME_KEY_BYTES = 64;

/** Where the instances of databases are to be: hosts that are chosen for them, and written down. */
@Injectable()
export class InstancePlaces {
  constructor(private readonly fleet: FleetService, private readonly vault: Vault) {}

  /** Chooses hosts for the database's instances and writes the instances down. */
  async reserve(tx: EntityManager, databaseId: string): Promise<void> {
    const database = await tx.findOneByOrFail(DatabaseEntity, { id: databaseId });
    await this.provideVolumeKey(tx, database);
    await this.fleet.lockRegion(tx, database.regionId);
    const { primary, standbys } = await this.fleet.place(tx, database.regionId, requirePlan(database.plan));
    await tx.insert(InstanceEntity, [primary, ...standbys].map((host, index) => ({
      id: newId('instance'), databaseId, hostId: host.id, role: index === 0 ? 'primary' as const : 'standby' as const,
      state: 'starting' as const, address: host.address,
    })));
  }

  /**
   * Gives a database new places for all its instances. Where there is room for a primary alone, as when a whole data centre
   * is lost, its standbys stay recorded as lost: they are made anew once there is room.
   *
   * @throws NoRoomError if there is no room for a primary either, or if it would have fewer standbys on record than its plan
   */
  async replaceMembers(tx: EntityManager, databaseId: string): Promise<void> {
    const { regionId, plan } = await tx.findOneByOrFail(DatabaseEntity, { id: databaseId });
    const lost = await queryRows<InstanceEntity>(tx,
      `SELECT i.id, i.host_id AS "hostId", i.address FROM instances i JOIN hosts h ON h.id = i.host_id
        WHERE i.database_id = $1 AND h.state = 'lost' ORDER BY i.id`, [databaseId]);
    await tx.delete(InstanceEntity, { databaseId });
    const { standbys } = requirePlan(plan);
    try {
      await this.reserve(tx, databaseId);
    } catch (error) {
      if (!(error instanceof NoRoomError) || lost.length < standbys) throw error;
      const { primary } = await this.fleet.place(tx, regionId, { ...requirePlan(plan), standbys: 0 });
      await tx.insert(InstanceEntity, [
        { id: newId('instance'), databaseId, hostId: primary.id, role: 'primary', state: 'starting', address: primary.address },
        ...lost.slice(0, standbys)
          .map(({ id, hostId, address }) => ({ id, databaseId, hostId, role: 'standby' as const, state: 'lost' as const, address })),
      ]);
    }
  }

  /** Chooses a host for one more standby, which is to replace another one, and writes it down under the given id. */
  async reserveStandby(tx: EntityManager, databaseId: string, replacedId: string, newInstanceId: string): Promise<void> {
    const database = await tx.findOneByOrFail(DatabaseEntity, { id: databaseId });
    const members = await tx.find(InstanceEntity, { where: { databaseId }, order: { role: 'ASC', id: 'ASC' } });
    if (members.some(({ id }) => id === newInstanceId)) return;
    await this.provideVolumeKey(tx, database);
    await this.fleet.lockRegion(tx, database.regionId);
    const staying = members.filter(({ id }) => id !== replacedId).map(({ hostId }) => hostId);
    const leftHostId = members.find(({ id }) => id === replacedId)?.hostId;
    const host = await this.fleet.placeStandby(tx, database.regionId, requirePlan(database.plan), staying, leftHostId);
    await tx.insert(InstanceEntity, {
      id: newInstanceId, databaseId, hostId: host.id, role: 'standby', state: 'starting', address: host.address,
    });
  }

  /** Gives a database the key of its files, if it has none: it is new, older than such keys, or was brought back. */
  private async provideVolumeKey(tx: EntityManager, { id, sealedVolumeKey }: DatabaseEntity): Promise<void> {
    if (sealedVolumeKey !== null) return;
    await tx.update(DatabaseEntity, { id }, { sealedVolumeKey: this.vault.seal(randomBytes(VOLUME_KEY_BYTES), volumeKeyOwner(id)) });
  }
}
