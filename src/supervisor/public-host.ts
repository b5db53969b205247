import { lookup } from 'node:dns/promises';

import { reasonOf } from '../base/reason-of.js';
import { CliError, EXIT } from '../cli/cli-error.js';

/** A name below a wildcard, which stands for those of databases. */
const SAMPLE = 'freehold';

/**
 * Clients would look for their databases in vain under a name that nobody can resolve.
 *
 * @throws CliError that says what to do
 */
export async function requireResolvable(publicHost: string): Promise<void> {
  const name = publicHost.replace(/^\*\./, `${SAMPLE}.`);
  try {
    await lookup(name);
  } catch (error) {
    const aim =
      publicHost === name ? 'a record that leads to this machine' : `a wildcard record that leads to this machine, as for ${name}`;
    throw new CliError(
      `the public host "${publicHost}" does not resolve (${reasonOf(error)}): give it ${aim}, or start with another --public-host`,
      EXIT.usage,
    );
  }
}
