import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Transition } from './decide-transition.js';
import { describeOperation, type Operation, type OperationDocument, type OperationStep } from './operation.js';
import { isRunningChange } from './running-change.js';
import {
  type DueOperation, type Findings, type Held, type NewOperation, OperationInTheWayError, type OperationStore, type StepPlan,
} from './store.js';
import { openAlert, resolveAlerts } from './alerts.js';
import { queryRows } from '../metadata/query-rows.js';

/** The channel on which every change of an operation is announced, with the operation's id. */
export const OPERATION_CHANNEL = 'operation_events';

interface OperationRow {
  id: string; kind: string; subject_id: string | null; owner_id: string | null; fence_id: string; exclusive: boolean;
  queue: string; state: Operation['state']; direction: Operation['direction']; step: string; attempt: number;
  input: unknown; found: Record<string, unknown>; sealed: Buffer | null; error: Operation['error'];
  step_deadline_at: Date; deadline_at: Date; cancel_requested_by: string | null; requested_by: string;
  request_id: string | null; trace_parent: string | null; created_at: Date; started_at: Date | null; finished_at: Date | null;
}

interface StepRow {
  name: string; state: OperationStep['state']; attempts: number; started_at: Date | null; finished_at: Date | null;
  detail: Record<string, unknown> | null;
}

/** Operations in the metadata database. Locks are taken in one order everywhere: the fence's subject, then the operation. */
@Injectable()
export class PostgresOperationStore implements OperationStore<EntityManager> {
  constructor(private readonly dataSource: DataSource) {}

  async request(tx: EntityManager, operation: NewOperation): Promise<OperationDocument> {
    const fence = operation.exclusive && operation.subjectId !== null ? operation.subjectId : operation.id;
    // Requesting raises the token too: an operation that acted for the subject until now is refused (protocol rule 1).
    await tx.query(
      `INSERT INTO subjects (id, token) VALUES ($1, 1) ON CONFLICT (id) DO UPDATE SET token = subjects.token + 1`, [fence]);
    if (operation.exclusive) await this.makeWay(tx, operation);
    await tx.query(
      `INSERT INTO operations (id, kind, subject_id, owner_id, fence_id, exclusive, queue, step, input, sealed,
                               step_deadline_at, deadline_at, requested_by, request_id, trace_parent, enqueued_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,
               now() + make_interval(secs => $11), now() + make_interval(secs => $12), $13, $14, $15, clock_timestamp())`,
      [operation.id, operation.kind, operation.subjectId, operation.ownerId, fence, operation.exclusive, operation.queue,
        operation.steps[0]?.name, JSON.stringify(operation.input), operation.sealed,
        (operation.steps[0]?.deadlineMs ?? 0) / 1000, operation.deadlineMs / 1000,
        operation.requestedBy, operation.requestId, operation.traceParent ?? null]);
    await tx.query(
      `INSERT INTO operation_steps (operation_id, position, name)
       SELECT $1, position, name FROM unnest($2::text[]) WITH ORDINALITY AS step(name, position)`,
      [operation.id, operation.steps.map((step) => step.name)]);
    return this.publish(tx, operation.id);
  }

  /** Ends the exclusive operation that is in the way, if it may be. */
  private async makeWay(tx: EntityManager, operation: NewOperation): Promise<void> {
    const [other] = await queryRows<{ id: string; kind: string; state: string; step: string }>(tx,
      `SELECT id, kind, state, step FROM operations o WHERE ${isRunningChange('o', '$1')} FOR UPDATE`, [operation.subjectId]);
    if (!other) return;
    if (!operation.preempts(other.kind, other.step)) throw new OperationInTheWayError(other);
    const failure = { step: null, reason: `ended by operation ${operation.id} (${operation.kind})`, left: 'partial' };
    await tx.query(
      `UPDATE operations SET state = 'cancelled', error = $2, lease_owner = NULL, lease_until = NULL, finished_at = clock_timestamp()
        WHERE id = $1`, [other.id, JSON.stringify(failure)]);
    await closeSteps(tx, other.id, 'failed');
    await resolveAlerts(tx, alertKeys(other.id));
    await this.publish(tx, other.id);
  }

