import type { Command } from 'commander';

import { CliError, EXIT } from '../cli-error.js';

/** The option of commands that may have to wait for customers' transactions. */
export function withTransactions(command: Command): Command {
  return command.option(
    '--end-transactions-after <minutes>',
    'end transactions that are still in the way after so many minutes; without it they are waited for',
  );
}

/** What the API is told of it; undefined if nothing was said. */
export function minutesToEnd(minutes: string | undefined): { readonly endTransactionsAfterMinutes: number } | undefined {
  if (minutes === undefined) return undefined;
  if (!/^\d{1,4}$/.test(minutes)) {
    throw new CliError(`--end-transactions-after takes a number of minutes, and not "${minutes}"`, EXIT.usage);
  }
  return { endTransactionsAfterMinutes: Number(minutes) };
}
