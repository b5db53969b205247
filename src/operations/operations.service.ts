import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Tracing } from '../telemetry/tracing.js';
import { TRACING } from '../telemetry/tracing-token.js';
import { newId } from '../metadata/ids.js';
import { withFullRights } from '../metadata/confine.js';
import { Metadata } from '../metadata/metadata.js';
import { queryRows } from '../metadata/query-rows.js';
import type { Reach } from '../metadata/reach.js';
import { writeSelect } from '../metadata/select.js';
import { hasWayBack } from './definition.js';
import type { OperationDocument, OperationState } from './operation.js';
import { OperationQueues } from './operation-queues.js';
import { documentOf, type DocumentRow, PostgresOperationStore, SELECT_WITH_STEPS } from './postgres-store.js';
import { OperationRegistry } from './registry.js';
import { stepPlans } from './runner.js';
import type { RunningChange } from './running-change.js';
import type { Meaning, Purpose } from './traits.js';

/** Who asks for an operation, and for what. */
export interface OperationRequest {
  readonly kind: string;
  readonly subjectId: string | null;
  /** The customer who owns the subject; null if only operators see the operation. */
  readonly ownerId: string | null;
  readonly input: unknown;
  /** A secret that a step needs, sealed for the operation's id; erased when the operation succeeds, and after 24 h. */
  readonly sealed?: Buffer;
  readonly requestedBy: string;
  readonly requestId: string | null;
  /** The operation's id, if the caller needed it before the request, for example to seal a secret for it. */
  readonly id?: string;
}

/** Events of an operation that are read at once; no operation has nearly as many. */
const EVENTS_AT_ONCE = 1_000;

/** An operation cannot be steered that way in its present state. */
export class OperationNotSteerableError extends Error {
  constructor(message: string, readonly hint: string) {
    super(message);
    this.name = 'OperationNotSteerableError';
  }
}

export interface OperationFilter {
  readonly subjectId?: string | undefined;
  readonly kind?: string | undefined;
  readonly state?: OperationState | undefined;
  /** Only those that are older than this id; lists are newest first. */
  readonly before?: string | undefined;
  readonly limit: number;
}

/** How features and interfaces ask for changes and follow them. */
@Injectable()
export class OperationsService {
  constructor(
    private readonly metadata: Metadata,
    private readonly store: PostgresOperationStore,
    private readonly registry: OperationRegistry<EntityManager>,
    private readonly queues: OperationQueues,
    @Inject(TRACING) private readonly tracing: Tracing,
  ) {}

  /**
   * Writes a request into the caller's transaction. The caller enqueues it with {@link announce} after the commit;
   * should it die in between, the sweeper does.
   *
   * @throws OperationInTheWayError if an exclusive operation runs that may not be pre-empted
   */
  request(tx: EntityManager, request: OperationRequest): Promise<OperationDocument> {
    const definition = this.registry.get(request.kind);
    return withFullRights(tx, () => this.store.request(tx, {
      ...request,
      id: request.id ?? newId('operation'),
      input: definition.input.parse(request.input),
      sealed: request.sealed ?? null,
      exclusive: definition.exclusive,
      queue: definition.queue,
      steps: stepPlans(definition),
      deadlineMs: definition.deadlineMs,
      preempts: (kind, step) => this.registry.mayEnd(request.kind, { kind, step }),
      traceParent: this.tracing.current(),
    }));
  }

  /**
   * Keeps what is asked for of a subject, and what its operations record, in one order until the transaction ends. Taken first:
   * operations lock the token, then the rows of features.
   */
  async lockSubject(tx: EntityManager, id: string): Promise<void> {
    await withFullRights(tx, () => tx.query('SELECT FROM subjects WHERE id = $1 FOR UPDATE', [id]));
  }

  /** What a running operation means to others. */
  meaningOf(change: RunningChange): Meaning {
    return this.registry.meaningOf(change);
  }

  /** The purpose of a kind of operation; undefined if it has none. */
  purposeOf(kind: string): Purpose | undefined {
    return this.registry.purposeOf(kind);
  }

  /** The kinds of operations with that purpose, for use in queries. */
  kindsFor(purpose: Purpose): string[] {
    return this.registry.kindsFor(purpose);
  }

  /** Wakes a worker for an operation whose request is committed. Never fails: the sweeper finds what was not announced. */
  announce(operation: OperationDocument): Promise<void> {
    return this.queues.enqueue({ id: operation.id, queue: this.registry.get(operation.kind).queue }, 0).then(() => undefined);
  }

  async find(reach: Reach, id: string): Promise<OperationDocument | undefined> {
    return (await this.query(reach, { 'o.id = ?': id }, 1))[0];
  }

  list(reach: Reach, { subjectId, kind, state, before, limit }: OperationFilter): Promise<OperationDocument[]> {
    return this.query(reach, { 'o.subject_id = ?': subjectId, 'o.kind = ?': kind, 'o.state = ?': state, 'o.id < ?': before }, limit);
  }

  private async query(reach: Reach, conditions: Readonly<Record<string, string | undefined>>, limit: number): Promise<OperationDocument[]> {
    const select = writeSelect(SELECT_WITH_STEPS, conditions, reach, 'o.owner_id', 'ORDER BY o.id DESC LIMIT ?', limit);
    return (await this.metadata.select<DocumentRow>(reach, select)).map(documentOf);
  }

