import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

import { CliError } from '../cli/cli-error.js';
import { readText, writeWhole } from '../engine/local/machine/files.js';
import type { ControlDirectory } from './control-directory.js';

/** The ports of a control plane; drawn once, and the same from then on. */
export interface ControlPorts {
  readonly api: number;
  readonly metadata: number;
  readonly redis: number;
}

export const LOOPBACK = '127.0.0.1';
const DEFAULT_API_PORT = 8080;
/** Below the range from which Linux takes the ports of outgoing connections. */
const FIRST_DRAWN = 10_000;
const LAST_DRAWN = 32_000;

/**
 * The fleet's ports: the API's as asked for, else as last time; the others as they were drawn at first.
 *
 * @throws CliError that names the first one that another program listens on.
 */
export async function openPorts(directory: ControlDirectory, askedApi: number | undefined, bind: string): Promise<ControlPorts> {
  const kept = await readPorts(directory);
  const api = askedApi ?? kept?.api ?? DEFAULT_API_PORT;
  if (!(await isFree(bind, api))) throw new CliError(`port ${api} on ${bind} is in use by another program: choose another with --port`);
  const metadata = kept?.metadata ?? (await drawFreePort([api]));
  const redis = kept?.redis ?? (await drawFreePort([api, metadata]));
  const ports = { api, metadata, redis };
  for (const name of ['metadata', 'redis'] as const) {
    if (!(await isFree(LOOPBACK, ports[name]))) {
      throw new CliError(
        `port ${ports[name]}, which ${name} of this fleet has kept, is in use by another program: end that, or change ${directory.ports}`,
      );
    }
  }
  if (JSON.stringify(kept) !== JSON.stringify(ports)) {
    await writeWhole({ path: directory.ports, content: `${JSON.stringify(ports)}\n`, mode: 0o600 });
  }
  return ports;
}

export async function readPorts(directory: ControlDirectory): Promise<ControlPorts | undefined> {
  const text = await readText(directory.ports);
  return text === undefined ? undefined : (JSON.parse(text) as ControlPorts);
}

async function drawFreePort(taken: readonly number[]): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST_DRAWN, LAST_DRAWN);
    if (!taken.includes(port) && (await isFree(LOOPBACK, port))) return port;
  }
}

/** @throws CliError if this machine has no such address, or the port needs rights that this process lacks. */
function isFree(address: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else {
        reject(
          new CliError(`cannot listen on ${address} port ${port} (${error.code ?? error.message}): choose others with --bind and --port`),
        );
      }
    });
    server.listen({ host: address, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
