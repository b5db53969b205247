import { Command } from 'commander';

import { type Database, type Operation, ProblemError } from '../../../clients/typescript/src/client.js';
import { CliError } from '../cli-error.js';
import { minutesToEnd, withTransactions } from './end-transactions.js';
import { print, printJson } from '../output.js';
import { findDatabase } from './find-database.js';
import { finishOperation } from './finish-operation.js';
import { openSession, withApi, type Session } from './session.js';
import { secondsUntil } from './show-steps.js';

interface SwitchoverOptions {
  readonly wait: boolean;
  readonly endTransactionsAfter?: string;
}

interface FailoverOptions {
  readonly acceptDataLoss?: boolean;
  readonly wait: boolean;
}

/** `freehold switchover` and `freehold failover` */
export function promotionCommands(): Command[] {
  const switchover = withTransactions(
    withApi(
      new Command('switchover')
        .description('make a standby the primary, as planned; nothing is lost')
        .argument('<database>', 'its id, or its name'),
    ),
  )
    .option('--no-wait', 'return as soon as the request is accepted')
    .action(async (database: string, { wait, endTransactionsAfter }: SwitchoverOptions, command: Command) => {
      const body = minutesToEnd(endTransactionsAfter);
      const session = openSession(command);
      const before = await findDatabase(session.api, database);
      await promote(
        session,
        before,
        wait,
        await session.api.call('post', '/v1/databases/{id}/switchover', { path: { id: before.id }, ...(body && { body }) }),
      );
    });
  const failover = withApi(
    new Command('failover')
      .description('make a standby the primary, whatever the primary does')
      .argument('<database>', 'its id, or its name'),
  )
    .option('--accept-data-loss', 'promote a standby that is not in sync: what it has not received is lost')
    .option('--no-wait', 'return as soon as the request is accepted')
    .action(async (database: string, { wait, acceptDataLoss = false }: FailoverOptions, command: Command) => {
      const session = openSession(command);
      const before = await findDatabase(session.api, database);
      const accepted = await session.api.call('post', '/v1/databases/{id}/failover', { path: { id: before.id }, body: { acceptDataLoss } })
        .catch((error: unknown) => explainRisk(session, before, error));
      await promote(session, before, wait, accepted);
    });
  return [switchover, failover];
}

/** Without a standby in sync, says what would be lost and how to go on all the same. */
export function explainRisk({ asJson }: Pick<Session, 'asJson'>, { id }: Pick<Database, 'id'>, error: unknown): never {
  const isRisk = error instanceof ProblemError && error.status === 409 && error.problem.bytesAtRisk !== undefined;
  if (!isRisk) throw error;
  if (asJson) printJson(error.problem);
  const { bytesAtRisk } = error.problem;
  const loss =
    typeof bytesAtRisk === 'number'
      ? `${bytesAtRisk} bytes of WAL may be lost`
      : 'nobody can tell how much may be lost, because the primary does not answer';
  throw new CliError(
    `no standby of ${id} is in sync: ${loss}; wait until it is available, or go on all the same with freehold failover ${id} `
      + '--accept-data-loss',
  );
}

async function promote(session: Session, before: Database, wait: boolean, accepted: { readonly operation: Operation }): Promise<void> {
  const { api, asJson } = session;
  if (!wait) {
    if (asJson) printJson(accepted);
    else print(`${accepted.operation.kind} of ${before.id} goes on as ${accepted.operation.id}`);
    return;
  }
  const operation = await finishOperation(session, accepted.operation.id);
  const database = await api.getDatabase(before.id);
  if (asJson) printJson({ operation, database });
  else print(describePromotion(before, database, operation));
}

/** The outcome of a promotion, and how long it took. */
export function describePromotion(before: Database, after: Database, operation: Operation): string {
  if (after.epoch === before.epoch) return `${after.id} has the same primary as before, at epoch ${after.epoch}`;
  const writable = secondsUntil(operation, 'route');
  const redundant = operation.finishedAt === null ? undefined : (Date.parse(operation.finishedAt) - Date.parse(operation.createdAt)) / 1000;
  return [
    `${after.id}: ${primaryHost(before)} → ${primaryHost(after)}, epoch ${before.epoch} → ${after.epoch}`,
    ...(writable === undefined ? [] : [`writable again ${writable.toFixed(2)} s after the request`]),
    ...(redundant === undefined
      ? []
      : [`${after.inSync ? 'redundant again' : 'over, not redundant yet,'} after ${redundant.toFixed(2)} s`]),
  ].join('\n');
}

function primaryHost({ instances }: Database): string {
  const primary = instances.find(({ role }) => role === 'primary');
  return primary ? `${primary.host} (${primary.dataCenter})` : 'nobody';
}