  async claim(id: string, worker: string, leaseMs: number): Promise<Held | undefined> {
    return this.dataSource.transaction(async (tx) => {
      const [fence] = await queryRows<{ id: string; state: string }>(tx,
        `SELECT s.id, o.state FROM subjects s JOIN operations o ON o.fence_id = s.id
          WHERE o.id = $1 AND ${FREE_AND_DUE} FOR UPDATE OF s`, [id]);
      if (!fence) return undefined;
      const [row] = await queryRows<OperationRow>(tx,
        `UPDATE operations o
            SET state = 'running', attempt = attempt + 1, started_at = coalesce(started_at, clock_timestamp()),
                lease_owner = $2, lease_until = clock_timestamp() + make_interval(secs => $3)
          WHERE id = $1 AND ${FREE_AND_DUE} RETURNING *`, [id, worker, leaseMs / 1000]);
      if (!row) return undefined;
      const token = await raiseToken(tx, row.fence_id);
      await tx.query(
        `UPDATE operation_steps SET state = CASE WHEN $3 THEN 'running' ELSE state END, attempts = $4,
                started_at = coalesce(started_at, clock_timestamp())
          WHERE operation_id = $1 AND name = $2`, [id, row.step, row.direction === 'forward', row.attempt]);
      if (fence.state === 'pending') await this.publish(tx, id);
      return { operation: operationOf(row), token, worker };
    });
  }

  async extend(held: Held, leaseMs: number): Promise<boolean> {
    const rows = await queryRows(this.dataSource.manager,
      `UPDATE operations o SET lease_until = clock_timestamp() + make_interval(secs => $4)
         FROM subjects s
        WHERE o.id = $1 AND o.lease_owner = $2 AND o.state = 'running' AND s.id = o.fence_id AND s.token = $3
        RETURNING o.id`, [held.operation.id, held.worker, held.token.toString(), leaseMs / 1000]);
    return rows.length === 1;
  }

  async show(held: Held, detail: Record<string, unknown>): Promise<void> {
    await this.dataSource.transaction(async (tx) => {
      const rows = await queryRows(tx,
        `UPDATE operation_steps s SET detail = coalesce(detail, '{}') || jsonb_build_object('progress', $4::jsonb)
           FROM operations o
          WHERE s.operation_id = $1 AND s.name = $2 AND s.state = 'running'
            AND o.id = $1 AND o.step = $2 AND o.lease_owner = $3 AND o.state = 'running'
          RETURNING s.name`, [held.operation.id, held.operation.step, held.worker, JSON.stringify(detail)]);
      if (rows.length > 0) await this.publish(tx, held.operation.id);
    });
  }

  async release(held: Held): Promise<void> {
    await this.dataSource.manager.query(
      `UPDATE operations SET lease_owner = NULL, lease_until = NULL, enqueued_at = NULL, attempt = attempt - 1, due_at = clock_timestamp()
        WHERE id = $1 AND step = $2 AND lease_owner = $3 AND state = 'running'`,
      [held.operation.id, held.operation.step, held.worker]);
  }

  async settle(
    held: Held, transition: Transition, findings: Findings<EntityManager>, steps: readonly StepPlan[],
  ): Promise<Held | undefined> {
    if (transition.type === 'drop') return undefined;
    return this.dataSource.transaction(async (tx) => {
      const token = await raiseToken(tx, held.operation.fenceId, held.token);
      if (token === undefined) return undefined;
      const row = await this.write(tx, held, transition, findings, steps);
      if (!row) throw new Error(`operation ${held.operation.id} has the token of its holder but another step`);
      await this.publish(tx, held.operation.id);
      return transition.type === 'enter' ? { operation: operationOf(row), token, worker: held.worker } : undefined;
    });
  }

