import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';

/**
 * Streams a dump as a file to save. What fails once it has begun destroys the response: its client sees a connection that was
 * cut, and no end.
 *
 * @param begin answers once the first bytes are there; the signal aborts when the client goes away
 */
export async function sendDump(response: Response, name: string, begin: (gone: AbortSignal) => Promise<Readable>): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const stream = await begin(gone.signal);
  setDumpHeaders(response, name);
  await pipeline(stream, response).catch((error: unknown) => {
    if (!gone.signal.aborted) throw error;
  });
}

export function setDumpHeaders(response: Response, name: string): void {
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '');
  response.status(200).type('application/octet-stream').setHeader('Content-Disposition', `attachment; filename="${name}-${stamp}Z.dump"`);
}
