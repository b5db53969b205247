import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { DataLossNotAcceptedError, DatabaseNotAvailableError } from '../databases/database-errors.js';
import { DatabasesService } from '../databases/databases.service.js';
import type { HostLoad } from '../fleet/choose-hosts.js';
import { type HostDocument, FleetService } from '../fleet/fleet.service.js';
import { isPlanId, PLANS } from '../fleet/plans.js';
import { Metadata } from '../metadata/metadata.js';
import { queryRows } from '../metadata/query-rows.js';
import { EVERYTHING } from '../metadata/reach.js';
import type { OperationDocument } from '../operations/operation.js';
import { OperationsService } from '../operations/operations.service.js';
import { OperationInTheWayError } from '../operations/store.js';
import { type Move, type Occupant, planMoves } from './plan-moves.js';
import { type Household, placeMoves, type PlacedMove } from './place-moves.js';
import { type MoveOperation, type MoveReport, reportMoves } from './report-moves.js';
import { VACATE, type VacateInput } from './vacate.operation.js';

/** What would move, shown before anything does. */
export interface MovePlan {
  readonly hosts: readonly string[];
  readonly primaries: number;
  readonly standbys: number;
  readonly moves: readonly PlacedMove[];
}

/** Moves instances away from hosts and data centres: drain, lost, evacuate. */
@Injectable()
export class RelocationService {
  constructor(
    private readonly metadata: Metadata,
    private readonly fleet: FleetService,
    private readonly databases: DatabasesService,
    private readonly operations: OperationsService,
  ) {}

  async plan(hostIds: readonly string[], hostsLost: boolean): Promise<MovePlan> {
    const moves = await this.place(planMoves(await this.readOccupants(hostIds), hostsLost));
    const primaries = moves.filter(({ role }) => role === 'primary').length;
    return { hosts: hostIds, primaries, standbys: moves.length - primaries, moves };
  }

  private async place(moves: readonly Move[]): Promise<PlacedMove[]> {
    const rows = await queryRows<{ id: string; regionId: string; plan: string; members: Household['members'] }>(this.metadata.dataSource.manager,
      `SELECT d.id, d.region_id AS "regionId", d.plan,
              (SELECT json_agg(json_build_object('instanceId', i.id, 'hostId', i.host_id, 'role', i.role) ORDER BY i.id = ANY(d.in_sync) DESC, i.id)
                 FROM instances i WHERE i.database_id = d.id) AS members
         FROM databases d WHERE d.id = ANY($1)`, [moves.map(({ databaseId }) => databaseId)]);
    const households = new Map(rows.map(({ id, regionId, plan, members }) => [id, { regionId, members, memoryMb: isPlanId(plan) ? PLANS[plan].memoryMb : 0 }]));
    const regions = [...new Set(rows.map(({ regionId }) => regionId))];
    const loads = new Map(await Promise.all(regions.map(async (id) => [id, await this.fleet.loads(this.metadata.dataSource.manager, id)] as const)));
    return placeMoves(moves, households, loads);
  }

  /** What the operations came to that were asked for in another one's name. */
  async report(operationId: string): Promise<MoveReport> {
    return reportMoves(await queryRows<MoveOperation>(this.metadata.dataSource.manager,
      `SELECT subject_id AS "databaseId", kind, state, started_at AS "startedAt", finished_at AS "finishedAt", error ->> 'reason' AS reason
         FROM operations WHERE requested_by = $1 ORDER BY id`, [operationId]));
  }

  /** Marks the hosts, so that nothing new is placed on them, and asks for everything on them to be moved away. */
  async vacate(tx: EntityManager, subjectId: string, hostIds: readonly string[], state: 'draining' | 'lost', by: { readonly id: string; readonly requestId: string }): Promise<OperationDocument> {
    for (const id of hostIds) await this.fleet.setHostState(tx, id, state);
    if (state === 'lost') {
      await tx.query(`UPDATE instances SET state = 'lost' WHERE host_id = ANY($1) AND role = 'standby'`, [hostIds]);
    }
    return this.operations.request(tx, {
      kind: VACATE, subjectId, ownerId: null, input: { hostIds: [...hostIds], hostsLost: state === 'lost' }, requestedBy: by.id, requestId: by.requestId,
    });
  }

  /** Takes a drain back: instances may be placed on the host again. */
  undrain(tx: EntityManager, hostId: string): Promise<HostDocument | undefined> {
    return this.fleet.setHostState(tx, hostId, 'active');
  }

  /** The instances on the hosts; undefined once none of the hosts is marked any more. */
  async occupants(hostIds: readonly string[]): Promise<readonly Occupant[] | undefined> {
    const marked = await queryRows(this.metadata.dataSource.manager, `SELECT id FROM hosts WHERE id = ANY($1) AND state <> $2`, [hostIds, 'active' satisfies HostLoad['state']]);
    return marked.length === 0 ? undefined : this.readOccupants(hostIds);
  }

  async ask(move: Move, { hostsLost }: VacateInput, requestedBy: string): Promise<void> {
    try {
      const operation = await this.metadata.transaction((tx) => this.request(tx, move, hostsLost, requestedBy));
      await this.operations.announce(operation);
    } catch (error) {
      const passing = error instanceof OperationInTheWayError || error instanceof DatabaseNotAvailableError || error instanceof DataLossNotAcceptedError;
      if (!passing) throw error;
    }
  }

  private async request(tx: EntityManager, { databaseId, instanceId, by }: Move, hostsLost: boolean, requestedBy: string): Promise<OperationDocument> {
    const asked = { id: databaseId, actor: { id: requestedBy, reach: EVERYTHING }, requestId: null };
    if (by === 'switchover') return this.databases.switchover(tx, asked);
    if (by === 'failover') return this.databases.failover(tx, { ...asked, acceptDataLoss: false, forced: true, reason: 'its host is lost', bytesAtRisk: null });
    const database = await this.databases.find(EVERYTHING, databaseId);
    if (!database) throw new DatabaseNotAvailableError('deleted');
    return this.databases.requestRelocation(tx, database, instanceId, hostsLost, requestedBy);
  }

  private readOccupants(hostIds: readonly string[]): Promise<Occupant[]> {
    return queryRows<Occupant>(this.metadata.dataSource.manager,
      `SELECT d.id AS "databaseId", d.customer_id AS "customerId", i.id AS "instanceId", i.host_id AS "hostId", i.role, i.state,
              cardinality(d.in_sync) > 0 AS "inSync",
              (SELECT o.kind FROM operations o WHERE o.subject_id = d.id AND o.exclusive AND o.state IN ('pending', 'running')) AS change
         FROM instances i JOIN databases d ON d.id = i.database_id
        WHERE i.host_id = ANY($1) AND d.deleted_at IS NULL ORDER BY i.id`, [hostIds]);
  }
}
