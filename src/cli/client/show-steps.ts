import type { Operation, OperationStep } from '../api-types.js';

const MARKS: Record<OperationStep['state'], string> = { pending: ' ', running: '…', succeeded: '✓', failed: '✗', skipped: '-' };

/** Prints each step of an operation when it begins to run and when it has ended, each once. */
export class StepPrinter {
  private readonly printed = new Map<string, OperationStep['state']>();

  constructor(private readonly write: (line: string) => void) {}

  show(operation: Operation): void {
    for (const step of operation.steps) {
      if (step.state === 'pending' || this.printed.get(step.name) === step.state) continue;
      this.printed.set(step.name, step.state);
      this.write(describeStep(step));
    }
  }
}

function describeStep(step: OperationStep): string {
  const parts = [`  ${MARKS[step.state]} ${step.name}`];
  if (step.startedAt && step.finishedAt) parts.push(`${((Date.parse(step.finishedAt) - Date.parse(step.startedAt)) / 1000).toFixed(2)} s`);
  return parts.join('  ');
}

/** One line on how an operation ended. */
export function describeEnd(operation: Operation): string {
  const error = operation.error as { message?: string; detail?: string; hint?: string } | string | null | undefined;
  const reason = typeof error === 'string' ? error : [error?.message ?? error?.detail, error?.hint].filter(Boolean).join('; ');
  return `${operation.kind} ${operation.id} ${operation.state}${reason ? `: ${reason}` : ''}`;
}