  private async write(
    tx: EntityManager, held: Held, transition: Exclude<Transition, { type: 'drop' }>,
    findings: Findings<EntityManager>, steps: readonly StepPlan[],
  ): Promise<OperationRow | undefined> {
    const { operation } = held;
    if (findings.record) await findings.record(tx);
    if (transition.type === 'again') return this.writeAgain(tx, held, transition);
    await this.writeStepLeft(tx, operation, transition, findings);
    const compareAndSet = `WHERE id = $1 AND step = $2 AND lease_owner = $3 AND state = 'running' RETURNING *`;
    const common = [
      operation.id, operation.step, held.worker, JSON.stringify(findings.found ?? {}), JSON.stringify(transition.failure ?? null),
    ];
    if (transition.type === 'end') {
      await closeSteps(tx, operation.id, 'skipped');
      await resolveAlerts(tx, alertKeys(operation.id));
      const [row] = await queryRows<OperationRow>(tx,
        `UPDATE operations SET state = $6, found = found || $4, error = coalesce(nullif($5::jsonb, 'null'), error),
                lease_owner = NULL, lease_until = NULL, finished_at = clock_timestamp(),
                sealed = CASE WHEN $6 = 'succeeded' THEN NULL ELSE sealed END ${compareAndSet}`,
        [...common, transition.state]);
      return row;
    }
    await resolveAlerts(tx, [stepAlertKey(operation.id)]);
    const deadlineMs = steps.find((step) => step.name === transition.step)?.deadlineMs ?? 0;
    await tx.query(
      `UPDATE operation_steps SET state = CASE WHEN $3 THEN 'running' ELSE state END, attempts = CASE WHEN $3 THEN 1 ELSE attempts END,
              started_at = CASE WHEN $3 AND NOT $4 THEN clock_timestamp() ELSE started_at END,
              finished_at = CASE WHEN $3 THEN NULL ELSE finished_at END
        WHERE operation_id = $1 AND name = $2`,
      // A step that goes on with another piece of its work began with the first piece.
      [operation.id, transition.step, transition.direction === 'forward', transition.step === operation.step]);
    const [row] = await queryRows<OperationRow>(tx,
      `UPDATE operations SET step = $6, direction = $7, attempt = 1, found = found || $4,
              error = coalesce(nullif($5::jsonb, 'null'), error),
              step_deadline_at = clock_timestamp() + make_interval(secs => $8) ${compareAndSet}`,
      [...common, transition.step, transition.direction, deadlineMs / 1000]);
    return row;
  }

  private async writeAgain(
    tx: EntityManager, held: Held, transition: Extract<Transition, { type: 'again' }>,
  ): Promise<OperationRow | undefined> {
    const { operation } = held;
    await tx.query(
      `UPDATE operation_steps SET detail = coalesce(detail, '{}') || jsonb_build_object('waitingFor', $3::text)
        WHERE operation_id = $1 AND name = $2`, [operation.id, operation.step, transition.reason]);
    if (transition.alert) {
      await openAlert(tx, {
        key: stepAlertKey(operation.id), kind: 'operation-stuck', severity: 'critical', subjectId: operation.subjectId,
        operationId: operation.id, message: `${operation.kind} does not get past "${operation.step}": ${transition.reason}`,
        action: 'required',
        advice: 'it is tried again and again: remove what its reason names, or cancel it if it has not passed its point of no return',
      });
    }
    const [row] = await queryRows<OperationRow>(tx,
      `UPDATE operations SET lease_owner = NULL, lease_until = NULL, enqueued_at = NULL, attempt = attempt - $5,
              due_at = clock_timestamp() + make_interval(secs => $4)
        WHERE id = $1 AND step = $2 AND lease_owner = $3 AND state = 'running' RETURNING *`,
      [operation.id, operation.step, held.worker, transition.inMs / 1000, transition.waits ? 1 : 0]);
    return row;
  }

  private async writeStepLeft(
    tx: EntityManager, operation: Operation, transition: Extract<Transition, { type: 'enter' | 'end' }>, findings: Findings<EntityManager>,
  ): Promise<void> {
    const failed = transition.failure !== undefined;
    const forward = operation.direction === 'forward';
    const detail = { ...findings.detail, ...(forward && failed && { reason: transition.failure.reason }) };
    await tx.query(
      `UPDATE operation_steps
          SET state = CASE WHEN $3 THEN $4 ELSE state END,
              finished_at = CASE WHEN $3 THEN clock_timestamp() ELSE finished_at END,
              detail = nullif(coalesce(detail, '{}') - 'waitingFor' - 'progress' || $5, '{}')
        WHERE operation_id = $1 AND name = $2 AND (state <> 'pending' OR $3)`,
      [operation.id, operation.step, forward, failed ? 'failed' : 'succeeded', JSON.stringify(detail)]);
  }

