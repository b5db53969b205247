import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

import { EngineError } from '../../errors.js';
import { AFTER_GATEWAYS } from './gateway-ports.js';

/** Below the range from which Linux takes the ports of outgoing connections (32768 and up by default). */
const FIRST_PORT = AFTER_GATEWAYS;
const LAST_PORT = 32_000;
const DRAWS = 200;

/** Whether a server could listen there now. */
export function isFree(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: address, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/**
 * Draws a port on which nothing listens at the address; at random, so that two who draw at once seldom meet.
 *
 * @param taken Ports that are given away though nothing listens on them now.
 */
export async function drawFreePort(address: string, taken: ReadonlySet<number> = new Set()): Promise<number> {
  for (let draw = 0; draw < DRAWS; draw += 1) {
    const port = randomInt(FIRST_PORT, LAST_PORT);
    if (!taken.has(port) && (await isFree(address, port))) return port;
  }
  throw new EngineError('transient', `no free port was found on ${address}`, 'see what listens on that address');
}
