/** States of an operation, as the contract names them. */
export const OPERATION_STATES = ['pending', 'running', 'succeeded', 'failed', 'cancelled'] as const;
export type OperationState = (typeof OPERATION_STATES)[number];

export const STEP_STATES = ['pending', 'running', 'succeeded', 'failed', 'skipped'] as const;
export type StepState = (typeof STEP_STATES)[number];

export type Direction = 'forward' | 'back';

/** Why an operation failed, and what state it left. */
export interface OperationFailure {
  readonly step: string;
  readonly reason: string;
  readonly hint?: string;
  /** `nothing`: everything was undone; `partial`: what the steps did is still there. */
  readonly left?: 'nothing' | 'partial';
}

/** An operation as a worker holds it. */
export interface Operation {
  readonly id: string;
  readonly kind: string;
  readonly subjectId: string | null;
  readonly ownerId: string | null;
  readonly fenceId: string;
  readonly exclusive: boolean;
  readonly queue: string;
  readonly state: OperationState;
  readonly direction: Direction;
  readonly step: string;
  readonly attempt: number;
  readonly input: unknown;
  readonly found: Record<string, unknown>;
  readonly sealed: Buffer | null;
  readonly error: OperationFailure | null;
  readonly stepDeadlineAt: Date;
  readonly deadlineAt: Date;
  readonly cancelRequestedBy: string | null;
  readonly requestedBy: string;
  readonly requestId: string | null;
  /** The trace of the request that asked for it, if there is one. */
  readonly traceParent?: string | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}

export interface OperationStep {
  readonly name: string;
  readonly state: StepState;
  readonly attempts: number;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly detail: Record<string, unknown> | null;
}

/** An operation as programs and people see it (`design.md`, part 4.2). */
export interface OperationDocument {
  readonly id: string;
  readonly kind: string;
  readonly databaseId: string | null;
  readonly state: OperationState;
  readonly steps: readonly {
    readonly name: string;
    readonly state: StepState;
    readonly attempts: number;
    readonly startedAt: string | null;
    readonly finishedAt: string | null;
    readonly detail: Record<string, unknown> | null;
  }[];
  readonly error: OperationFailure | null;
  readonly requestedBy: string;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
}

const iso = (at: Date | null): string | null => at?.toISOString() ?? null;

/** What of an operation people and programs see. */
export type ShownOperation = Pick<
  Operation, 'id' | 'kind' | 'subjectId' | 'state' | 'direction' | 'error' | 'requestedBy' | 'createdAt' | 'startedAt' | 'finishedAt'
>;

export function describeOperation(operation: ShownOperation, steps: readonly OperationStep[]): OperationDocument {
  return {
    id: operation.id,
    kind: operation.kind,
    databaseId: operation.subjectId?.startsWith('db_') ? operation.subjectId : null,
    state: operation.state,
    steps: steps.map((step) => ({
      name: step.name,
      state: step.state,
      attempts: step.attempts,
      startedAt: iso(step.startedAt),
      finishedAt: iso(step.finishedAt),
      detail: step.detail,
    })),
    error: operation.state === 'failed' || operation.direction === 'back' ? operation.error : null,
    requestedBy: operation.requestedBy,
    createdAt: operation.createdAt.toISOString(),
    startedAt: iso(operation.startedAt),
    finishedAt: iso(operation.finishedAt),
  };
}
