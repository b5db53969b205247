import { readFileSync } from 'node:fs';

import { CliError } from '../cli/cli-error.js';

/** A Unix account to run a server as. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/**
 * The first of the named accounts that this machine has, to run a server as; undefined where this process is not root
 * and so runs everything as itself. PostgreSQL refuses to run as root, and Redis need not.
 *
 * @throws CliError if the machine has none of them.
 */
export function findAccount(names: readonly string[]): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync('/etc/passwd', 'utf8').split('\n').map((line) => line.split(':'));
  const found = names.map((name) => accounts.find((account) => account[0] === name)).find((account) => account !== undefined);
  if (!found) throw new CliError(`this machine has no account ${names.join(' or ')}: make one, such as with useradd --system ${names[0] ?? ''}`);
  return { uid: Number(found[2]), gid: Number(found[3]) };
}
