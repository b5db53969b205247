import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { DataLossNotAcceptedError, DatabaseNotAvailableError } from '../databases/database-errors.js';
import { DatabaseRequests } from '../databases/database.requests.js';
import { SWITCHOVER } from '../databases/operations/switchover.operation.js';
import type { HostLoad } from '../fleet/choose-hosts.js';
import { NoRoomError } from '../fleet/fleet-errors.js';
import { type HostDocument, FleetService } from '../fleet/fleet.service.js';
import { isPlanId, PLANS } from '../fleet/plans.js';
import { BackupNotStoredError } from '../backups/sets/backup-errors.js';
import { RestoresService, type RestoreSource } from '../backups/restores/restores.service.js';
import { RestoreRequests } from '../backups/restores/restore.requests.js';
import { type Asker, type Caller, systemCaller } from '../changes/caller.js';
import { OperationRequests } from '../changes/operation.requests.js';
import { Metadata } from '../metadata/metadata.js';
import { queryRows } from '../metadata/query-rows.js';
import type { OperationDocument } from '../operations/operation.js';
import { OperationNotSteerableError, OperationsService } from '../operations/operations.service.js';
import { hasRunningChange, type RunningChange, runningChange, waitOfRunningChange } from '../operations/running-change.js';
import { OperationInTheWayError } from '../operations/store.js';
import { type Failures, type Move, type Occupant, planMoves, type PossibleMove, restUntil } from './plan-moves.js';
import { type Household, placeMoves, type PlacedMove } from './place-moves.js';
import { type MoveOperation, type MoveReport, reportMoves } from './report-moves.js';
import { VACATE, type VacateInput } from './vacate.operation.js';

/** A move; of a restore, what it would begin with. */
export type PlannedMove = PlacedMove & { readonly source: RestoreSource | null };

/** What would move, shown before anything does. */
export interface MovePlan {
  readonly hosts: readonly string[];
  readonly primaries: number;
  readonly standbys: number;
  /** How many databases have nothing left elsewhere and are restored from a backup site. */
  readonly restores: number;
  readonly moves: readonly PlannedMove[];
}

/** Which hosts are to be emptied, and why. */
export interface Vacating {
  readonly subjectId: string;
  readonly hostIds: readonly string[];
  readonly state: 'draining' | 'lost';
  /** Whether a standby that is not in sync may take over from a primary that is lost. */
  readonly acceptDataLoss: boolean;
  /** After how many minutes switchovers end transactions that are in their way; absent: never. */
  readonly endTransactionsAfterMinutes?: number | undefined;
}

/** Moves instances away from hosts and data centres: drain, lost, evacuate. */
@Injectable()
export class RelocationService {
  constructor(
    private readonly metadata: Metadata,
    private readonly fleet: FleetService,
    private readonly databases: DatabaseRequests,
    private readonly restores: RestoresService,
    private readonly restoreRequests: RestoreRequests,
    private readonly steering: OperationRequests,
    private readonly operations: OperationsService,
  ) {}

  async plan(hostIds: readonly string[], hostsLost: boolean): Promise<MovePlan> {
    const placed = await this.place(planMoves(await this.readOccupants(hostIds), hostsLost));
    const moves = await Promise.all(placed.map(async (move): Promise<PlannedMove> => ({
      ...move, source: move.by === 'restore' ? await this.restores.findNewest(move.databaseId) : null,
    })));
    const primaries = moves.filter(({ role }) => role === 'primary').length;
    const restored = new Set(moves.filter(({ by }) => by === 'restore').map(({ databaseId }) => databaseId));
    return { hosts: hostIds, primaries, standbys: moves.length - primaries, restores: restored.size, moves };
  }