  async takeDue(limit: number, notEnqueuedForMs: number): Promise<DueOperation[]> {
    return queryRows<DueOperation>(this.dataSource.manager,
      `UPDATE operations SET enqueued_at = clock_timestamp()
        WHERE id IN (
          SELECT id FROM operations o
           WHERE ${FREE_AND_DUE}
             AND (enqueued_at IS NULL OR enqueued_at < clock_timestamp() - make_interval(secs => $2))
           ORDER BY queue = 'failover' DESC, due_at LIMIT $1 FOR UPDATE SKIP LOCKED)
        RETURNING id, queue`, [limit, notEnqueuedForMs / 1000]);
  }

  /** Ends an operation that no worker ever took: there is nothing to undo. */
  async endUnbegun(tx: EntityManager, id: string, reason: string): Promise<void> {
    await tx.query(
      `UPDATE operations SET state = 'cancelled', error = jsonb_build_object('step', step, 'reason', $2::text, 'left', 'nothing'),
              finished_at = clock_timestamp() WHERE id = $1 AND state = 'pending'`, [id, reason]);
    await closeSteps(tx, id, 'skipped');
  }

  /** Starts an operation that no worker has taken yet at a later step than its first, because the earlier ones are known to be done. */
  async enterAt(
    tx: EntityManager, id: string, { name, deadlineMs }: StepPlan, failure: { readonly step: string; readonly reason: string },
  ): Promise<void> {
    await tx.query(
      `UPDATE operations SET step = $2, error = $3, step_deadline_at = clock_timestamp() + make_interval(secs => $4)
        WHERE id = $1 AND state = 'pending'`,
      [id, name, JSON.stringify(failure), deadlineMs / 1000]);
  }

  /**
   * Ends every unfinished operation as failed, since nobody can know any more how far it got, and raises the tokens of their
   * subjects.
   */
  async endUnfinished(tx: EntityManager, reason: string): Promise<{ id: string; kind: string; subjectId: string | null; step: string }[]> {
    const ended = await queryRows<{ id: string; kind: string; subjectId: string | null; step: string }>(tx,
      `UPDATE operations SET state = 'failed', error = jsonb_build_object('step', step, 'reason', $1::text, 'left', 'partial'),
              lease_owner = NULL, lease_until = NULL, finished_at = clock_timestamp()
        WHERE state IN ('pending', 'running') RETURNING id, kind, subject_id AS "subjectId", step`, [reason]);
    await tx.query(
      'UPDATE subjects SET token = token + 1 WHERE id IN (SELECT fence_id FROM operations WHERE id = ANY($1))', [ended.map(({ id }) => id)],
    );
    for (const { id } of ended) {
      await closeSteps(tx, id, 'failed');
      await resolveAlerts(tx, alertKeys(id));
      await this.publish(tx, id);
    }
    return ended;
  }

  /**
   * Lets a failed operation begin again at its first step.
   *
   * @throws OperationInTheWayError if another exclusive operation on its subject runs meanwhile
   */
  async restart(tx: EntityManager, id: string, steps: readonly StepPlan[], deadlineMs: number): Promise<OperationDocument> {
    const [other] = await queryRows<{ id: string; kind: string; state: string }>(tx,
      `SELECT x.id, x.kind, x.state FROM operations x, operations o
        WHERE o.id = $1 AND o.exclusive AND ${isRunningChange('x', 'o.subject_id')}`, [id]);
    if (other) throw new OperationInTheWayError(other);
    await tx.query('UPDATE subjects SET token = token + 1 WHERE id = (SELECT fence_id FROM operations WHERE id = $1)', [id]);
    await tx.query(
      `UPDATE operations SET state = 'pending', direction = 'forward', step = $2, attempt = 0, error = NULL, found = '{}',
              cancel_requested_by = NULL, due_at = clock_timestamp(), enqueued_at = NULL, finished_at = NULL,
              step_deadline_at = clock_timestamp() + make_interval(secs => $3), deadline_at = clock_timestamp() + make_interval(secs => $4)
        WHERE id = $1`, [id, steps[0]?.name, (steps[0]?.deadlineMs ?? 0) / 1000, deadlineMs / 1000]);
    await tx.query(
      `UPDATE operation_steps SET state = 'pending', attempts = 0, started_at = NULL, finished_at = NULL, detail = NULL
        WHERE operation_id = $1`, [id]);
    return this.publish(tx, id);
  }

