import { createConnection } from 'node:net';

import type { Sight } from '../../../ports.js';

/**
 * Asks for an encryption that is not used: any answer at all proves that a process was born for a new client, which the
 * kernel's own acceptance of a connection does not. PostgreSQL logs nothing of a client that then goes away.
 */
const GSSENC_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 48]);

/** Sees whether a server takes new clients, without a handshake. */
export function knock(address: string, port: number, withinMs: number): Promise<Sight> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: address, port });
    const timer = setTimeout(() => end('silent'), Math.max(1, withinMs));
    const end = (sight: Sight): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(sight);
    };
    socket.once('connect', () => socket.write(GSSENC_REQUEST));
    socket.once('data', () => end('answers'));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED' ? 'refused' : 'silent'));
    // Closed without a word: somebody was there to close it, one that is at its limit for example.
    socket.once('end', () => end('answers'));
  });
}
