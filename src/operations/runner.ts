import { reasonOf } from '../base/reason-of.js';
import { NO_TRACING, type Tracing } from '../telemetry/tracing.js';
import type { OperationDefinition, Step, StepContext } from './definition.js';
import { type AttemptResult, type ErrorSort, decideTransition } from './decide-transition.js';
import type { OperationRegistry } from './registry.js';
import type { Clock, Findings, Held, OperationStore, StepPlan } from './store.js';
import { placeOfOperation } from './trace-operation.js';

/** What the runner tells the log; never a secret. */
export interface RunnerLog {
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
}

export interface RunnerOptions<Tx> {
  readonly store: OperationStore<Tx>;
  readonly registry: OperationRegistry<Tx>;
  readonly clock: Clock;
  /** Names this worker in leases. */
  readonly worker: string;
  readonly leaseMs: number;
  /** Sorts the errors that steps throw; the kernel knows none of them. */
  readonly sortError: (error: unknown) => ErrorSort;
  readonly log: RunnerLog;
  readonly tracing?: Tracing;
}

/** What remains to be done about an operation after a run. */
export type RunResult = { readonly next: 'nothing' } | { readonly next: 'again'; readonly inMs: number; readonly queue: string };

const NOTHING: RunResult = { next: 'nothing' };

/** The time that a step may take with all its attempts. */
export function stepPlans<Tx>(definition: OperationDefinition<Tx>): StepPlan[] {
  return definition.steps.map((step) => ({ name: step.name, deadlineMs: step.timeoutMs * step.attempts }));
}

/**
 * Takes operations through their tables of steps.
 *
 * It keeps nothing between runs: what it knows of an operation it reads when it claims it, and whatever it does not
 * manage to record is done again by the next worker that claims it.
 */
export class OperationRunner<Tx> {
  private stopping = false;
  private readonly guards = new Set<Guard>();

  constructor(private readonly options: RunnerOptions<Tx>) {}

  /** Lets every operation go at the end of its present step. */
  stop(): void {
    this.stopping = true;
  }

  /** Ends the attempts at hand: a backup may take hours, and the next worker does again what was not done. */
  cutOff(): void {
    for (const guard of this.guards) guard.cutOff();
  }

  /** Runs one operation for as long as it goes on without waiting. Harmless for an operation that is held, done or unknown. */
  async run(operationId: string): Promise<RunResult> {
    const { store, worker, leaseMs } = this.options;
    let held = await store.claim(operationId, worker, leaseMs);
    while (held) {
      if (this.stopping) {
        await store.release(held);
        return NOTHING;
      }
      const step = await this.takeStep(held);
      if (step.result.next === 'again') return step.result;
      held = step.held;
    }
    return NOTHING;
  }

  private async takeStep(held: Held): Promise<{ held?: Held; result: RunResult }> {
    const { id, kind, step, direction, attempt, requestId } = held.operation;
    const span = (this.options.tracing ?? NO_TRACING).begin({
      name: `${kind} ${direction === 'back' ? 'undo ' : ''}${step}`, kind: 'consumer', parent: placeOfOperation(held.operation),
      attributes: {
        'freehold.operation.id': id, 'freehold.step': step, 'freehold.attempt': attempt,
        ...(requestId !== null && { 'freehold.request.id': requestId }),
      },
    });
    const taken = await span.run(() => this.workOn(held)).catch((error: unknown) => {
      span.end({ failure: 'the step could not be recorded' });
      throw error;
    });
    span.end({ failure: taken.failure });
    return taken;
  }

  private async workOn(held: Held): Promise<{ held?: Held; result: RunResult; failure?: string | undefined }> {
    const { store, registry, clock, log } = this.options;
    const { operation } = held;
    const definition = registry.get(operation.kind);
    const began = clock.now().getTime();
    const result = await this.attempt(definition, held);
    const transition = decideTransition(definition, operation, result, clock.now(), clock.chance());
    const seconds = (clock.now().getTime() - began) / 1000;
    const fields = { ...traceOf(held), step: operation.step, direction: operation.direction, attempt: operation.attempt, seconds };
    if (transition.type === 'drop') {
      log.warn(fields, 'step dropped: another worker is in charge');
      return { result: NOTHING, failure: 'another worker is in charge' };
    }
    const next = await store.settle(held, transition, findingsOf(result), stepPlans(definition));
    if (transition.type === 'again') {
      log.warn({ ...fields, reason: transition.reason, inMs: transition.inMs }, 'step will be tried again');
      return {
        result: { next: 'again', inMs: transition.inMs, queue: operation.queue },
        ...(result.ended === 'with-error' && { failure: transition.reason }),
      };
    }
    log.info(
      { ...fields, ...(transition.failure && { reason: transition.failure.reason }) },
      `step ${transition.type === 'end' ? 'ended the operation' : 'taken'}`,
    );
    if (transition.type === 'end') {
      log.info({ ...traceOf(held), state: transition.state }, 'operation ended');
      this.traceEnd(held, transition.state, transition.failure?.reason);
    }
    const failure = transition.failure?.reason;
    return next ? { held: next, result: NOTHING, failure } : { result: NOTHING, failure };
  }

