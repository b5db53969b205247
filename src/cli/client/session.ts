import type { Command } from 'commander';

import { type ClientOptions, FreeholdClient } from '../../../clients/typescript/src/client.js';
import { readCliSettings } from '../../config/settings.js';
import { CliError, EXIT } from '../cli-error.js';

/** What the options that all clients of the API share have come to. */
export interface Session {
  readonly api: FreeholdClient;
  readonly asJson: boolean;
}

/** What takes longer than usual, in milliseconds. */
type Limits = Pick<ClientOptions, 'timeoutMs'>;

interface SharedOptions {
  readonly url?: string;
  readonly apiKey?: string;
  readonly json?: boolean;
}

/** Adds the options that all clients of the API share. */
export function withApi(command: Command): Command {
  return command
    .option('--url <url>', 'address of the API (FREEHOLD_URL)')
    .option('--api-key <key>', 'credential (FREEHOLD_API_KEY); an option can be seen by other users of this machine')
    .option('--json', 'print JSON for programs');
}

/** @throws CliError if it is not said which API to talk to. */
export function openSession(command: Command, limits: Limits = {}): Session {
  const options = command.optsWithGlobals<SharedOptions>();
  const settings = readCliSettings();
  const url = options.url ?? settings.FREEHOLD_URL;
  if (url === undefined) throw new CliError('which API? give its address with --url or FREEHOLD_URL', EXIT.usage);
  if (!/^https?:\/\//.test(url)) {
    throw new CliError('--url is not an address of an API: it must begin with http:// or https://', EXIT.usage);
  }
  return { api: connect(url, options.apiKey ?? settings.FREEHOLD_API_KEY, limits), asJson: options.json === true };
}

/** Somebody waits at a terminal: what cannot be reached, or wants a long pause, is reported soon. */
const PATIENCE = { attempts: 3, longestPauseMs: 5_000 };

/** Speaks to an API with one credential. */
export function connect(url: string, apiKey: string | undefined, limits: Limits = {}): FreeholdClient {
  return new FreeholdClient({ url, ...PATIENCE, ...limits, ...(apiKey !== undefined && { apiKey }) });
}

/** All items of a list, for those who need them at once. */
export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const collected: Item[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}