  private async place(moves: readonly Move[]): Promise<PlacedMove[]> {
    type Row = { id: string; regionId: string; plan: string; members: Household['members'] };
    const rows = await queryRows<Row>(this.metadata.dataSource.manager,
      `SELECT d.id, d.region_id AS "regionId", d.plan,
              (SELECT json_agg(json_build_object('instanceId', i.id, 'hostId', i.host_id, 'role', i.role)
                               ORDER BY i.id = ANY(d.in_sync) DESC, i.id)
                 FROM instances i WHERE i.database_id = d.id) AS members
         FROM databases d WHERE d.id = ANY($1)`, [moves.map(({ databaseId }) => databaseId)]);
    const households = new Map(rows.map(({ id, regionId, plan, members }) =>
      [id, { regionId, members, memoryMb: isPlanId(plan) ? PLANS[plan].memoryMb : 0 }]));
    const regions = [...new Set(rows.map(({ regionId }) => regionId))];
    const loads = new Map(await Promise.all(regions.map(async (id) =>
      [id, await this.fleet.loads(this.metadata.dataSource.manager, id)] as const)));
    // A primary's place is chosen before those of its standbys.
    return placeMoves([...moves].sort((a, b) => Number(a.role === 'standby') - Number(b.role === 'standby')), households, loads);
  }

  /** What the operations came to that were asked for in another one's name, or that the watch had asked for before. */
  async report(operationId: string, { databaseIds }: VacateInput): Promise<MoveReport> {
    const tx = this.metadata.dataSource.manager;
    const [asker] = await queryRows<{ createdAt: Date }>(
      tx, 'SELECT created_at AS "createdAt" FROM operations WHERE id = $1', [operationId],
    );
    if (!asker) throw new Error(`operation ${operationId} is gone`);
    const since = new Date(asker.createdAt.getTime() - JUST_BEFORE_MS);
    const rows = await queryRows<Omit<MoveOperation, 'purpose'>>(tx, SELECT_MOVES,
      [operationId, databaseIds, since, this.operations.kindsFor('failover')]);
    const operations = rows.map((row) => ({ ...row, purpose: this.operations.purposeOf(row.kind) }));
    return reportMoves(operations, asker.createdAt);
  }

  async countGoing(operationId: string): Promise<number> {
    const [row] = await queryRows<{ going: number }>(this.metadata.dataSource.manager,
      `SELECT count(*)::integer AS going FROM operations WHERE requested_by = $1 AND state IN ('pending', 'running')`, [operationId]);
    return row?.going ?? 0;
  }

  /** Marks the hosts, so that nothing new is placed on them, and asks for everything on them to be moved away. */
  async vacate(
    tx: EntityManager, { subjectId, hostIds, state, acceptDataLoss, endTransactionsAfterMinutes }: Vacating, asker: Asker,
  ): Promise<OperationDocument> {
    for (const id of hostIds) await this.fleet.setHostState(tx, id, state);
    if (state === 'lost') {
      await tx.query(`UPDATE instances SET state = 'lost' WHERE host_id = ANY($1) AND role = 'standby'`, [hostIds]);
    }
    const databaseIds = [...new Set((await this.readOccupants(hostIds)).map(({ databaseId }) => databaseId))];
    const operation = await this.operations.request(tx, {
      kind: VACATE, subjectId, ownerId: null, requestedBy: asker.id, requestId: asker.requestId,
      input: { hostIds: [...hostIds], hostsLost: state === 'lost', acceptDataLoss, databaseIds, endTransactionsAfterMinutes },
    });
    if (endTransactionsAfterMinutes !== undefined) await this.amendSwitchovers(tx, databaseIds, endTransactionsAfterMinutes);
    return operation;
  }

  /** Switchovers that an earlier request has asked for heed what the operator says, too. */
  private async amendSwitchovers(tx: EntityManager, databaseIds: readonly string[], endTransactionsAfterMinutes: number): Promise<void> {
    const running = await queryRows<{ id: string }>(tx,
      `SELECT id FROM operations WHERE subject_id = ANY($1) AND kind = $2 AND state IN ('pending', 'running') ORDER BY subject_id`,
      [databaseIds, SWITCHOVER]);
    for (const { id } of running) await this.operations.amend(tx, id, { endTransactionsAfterMinutes });
  }

