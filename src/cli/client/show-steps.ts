import type { Operation, OperationStep } from '../../../clients/typescript/src/client.js';

const MARKS: Record<OperationStep['state'], string> = { pending: ' ', running: '…', succeeded: '✓', failed: '✗', skipped: '-' };

/** A wait is shown once it has lasted this long: most are over sooner. */
const LONG_WAIT_MS = 2_000;

/**
 * Prints each step of an operation when it begins to run and when it has ended, each tenth of a long one, and what it waits
 * for, each once.
 */
export class StepPrinter {
  private readonly printed = new Map<string, { readonly shown: string; readonly wait: string }>();

  constructor(private readonly write: (line: string) => void) {}

  show(operation: Operation): void {
    for (const step of operation.steps) {
      const before = this.printed.get(step.name);
      const shown = `${step.state} ${progressOf(step)}`;
      const wait = waitOf(step);
      if (step.state === 'pending' || (before?.shown === shown && (wait === '' || wait === before.wait))) continue;
      this.printed.set(step.name, { shown, wait });
      this.write(wait !== '' && before?.shown === shown ? `    waits: ${wait}` : describeStep(step));
    }
  }
}

/** What a running step has been waiting for, if that takes long. */
function waitOf({ state, startedAt, detail }: OperationStep): string {
  const waitingFor = (detail as { readonly waitingFor?: unknown } | null)?.waitingFor;
  const isLong = startedAt !== null && Date.now() - Date.parse(startedAt) > LONG_WAIT_MS;
  return state === 'running' && isLong && typeof waitingFor === 'string' ? waitingFor : '';
}

/** The tenth that a running step has reached; empty for a step that reports no progress. */
function progressOf({ state, detail }: OperationStep): string {
  const progress = (detail as { readonly progress?: { readonly percent?: unknown } } | null)?.progress;
  return state === 'running' && typeof progress?.percent === 'number' ? `${Math.floor(progress.percent / 10) * 10} %` : '';
}

function describeStep(step: OperationStep): string {
  const parts = [`  ${MARKS[step.state]} ${step.name}`];
  if (step.startedAt && step.finishedAt) parts.push(`${((Date.parse(step.finishedAt) - Date.parse(step.startedAt)) / 1000).toFixed(2)} s`);
  const progress = progressOf(step);
  const findings = progress === '' ? describeDetail(step.detail) : progress;
  if (findings !== '') parts.push(findings);
  return parts.join('  ');
}

/** What a step found, in one line: plain values as they are, and of anything deeper its JSON. */
function describeDetail(detail: unknown): string {
  if (typeof detail !== 'object' || detail === null) return '';
  const show = (value: unknown): string => (typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value));
  return Object.entries(detail)
    .map(
      ([name, value]) =>
        `${name} ${Array.isArray(value) && value.every((item) => typeof item !== 'object') ? value.join(', ') || 'none' : show(value)}`,
    )
    .join('; ');
}

/** Seconds from a request to the end of one of its steps; undefined if it did not end. */
export function secondsUntil(operation: Operation, stepName: string): number | undefined {
  const finishedAt = operation.steps.find((step) => step.name === stepName && step.state === 'succeeded')?.finishedAt;
  return finishedAt ? (Date.parse(finishedAt) - Date.parse(operation.createdAt)) / 1000 : undefined;
}

/** Seconds that each step of an operation took. */
export function stepSeconds(
  { steps }: { readonly steps: readonly Pick<OperationStep, 'name' | 'startedAt' | 'finishedAt'>[] },
): Record<string, number> {
  return Object.fromEntries(steps.flatMap(({ name, startedAt, finishedAt }) =>
    (startedAt && finishedAt ? [[name, (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000]] : [])));
}

/** One line on how an operation stands or ended, and why if it failed. */
export function describeEnd({ kind, id, state, error }: Operation): string {
  const reason = error && ` at "${error.step}": ${error.reason}${error.hint === undefined ? '' : `; ${error.hint}`}`;
  return `${kind} ${id} ${state}${reason ?? ''}`;
}
