import type { Operation } from '../../../clients/typescript/src/client.js';
import { CliError } from '../cli-error.js';
import { note } from '../output.js';
import type { Session } from './session.js';
import { describeEnd, StepPrinter } from './show-steps.js';

/**
 * Follows an operation to its end with its steps on standard error.
 *
 * @throws CliError if it ends in any way but `succeeded`. Ctrl-C leaves the operation alone and only stops watching.
 */
export async function finishOperation({ api }: Session, id: string): Promise<Operation> {
  const watching = new AbortController();
  const stopWatching = (): void => watching.abort(new CliError(`${id} goes on; follow it with freehold operations follow ${id}`));
  process.once('SIGINT', stopWatching);
  const printer = new StepPrinter(note);
  try {
    const operation = await api.followOperation(id, { onChange: (news) => printer.show(news), signal: watching.signal });
    printer.show(operation);
    if (operation.state !== 'succeeded') throw new CliError(describeEnd(operation));
    note(describeEnd(operation));
    return operation;
  } finally {
    process.off('SIGINT', stopWatching);
  }
}