  /** Whether any of these operations, or of that kind, has not ended yet. */
  async areUnderWay(ids: readonly string[], kind: string): Promise<boolean> {
    const [row] = await queryRows<{ any: boolean }>(this.metadata.dataSource.manager,
      `SELECT EXISTS (SELECT FROM operations WHERE state IN ('pending', 'running') AND (id = ANY($1) OR kind = $2)) AS any`, [ids, kind]);
    return row?.any ?? false;
  }

  /** Events of an operation after the one with that number, oldest first. */
  eventsAfter(reach: Reach, operationId: string, eventId: string): Promise<{ id: string; document: OperationDocument }[]> {
    return this.metadata.select(reach, writeSelect(
      'SELECT e.id::text, e.document FROM operation_events e JOIN operations o ON o.id = e.operation_id',
      { 'e.operation_id = ?': operationId, 'e.id > ?::bigint': eventId }, reach, 'o.owner_id', 'ORDER BY e.id LIMIT ?', EVENTS_AT_ONCE,
    ));
  }

  /**
   * Asks a running operation to turn back at the next step before its point of no return; an operation that has not begun ends at once.
   *
   * @throws OperationNotSteerableError if it has ended or is past the point of no return
   */
  async cancel(tx: EntityManager, id: string, by: string): Promise<OperationDocument> {
    const current = await this.lock(tx, id);
    if (current.state !== 'pending' && current.state !== 'running') {
      throw new OperationNotSteerableError(
        `the operation has ended: it is ${current.state}`, 'only one that is pending or running can be cancelled',
      );
    }
    if (!hasWayBack(this.registry.get(current.kind), current.step)) {
      throw new OperationNotSteerableError(
        `the operation is past its point of no return, at "${current.step}"`, 'let it go on: it can only go forward',
      );
    }
    await tx.query(
      `UPDATE operations SET cancel_requested_by = $2, due_at = clock_timestamp(), enqueued_at = NULL WHERE id = $1`, [id, by]);
    await tx.query(
      `UPDATE operations SET direction = 'back', error = $2
        WHERE id = $1 AND state = 'running' AND lease_owner IS NULL AND direction = 'forward'`,
      [id, JSON.stringify({ step: current.step, reason: `cancelled by ${by}` })]);
    if (current.state === 'pending') await this.store.endUnbegun(tx, id, `cancelled by ${by}`);
    return this.store.publish(tx, id);
  }

  /**
   * Tries again at once: a step that waits for its next attempt, or a failed operation from its first step on.
   *
   * @throws OperationNotSteerableError if it ended otherwise, or another exclusive operation runs meanwhile
   */
  async retry(tx: EntityManager, id: string): Promise<OperationDocument> {
    const current = await this.lock(tx, id);
    if (current.state === 'running' || current.state === 'pending') {
      await tx.query(
        'UPDATE operations SET due_at = clock_timestamp(), enqueued_at = NULL, attempt = 0 WHERE id = $1 AND lease_owner IS NULL', [id],
      );
      return this.store.publish(tx, id);
    }
    if (current.state !== 'failed') {
      throw new OperationNotSteerableError(
        `the operation is ${current.state}`, 'only one that failed, or that waits for its next attempt, can be retried',
      );
    }
    return this.store.restart(tx, id, stepPlans(this.registry.get(current.kind)), this.registry.get(current.kind).deadlineMs);
  }

  /**
   * Adds to the input of an operation that has not ended, and wakes it if it waits: its next attempt reads what is new. The
   * attempt at hand, if there is one, has read the old.
   */
  async amend(tx: EntityManager, id: string, change: Readonly<Record<string, unknown>>): Promise<OperationDocument> {
    return withFullRights(tx, () => this.addToInput(tx, id, change));
  }

  private async addToInput(tx: EntityManager, id: string, change: Readonly<Record<string, unknown>>): Promise<OperationDocument> {
    const { kind } = await this.lock(tx, id);
    const [row] = await queryRows<{ input: object }>(
      tx, `SELECT input FROM operations WHERE id = $1 AND state IN ('pending', 'running')`, [id],
    );
    if (row) {
      await tx.query('UPDATE operations SET input = $2 WHERE id = $1', [
        id, JSON.stringify(this.registry.get(kind).input.parse({ ...row.input, ...change })),
      ]);
      await tx.query('UPDATE operations SET due_at = clock_timestamp(), enqueued_at = NULL WHERE id = $1 AND lease_owner IS NULL', [id]);
    }
    return this.store.publish(tx, id);
  }

  private async lock(tx: EntityManager, id: string): Promise<{ kind: string; state: OperationState; step: string }> {
    await tx.query('SELECT FROM subjects s JOIN operations o ON o.fence_id = s.id WHERE o.id = $1 FOR UPDATE OF s', [id]);
    const [row] = await queryRows<{ kind: string; state: OperationState; step: string }>(tx,
      'SELECT kind, state, step FROM operations WHERE id = $1 FOR UPDATE', [id]);
    if (!row) throw new Error(`operation ${id} does not exist`);
    return row;
  }
}
