import { CliError } from '../cli/cli-error.js';
import { lookUpAccount } from '../engine/local/machine/accounts.js';
import type { Account } from '../engine/local/machine/files.js';

/**
 * The first of the named accounts that this machine has, to run a server as; undefined where this process is not root
 * and so runs everything as itself. PostgreSQL refuses to run as root, and Redis need not.
 *
 * @throws CliError if the machine has none of them.
 */
export async function findAccount(names: readonly string[]): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = await Promise.all(names.map(lookUpAccount));
  const found = accounts.find((account) => account !== undefined);
  if (!found) {
    throw new CliError(`this machine has no account ${names.join(' or ')}: make one, such as with useradd --system ${names[0] ?? ''}`);
  }
  return found;
}