  /** Writes the operation's present state as an event, and announces it on commit. */
  async publish(tx: EntityManager, id: string): Promise<OperationDocument> {
    const document = await readDocument(tx, id);
    if (!document) throw new Error(`operation ${id} is gone`);
    await tx.query('INSERT INTO operation_events (operation_id, document) VALUES ($1, $2)', [id, JSON.stringify(document)]);
    await tx.query('SELECT pg_notify($1, $2)', [OPERATION_CHANNEL, id]);
    return document;
  }
}

const FREE_AND_DUE = `o.state IN ('pending', 'running') AND o.due_at <= clock_timestamp()
  AND (o.lease_until IS NULL OR o.lease_until < clock_timestamp())`;

/** Raises the token; if it is not the expected one, changes nothing and answers undefined. */
async function raiseToken(tx: EntityManager, fenceId: string): Promise<bigint>;
async function raiseToken(tx: EntityManager, fenceId: string, expected: bigint): Promise<bigint | undefined>;
async function raiseToken(tx: EntityManager, fenceId: string, expected?: bigint): Promise<bigint | undefined> {
  const [row] = await queryRows<{ token: string }>(tx,
    'UPDATE subjects SET token = token + 1 WHERE id = $1 AND ($2::bigint IS NULL OR token = $2) RETURNING token',
    [fenceId, expected?.toString() ?? null]);
  return row && BigInt(row.token);
}

/** Leaves no step of an ended operation pending or running. */
async function closeSteps(tx: EntityManager, id: string, running: 'failed' | 'skipped'): Promise<void> {
  await tx.query(
    `UPDATE operation_steps SET state = CASE state WHEN 'running' THEN $2 ELSE 'skipped' END,
            finished_at = CASE state WHEN 'running' THEN clock_timestamp() ELSE finished_at END
      WHERE operation_id = $1 AND state IN ('pending', 'running')`, [id, running]);
}

export const stepAlertKey = (operationId: string): string => `step:${operationId}`;
export const operationAlertKey = (operationId: string): string => `operation:${operationId}`;
const alertKeys = (operationId: string): string[] => [stepAlertKey(operationId), operationAlertKey(operationId)];

/** The operation as people see it, or undefined if there is none, or none that this transaction may see. */
export async function readDocument(tx: EntityManager, id: string): Promise<OperationDocument | undefined> {
  const [row] = await queryRows<DocumentRow>(tx, `${SELECT_WITH_STEPS} WHERE o.id = $1`, [id]);
  return row && documentOf(row);
}

export type DocumentRow =
  Pick<
    OperationRow,
    'id' | 'kind' | 'subject_id' | 'state' | 'direction' | 'error' | 'requested_by' | 'created_at' | 'started_at' | 'finished_at'
  > & { steps: StepRow[] | null };

export const SELECT_WITH_STEPS = `
  SELECT o.id, o.kind, o.subject_id, o.state, o.direction, o.error, o.requested_by, o.created_at, o.started_at, o.finished_at,
         (SELECT json_agg(s ORDER BY s.position) FROM operation_steps s WHERE s.operation_id = o.id) AS steps
    FROM operations o`;

export function documentOf(row: DocumentRow): OperationDocument {
  const date = (value: Date | string | null): Date | null => (value === null ? null : new Date(value));
  const operation = {
    id: row.id, kind: row.kind, subjectId: row.subject_id, state: row.state, direction: row.direction, error: row.error,
    requestedBy: row.requested_by, createdAt: row.created_at, startedAt: row.started_at, finishedAt: row.finished_at,
  };
  return describeOperation(operation, (row.steps ?? []).map((step) => ({
    name: step.name, state: step.state, attempts: step.attempts,
    startedAt: date(step.started_at), finishedAt: date(step.finished_at), detail: step.detail,
  })));
}

function operationOf(row: OperationRow): Operation {
  return {
    id: row.id, kind: row.kind, subjectId: row.subject_id, ownerId: row.owner_id, fenceId: row.fence_id,
    exclusive: row.exclusive, queue: row.queue, state: row.state, direction: row.direction, step: row.step,
    attempt: row.attempt, input: row.input, found: row.found, sealed: row.sealed, error: row.error,
    stepDeadlineAt: row.step_deadline_at, deadlineAt: row.deadline_at, cancelRequestedBy: row.cancel_requested_by,
    requestedBy: row.requested_by, requestId: row.request_id, traceParent: row.trace_parent, createdAt: row.created_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
  };
}