  /** Asks for a place for standbys that are lost, whose hosts nobody empties any more, where a host has room. A few at a time. */
  async rehouse(): Promise<void> {
    for (const occupant of await this.readPlaces(SELECT_HOMELESS, [[], VACATE, REHOUSED_AT_ONCE])) {
      // Each for itself: where one has lost its place, another one may find it.
      const [move] = await this.place(planMoves([occupant], true));
      if (move?.to) await this.ask(move, { hostIds: [], hostsLost: true, acceptDataLoss: false, databaseIds: [] }, REHOUSED_BY);
    }
  }

  /** Takes a drain back: instances may be placed on the host again. */
  undrain(tx: EntityManager, hostId: string): Promise<HostDocument | undefined> {
    return this.fleet.setHostState(tx, hostId, 'active');
  }

  /** What is on the hosts and where it can go; undefined once none of the hosts is marked any more. */
  async moves({ hostIds, hostsLost }: VacateInput, operationId: string): Promise<readonly PossibleMove[] | undefined> {
    const marked = await queryRows(
      this.metadata.dataSource.manager, `SELECT id FROM hosts WHERE id = ANY($1) AND state <> $2`,
      [hostIds, 'active' satisfies HostLoad['state']],
    );
    if (marked.length === 0) return undefined;
    const occupants = await this.readOccupants(hostIds);
    const failed = await queryRows<Failures & { readonly databaseId: string }>(
      this.metadata.dataSource.manager, SELECT_FAILURES, [operationId],
    );
    const failures = new Map(failed.map((one) => [one.databaseId, one]));
    const changes = new Map(occupants.map(({ databaseId, change, waitsFor }) => [databaseId, { change, waitsFor }]));
    return (await this.place(planMoves(occupants, hostsLost))).map((move) => {
      const before = failures.get(move.databaseId);
      return { ...move, change: null, waitsFor: null, ...changes.get(move.databaseId), restsUntil: before ? restUntil(before) : null };
    });
  }

  async ask(move: Move, input: VacateInput, requestedBy: string): Promise<void> {
    try {
      await this.request(move, input, systemCaller(requestedBy));
    } catch (error) {
      if (!PASSING.some((passing) => error instanceof passing)) throw error;
    }
  }

  private async request({ databaseId, instanceId, by }: Move, input: VacateInput, caller: Caller): Promise<void> {
    const { hostsLost, acceptDataLoss, endTransactionsAfterMinutes } = input;
    switch (by) {
      case 'switchover':
        await this.databases.switchover(caller, databaseId, { endTransactionsAfterMinutes });
        return;
      case 'failover':
        await this.databases.failover(caller, databaseId, { acceptDataLoss }, { reason: 'its host is lost', forced: true });
        return;
      case 'restore':
        await this.restoreRequests.restoreLost(caller, databaseId);
        return;
      case 'relocate':
        await this.databases.relocate(caller, databaseId, { instanceId, hostLost: hostsLost });
    }
  }

  /** Takes back what was asked for in an operation's name and has not begun, such as switchovers that wait for a quiet moment. */
  async callOff(operationId: string): Promise<void> {
    const going = await queryRows<RunningChange & { readonly id: string }>(this.metadata.dataSource.manager,
      `SELECT id, kind, step FROM operations WHERE requested_by = $1 AND state IN ('pending', 'running')`, [operationId]);
    for (const { id } of going.filter((operation) => !this.operations.meaningOf(operation).hasBegun)) {
      try {
        await this.steering.cancel(systemCaller(operationId), id);
      } catch (error) {
        // It has begun, or ended, meanwhile.
        if (!(error instanceof OperationNotSteerableError)) throw error;
      }
    }
  }

  private readOccupants(hostIds: readonly string[]): Promise<Occupant[]> {
    return this.readPlaces(SELECT_OCCUPANTS, [hostIds]);
  }

  private async readPlaces(statement: string, parameters: readonly unknown[]): Promise<Occupant[]> {
    const rows = await queryRows<OccupantRow>(this.metadata.dataSource.manager, statement, parameters);
    return rows.map(({ change, waitingFor, ...row }) => {
      const meaning = change && this.operations.meaningOf(change);
      return { ...row, change: meaning, waitsFor: meaning?.idles ? waitingFor : null };
    });
  }
}