  /** Tells of the operation as a whole, in which its steps have their places already. */
  private traceEnd({ operation }: Held, state: string, failure: string | undefined): void {
    const { id, kind, traceParent, createdAt, subjectId } = operation;
    this.options.tracing?.begin({
      name: kind, kind: 'internal', parent: traceParent ?? undefined, self: placeOfOperation(operation), startedAt: createdAt,
      attributes: { 'freehold.operation.id': id, 'freehold.subject.id': subjectId ?? undefined, 'freehold.operation.state': state },
    }).end({ failure });
  }

  private async attempt(definition: OperationDefinition<Tx>, held: Held): Promise<AttemptResult<Tx>> {
    const step = definition.steps.find((candidate) => candidate.name === held.operation.step);
    if (!step) return { ended: 'with-error', sort: 'permanent', reason: `there is no step "${held.operation.step}"` };
    const guard = this.guard(held, step.timeoutMs);
    this.guards.add(guard);
    try {
      const context = contextOf(
        definition, held, guard.signal, this.options.clock.now(), (detail) => this.show(held, detail, guard.signal),
      );
      const outcome = held.operation.direction === 'back' ? undoStep(step, context) : step.run(context);
      return { ended: 'with-outcome', outcome: await Promise.race([outcome, guard.cut]) };
    } catch (error) {
      return this.describeError(error, guard);
    } finally {
      guard.release();
      this.guards.delete(guard);
    }
  }

  /** Progress that cannot be recorded is left out: nothing is decided by it. */
  private show(held: Held, detail: Record<string, unknown>, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.options.store.show(held, detail).catch((error: unknown) => {
      this.options.log.warn({ ...traceOf(held), reason: reasonOf(error) }, 'progress could not be shown');
    });
  }

  private describeError(error: unknown, guard: Guard): AttemptResult<Tx> {
    if (guard.lost()) return { ended: 'with-error', sort: 'superseded', reason: 'the lease was lost' };
    const hint = error instanceof Error && 'hint' in error && typeof error.hint === 'string' ? error.hint : undefined;
    const reason = reasonOf(error);
    return { ended: 'with-error', sort: this.options.sortError(error), reason, hint };
  }

  /** Ends an attempt when its time is over, and when the lease is lost; prolongs the lease until then. */
  private guard(held: Held, timeoutMs: number): Guard {
    const { store, clock, leaseMs } = this.options;
    const controller = new AbortController();
    let lost = false;
    let stopBeat: () => void = () => {};
    const lose = (reason: string): void => {
      lost = true;
      controller.abort(new Error(reason));
    };
    const stopTimer = clock.after(timeoutMs, () => controller.abort(new Error(`not done within ${timeoutMs} ms`)));
    const beat = (): void => {
      stopBeat = clock.after(leaseMs / 3, () => {
        store.extend(held, leaseMs).then((kept) => {
          if (kept) return;
          lose('the lease was lost');
        }, () => undefined).finally(() => { if (!controller.signal.aborted) beat(); });
      });
    };
    beat();
    const cut = new Promise<never>((_, reject) => {
      controller.signal.addEventListener('abort', () => reject(controller.signal.reason as Error), { once: true });
    });
    cut.catch(() => undefined);
    const release = (): void => {
      stopTimer();
      stopBeat();
      if (!controller.signal.aborted) controller.abort(new Error('the attempt is over'));
    };
    return { signal: controller.signal, cut, lost: () => lost, cutOff: () => lose('the worker stops'), release };
  }
}

interface Guard {
  readonly signal: AbortSignal;
  readonly cut: Promise<never>;
  readonly lost: () => boolean;
  readonly cutOff: () => void;
  readonly release: () => void;
}

async function undoStep<Tx>(step: Step<Tx>, context: StepContext) {
  const record = await step.undo?.(context);
  return { outcome: 'next' as const, detail: { undone: true }, ...(record && { record }) };
}

function findingsOf<Tx>(result: AttemptResult<Tx>): Findings<Tx> {
  if (result.ended === 'with-error') return {};
  const { outcome } = result;
  return outcome.outcome === 'wait' || outcome.outcome === 'give-up' ? {} : outcome;
}

function contextOf<Tx>(
  definition: OperationDefinition<Tx>, held: Held, signal: AbortSignal, now: Date, report: StepContext['report'],
): StepContext {
  const { operation } = held;
  const allowedMs = stepPlans(definition).find(({ name }) => name === operation.step)?.deadlineMs ?? 0;
  return {
    operationId: operation.id,
    subjectId: operation.subjectId,
    input: definition.input.parse(operation.input),
    found: operation.found,
    token: held.token,
    attempt: operation.attempt,
    sinceMs: now.getTime() - (operation.stepDeadlineAt.getTime() - allowedMs),
    signal,
    trace: { operationId: operation.id, ...(operation.requestId && { requestId: operation.requestId }) },
    failure: operation.error,
    sealed: operation.sealed,
    report,
  };
}

function traceOf({ operation }: Held): Record<string, unknown> {
  return { operationId: operation.id, kind: operation.kind, subjectId: operation.subjectId, requestId: operation.requestId };
}
