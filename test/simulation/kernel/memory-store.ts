import type { Transition } from '../../../src/operations/decide-transition.js';
import { describeOperation, type Operation, type OperationDocument } from '../../../src/operations/operation.js';
import {
  type DueOperation, type Findings, type Held, type NewOperation, OperationInTheWayError, type OperationStore, type StepPlan,
} from '../../../src/operations/store.js';
import { MemoryTx } from './memory-metadata.js';

interface Row {
  operation: Operation;
  leaseOwner: string | null;
  leaseUntil: number | null;
  dueAt: number;
  enqueuedAt: number | null;
}

export interface MemoryStoreOptions {
  /** Milliseconds; the metadata database's clock. */
  readonly now: () => number;
  /** False leaves rule 2 out: whatever a worker remembers is written. */
  readonly compareAndSet?: boolean;
}

/**
 * Operations in memory, with the contract of the store in the metadata database: the same behaviour suite is passed by
 * both. Each call is one transaction and happens at once.
 */
export class MemoryOperationStore implements OperationStore<MemoryTx> {
  private readonly tokens = new Map<string, bigint>();
  private readonly rows = new Map<string, Row>();

  constructor(private readonly options: MemoryStoreOptions) {}

  token(fenceId: string): bigint {
    return this.tokens.get(fenceId) ?? 0n;
  }

  find(id: string): Operation | undefined {
    return this.rows.get(id)?.operation;
  }

  all(): Operation[] {
    return [...this.rows.values()].map(({ operation }) => operation);
  }

  /** The exclusive operation that runs for a subject. */
  running(subjectId: string): Operation | undefined {
    return this.all().find((operation) => operation.subjectId === subjectId && operation.exclusive && isAlive(operation));
  }

  async request(tx: MemoryTx, request: NewOperation): Promise<OperationDocument> {
    const now = new Date(this.options.now());
    const fenceId = request.exclusive && request.subjectId !== null ? request.subjectId : request.id;
    const other = request.exclusive && request.subjectId !== null ? this.running(request.subjectId) : undefined;
    if (other && !request.preempts(other.kind, other.step)) throw new OperationInTheWayError(other);
    const [first] = request.steps;
    const operation: Operation = {
      id: request.id, kind: request.kind, subjectId: request.subjectId, ownerId: request.ownerId, fenceId, exclusive: request.exclusive,
      queue: request.queue, state: 'pending', direction: 'forward', step: first?.name ?? '', attempt: 0, input: request.input, found: {},
      sealed: request.sealed, error: null, stepDeadlineAt: later(now, first?.deadlineMs ?? 0), deadlineAt: later(now, request.deadlineMs),
      cancelRequestedBy: null, requestedBy: request.requestedBy, requestId: request.requestId, createdAt: now, startedAt: null, finishedAt: null,
    };
    tx.write(() => {
      this.raise(fenceId);
      if (other) {
        const error = { step: other.step, reason: `ended by operation ${request.id} (${request.kind})`, left: 'partial' as const };
        this.update(other.id, { state: 'cancelled', error, finishedAt: now }, { leaseOwner: null, leaseUntil: null });
      }
      this.rows.set(request.id, { operation, leaseOwner: null, leaseUntil: null, dueAt: now.getTime(), enqueuedAt: now.getTime() });
    });
    return describeOperation(operation, []);
  }

  async claim(id: string, worker: string, leaseMs: number): Promise<Held | undefined> {
    const row = this.rows.get(id);
    const now = this.options.now();
    if (!row || !this.isFreeAndDue(row)) return undefined;
    const { operation } = row;
    this.update(id, { state: 'running', attempt: operation.attempt + 1, startedAt: operation.startedAt ?? new Date(now) }, { leaseOwner: worker, leaseUntil: now + leaseMs });
    return { operation: row.operation, token: this.raise(operation.fenceId), worker };
  }

  async extend(held: Held, leaseMs: number): Promise<boolean> {
    const row = this.rows.get(held.operation.id);
    if (!row || row.leaseOwner !== held.worker || row.operation.state !== 'running' || this.token(row.operation.fenceId) !== held.token) return false;
    row.leaseUntil = this.options.now() + leaseMs;
    return true;
  }