type OccupantRow = Omit<Occupant, 'change' | 'waitsFor'> & { readonly change: RunningChange | null; readonly waitingFor: string | null };

/** What may be otherwise when it is looked at again. */
const PASSING = [OperationInTheWayError, DatabaseNotAvailableError, DataLossNotAcceptedError, BackupNotStoredError, NoRoomError];

/** A failover by the watch is part of a loss if it began in this time before somebody declared the loss. */
const JUST_BEFORE_MS = 3_600_000;

const SELECT_MOVES = `
  SELECT o.subject_id AS "databaseId", o.kind, o.state, o.created_at AS "createdAt",
         o.started_at AS "startedAt", o.finished_at AS "finishedAt",
         o.error ->> 'reason' AS reason, coalesce((o.input ->> 'acceptDataLoss')::boolean, false) AS "acceptDataLoss",
         (SELECT s.finished_at FROM operation_steps s
           WHERE s.operation_id = o.id AND s.name = 'route' AND s.state = 'succeeded') AS "routedAt",
         (SELECT (s.detail ->> 'lastCommitAt')::timestamptz FROM operation_steps s
           WHERE s.operation_id = o.id AND s.name = 'restore-primary') AS "lastCommitAt"
    FROM operations o
   WHERE o.requested_by = $1 OR (o.kind = ANY($4) AND o.state = 'succeeded' AND o.subject_id = ANY($2) AND o.created_at > $3 AND o.id < $1)
   ORDER BY o.id`;

/** Of what was asked for in an operation's name. */
const SELECT_FAILURES = `
  SELECT subject_id AS "databaseId", count(*)::integer AS count, max(finished_at) AS "lastAt"
    FROM operations WHERE requested_by = $1 AND state = 'failed' GROUP BY subject_id`;

const REHOUSED_BY = 'keeper-of-redundancy';
const REHOUSED_AT_ONCE = 4;

const OCCUPANTS = `
  SELECT d.id AS "databaseId", d.customer_id AS "customerId", i.id AS "instanceId", i.host_id AS "hostId", i.role, i.state,
         ${runningChange('d.id')} AS change, ${waitOfRunningChange('d.id')} AS "waitingFor",
         EXISTS (SELECT FROM instances p JOIN hosts h ON h.id = p.host_id
                  WHERE p.database_id = d.id AND p.role = 'primary' AND (h.id = ANY($1) OR h.state = 'lost')) AS "primaryLeaves",
         (SELECT count(*)::integer FROM instances s JOIN hosts h ON h.id = s.host_id
           WHERE s.database_id = d.id AND s.state = 'running' AND h.state <> 'lost' AND h.id <> ALL($1)) AS survivors,
         (SELECT count(*)::integer FROM instances s JOIN hosts h ON h.id = s.host_id
           WHERE s.database_id = d.id AND s.state = 'running' AND h.state <> 'lost' AND h.id <> ALL($1)
             AND s.id = ANY(d.in_sync)) AS "survivorsInSync"
    FROM instances i JOIN databases d ON d.id = i.database_id`;

const SELECT_OCCUPANTS = `${OCCUPANTS} WHERE i.host_id = ANY($1) AND d.deleted_at IS NULL ORDER BY i.id`;

/** Of databases whose primary is well and that nothing else changes, in turns. */
const SELECT_HOMELESS = `${OCCUPANTS}
   WHERE i.role = 'standby' AND i.state = 'lost' AND d.deleted_at IS NULL
     AND EXISTS (SELECT FROM instances p JOIN hosts h ON h.id = p.host_id
                  WHERE p.database_id = d.id AND p.role = 'primary' AND p.state = 'running' AND h.state <> 'lost')
     AND NOT ${hasRunningChange('d.id')}
     AND NOT EXISTS (SELECT FROM operations o WHERE o.kind = $2 AND o.state IN ('pending', 'running') AND o.input -> 'hostIds' ? i.host_id)
   ORDER BY random() LIMIT $3`;
