import { Inject, Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { EntityManager, Repository } from 'typeorm';
import { SETTINGS } from '../config/settings-token.js';
import type { Settings } from '../config/settings.js';
import type { BackupSite } from '../engine/backups-port.js';
import { ENGINE } from '../engine/engine-token.js';
import type { AtRestEncryption, Engine } from '../engine/ports.js';
import { withFullRights } from '../metadata/confine.js';
import { Metadata } from '../metadata/metadata.js';
import { queryRows } from '../metadata/query-rows.js';
import { chooseHosts, chooseStandbyHost, type HostLoad, type Placement } from './choose-hosts.js';
import { isFull } from '../engine/disk-floor.js';
import { DataCenterEntity } from './data-center.entity.js';
import { NoRoomError, RegionClosedError, UnknownRegionError } from './fleet-errors.js';
import { HostEntity } from './host.entity.js';
import { PLANS, type Plan } from './plans.js';
import { RegionEntity } from './region.entity.js';

export interface RegionDocument {
  readonly id: string;
  readonly name: string;
  readonly timeZone: string;
  /** Whether new databases are placed in it. */
  readonly open: boolean;
  readonly dataCenters: readonly { readonly id: string; readonly name: string }[];
  /** Where the backups of its databases are; nobody chooses or restricts them. */
  readonly backupSites: readonly BackupSite[];
}

export interface HostDocument {
  readonly id: string;
  readonly region: string;
  readonly dataCenter: string;
  readonly address: string;
  readonly storageId: string;
  readonly state: HostLoad['state'];
  readonly memoryMb: number;
  /** Memory promised to the instances on it, in MiB. */
  readonly promisedMb: number;
  readonly instances: number;
  /** How the files of instances that are made on it are encrypted. */
  readonly encryptedAtRest: AtRestEncryption;
}

/** Regions, their data centres and hosts, and what has room. */
@Injectable()
export class FleetService {
  constructor(
    private readonly metadata: Metadata,
    @InjectRepository(RegionEntity) private readonly regionRows: Repository<RegionEntity>,
    @InjectRepository(DataCenterEntity) private readonly dataCenterRows: Repository<DataCenterEntity>,
    @InjectRepository(HostEntity) private readonly hostRows: Repository<HostEntity>,
    @Inject(ENGINE) private readonly engine: Engine,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** Writes the engine's inventory into the metadata; what was there before keeps its state. */
  async recordInventory(): Promise<void> {
    const inventory = this.engine.inventory();
    const regions = inventory.map(({ id, name, timeZone }, position) => ({ id, name, timeZone, position }));
    const dataCenters = inventory.flatMap((region) => region.dataCenters.map((dataCenter) => ({ regionId: region.id, ...dataCenter })));
    const hosts = dataCenters.flatMap(({ id: dataCenterId, hosts }) =>
      hosts.map(({ id, address, storageId, memoryMb, encryptedAtRest }) =>
        ({ id, dataCenterId, address, storageId, memoryMb, encryptedAtRest })));
    await this.metadata.transaction(async (tx) => {
      await tx.withRepository(this.regionRows).upsert(regions, ['id']);
      await tx.withRepository(this.dataCenterRows).upsert(dataCenters.map(({ id, regionId, name }) => ({ id, regionId, name })), ['id']);
      await tx.withRepository(this.hostRows).upsert(hosts, ['id']);
    });
  }

  async regions(): Promise<RegionDocument[]> {
    const [regions, dataCenters] = await Promise.all([
      this.regionRows.find({ order: { position: 'ASC' } }), this.dataCenterRows.find({ order: { id: 'ASC' } }),
    ]);
    return regions.map(({ id, name, timeZone }) => ({
      id, name, timeZone, open: this.isOpen(id),
      dataCenters: dataCenters.filter(({ regionId }) => regionId === id).map(({ id, name }) => ({ id, name })),
      backupSites: this.engine.backups?.sites() ?? [],
    }));
  }

  hosts(): Promise<HostDocument[]> {
    return this.queryHosts(this.metadata.dataSource.manager, 'true', []);
  }

  async host(id: string): Promise<HostDocument | undefined> {
    return (await this.queryHosts(this.metadata.dataSource.manager, 'h.id = $1', [id]))[0];
  }

  /**
   * Locks the region until the end of the transaction, so that two requests do not both take the last place.
   *
   * @throws UnknownRegionError, RegionClosedError
   */
  async lockRegion(tx: EntityManager, regionId: string): Promise<void> {
    await this.holdRegion(tx, regionId);
    if (!this.isOpen(regionId)) throw new RegionClosedError(regionId);
  }

  /** The same of a region that may be closed for new databases. @throws UnknownRegionError */
  async holdRegion(tx: EntityManager, regionId: string): Promise<RegionEntity> {
    const regions = tx.withRepository(this.regionRows);
    const region = await withFullRights(tx, () => regions.findOne({ where: { id: regionId }, lock: { mode: 'for_no_key_update' } }));
    // Within the caller's transaction: a second connection for it could be the one that everybody waits for.
    if (!region) throw new UnknownRegionError(regionId, (await regions.find({ order: { position: 'ASC' } })).map(({ id }) => id));
    return region;
  }

  /**
   * Chooses hosts for a new database in a region that the transaction has locked.
   *
   * @throws NoRoomError before anything is made
   */
  async place(tx: EntityManager, regionId: string, plan: Plan): Promise<Placement> {
    const loads = await this.loads(tx, regionId);
    const placement = chooseHosts(loads, plan.memoryMb, plan.standbys);
    if (!placement) throw noRoom(regionId, plan, loads);
    return placement;
  }

  /**
   * Chooses a host for a standby that has to leave its own, in a region that the transaction has locked.
   *
   * @param stayingHostIds the hosts of the members that stay, the primary's first
   * @param leftHostId the host that is left, on which the old standby is until the new one is in sync
   * @throws NoRoomError
   */
  async placeStandby(
    tx: EntityManager, regionId: string, plan: Plan, stayingHostIds: readonly string[], leftHostId: string | undefined,
  ): Promise<HostLoad> {
    const loads = await this.loads(tx, regionId);
    const [primary, ...others] = stayingHostIds.flatMap((id) => loads.find((load) => load.id === id) ?? []);
    const chosen = primary && chooseStandbyHost(loads.filter(({ id }) => id !== leftHostId), plan.memoryMb, [primary, ...others]);
    if (!chosen) throw noRoom(regionId, plan, loads);
    return chosen;
  }

  /** The hosts of a region, and what is placed on them. */
  async loads(tx: EntityManager, regionId: string): Promise<HostLoad[]> {
    const readHosts = (): Promise<HostDocument[]> => withFullRights(tx, () => this.queryHosts(tx, 'c.region_id = $1', [regionId]));
    const [hosts, rooms] = await Promise.all([readHosts(), this.engine.rooms?.() ?? []]);
    const full = new Set(rooms.filter(isFull).flatMap((room) => room.hosts));
    const mayBePlain = !this.settings.FREEHOLD_PRODUCTION;
    return hosts.map(({ dataCenter, encryptedAtRest, ...host }): HostLoad => ({
      ...host, dataCenterId: dataCenter, diskFull: full.has(host.id), isPlain: !mayBePlain && encryptedAtRest === 'none',
    }));
  }

  /** Changes whether instances are placed on a host; answers undefined for a host that does not exist. */
  async setHostState(tx: EntityManager, id: string, state: HostLoad['state']): Promise<HostDocument | undefined> {
    await tx.withRepository(this.hostRows).update({ id }, { state });
    return (await this.queryHosts(tx, 'h.id = $1', [id]))[0];
  }

  /** The hosts of a data centre; none if there is no such data centre. */
  hostsOf(dataCenterId: string): Promise<HostDocument[]> {
    return this.queryHosts(this.metadata.dataSource.manager, 'c.id = $1', [dataCenterId]);
  }

  private isOpen(regionId: string): boolean {
    return !this.settings.FREEHOLD_CLOSED_REGIONS.includes(regionId);
  }

  private queryHosts(tx: EntityManager, condition: string, parameters: unknown[]): Promise<HostDocument[]> {
    const plans = JSON.stringify(Object.fromEntries(Object.values(PLANS).map((plan) => [plan.id, plan.memoryMb])));
    return queryRows<HostDocument>(tx,
      `SELECT h.id, c.region_id AS region, c.id AS "dataCenter", h.address, h.storage_id AS "storageId", h.state,
              h.encrypted_at_rest AS "encryptedAtRest", h.memory_mb AS "memoryMb", count(i.id)::integer AS instances,
              coalesce(sum(($${parameters.length + 1}::jsonb ->> d.plan)::integer), 0)::integer AS "promisedMb"
         FROM hosts h JOIN data_centers c ON c.id = h.data_center_id
         LEFT JOIN instances i ON i.host_id = h.id LEFT JOIN databases d ON d.id = i.database_id
        WHERE ${condition} GROUP BY h.id, c.id ORDER BY h.id`, [...parameters, plans]);
  }
}

function noRoom(regionId: string, { id }: Plan, loads: readonly HostLoad[]): NoRoomError {
  const because = 'its hosts do not encrypt what lies on them, which FREEHOLD_PRODUCTION asks for (freehold hosts list)';
  return loads.some(({ isPlain }) => isPlain) ? new NoRoomError(regionId, id, because) : new NoRoomError(regionId, id);
}