  show(): Promise<void> {
    return Promise.resolve();
  }

  async release(held: Held): Promise<void> {
    const row = this.heldRow(held);
    if (!row) return;
    this.update(row.operation.id, { attempt: row.operation.attempt - 1 }, { leaseOwner: null, leaseUntil: null, enqueuedAt: null, dueAt: this.options.now() });
  }

  async settle(held: Held, transition: Transition, findings: Findings<MemoryTx>, steps: readonly StepPlan[]): Promise<Held | undefined> {
    if (transition.type === 'drop') return undefined;
    const { fenceId, id } = held.operation;
    const tx = new MemoryTx();
    await findings.record?.(tx);
    if (this.options.compareAndSet !== false) {
      if (this.token(fenceId) !== held.token) return undefined;
      if (!this.heldRow(held)) throw new Error(`operation ${id} has the token of its holder but another step`);
    }
    const token = this.raise(fenceId);
    tx.commit();
    if (this.options.compareAndSet === false && !this.heldRow(held)) return undefined;
    this.write(id, transition, findings, steps);
    return transition.type === 'enter' ? { operation: this.rows.get(id)!.operation, token, worker: held.worker } : undefined;
  }

  private write(id: string, transition: Exclude<Transition, { type: 'drop' }>, findings: Findings<MemoryTx>, steps: readonly StepPlan[]): void {
    const now = this.options.now();
    const { operation } = this.rows.get(id)!;
    if (transition.type === 'again') {
      this.update(id, { attempt: operation.attempt - (transition.waits ? 1 : 0) }, { leaseOwner: null, leaseUntil: null, enqueuedAt: null, dueAt: now + transition.inMs });
      return;
    }
    // As a jsonb column would keep them.
    const found = { ...operation.found, ...(findings.found && JSON.parse(JSON.stringify(findings.found)) as Record<string, unknown>) };
    const error = transition.failure ?? operation.error;
    if (transition.type === 'end') {
      this.update(id, { state: transition.state, found, error, finishedAt: new Date(now) }, { leaseOwner: null, leaseUntil: null });
      return;
    }
    const deadlineMs = steps.find(({ name }) => name === transition.step)?.deadlineMs ?? 0;
    this.update(id, { step: transition.step, direction: transition.direction, attempt: 1, found, error, stepDeadlineAt: new Date(now + deadlineMs) }, {});
  }

  async takeDue(limit: number, notEnqueuedForMs: number): Promise<DueOperation[]> {
    const now = this.options.now();
    const due = [...this.rows.values()]
      .filter((row) => this.isFreeAndDue(row) && (row.enqueuedAt === null || row.enqueuedAt < now - notEnqueuedForMs))
      .sort((a, b) => Number(b.operation.queue === 'failover') - Number(a.operation.queue === 'failover') || a.dueAt - b.dueAt)
      .slice(0, limit);
    for (const row of due) row.enqueuedAt = now;
    return due.map(({ operation: { id, queue } }) => ({ id, queue }));
  }

  /** Lets a lease run out, or an operation become due, at once. */
  hasten(id: string): void {
    const row = this.rows.get(id);
    if (row) Object.assign(row, { dueAt: this.options.now(), leaseUntil: row.leaseUntil === null ? null : this.options.now() - 1 });
  }

  private isFreeAndDue({ operation, dueAt, leaseUntil }: Row): boolean {
    const now = this.options.now();
    return isAlive(operation) && dueAt <= now && (leaseUntil === null || leaseUntil < now);
  }

  private heldRow({ operation: { id, step }, worker }: Held): Row | undefined {
    const row = this.rows.get(id);
    return row && row.operation.step === step && row.leaseOwner === worker && row.operation.state === 'running' ? row : undefined;
  }

  private raise(fenceId: string): bigint {
    const token = this.token(fenceId) + 1n;
    this.tokens.set(fenceId, token);
    return token;
  }

  private update(id: string, operation: Partial<Operation>, row: Partial<Row>): void {
    const known = this.rows.get(id)!;
    Object.assign(known, row, { operation: { ...known.operation, ...operation } });
  }
}

const isAlive = ({ state }: Operation): boolean => state === 'pending' || state === 'running';
const later = (at: Date, ms: number): Date => new Date(at.getTime() + ms);
