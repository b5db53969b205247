import { createHash, type Hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';
import { eitherOf } from '../../base/signals.js';
import { DumpGivenUpError } from '../sets/backup-errors.js';
import { type DownloadLimits, judgeDownload } from './judge-download.js';

/** The trailer that ends a whole dump (RFC 9530): `sha-256=:` and the digest in base64 and `:`. */
const DIGEST_TRAILER = 'Repr-Digest';

/**
 * Streams a dump as a file to save, and its digest at the end. What fails once it has begun destroys the response: its client
 * sees a connection that was cut, and no end.
 *
 * @param begin answers once the first bytes are there; the signal aborts when the client goes away
 * @throws DumpGivenUpError for a client that is slower than the limits
 */
export async function sendDump(
  response: Response, name: string, limits: DownloadLimits, begin: (gone: AbortSignal) => Promise<Readable>,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const stream = await begin(gone.signal);
  setDumpHeaders(response, name);
  // Neither an answer by HTTP/1.0 nor one without a body has trailers.
  const digest = response.req.httpVersion === '1.0' || response.req.method === 'HEAD' ? undefined : createHash('sha256');
  if (digest) response.setHeader('Trailer', DIGEST_TRAILER);
  response.flushHeaders();
  const meter = new DownloadMeter(limits);
  try {
    const signal = eitherOf(meter.signal, gone.signal);
    await pipeline(stream, (chunks: AsyncIterable<Buffer>) => hashed(meter.count(chunks), response, digest), response, { signal });
  } catch (error) {
    meter.signal.throwIfAborted();
    if (!gone.signal.aborted) throw error;
  } finally {
    meter.stop();
  }
}

async function* hashed(chunks: AsyncIterable<Buffer>, response: Response, digest: Hash | undefined): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    digest?.update(chunk);
    yield chunk;
  }
  if (digest) response.addTrailers({ [DIGEST_TRAILER]: `sha-256=:${digest.digest('base64')}:` });
}

/** Sees how fast a client takes what it is sent, and gives up one that hardly does. */
class DownloadMeter {
  private readonly began = performance.now();
  private readonly givenUp = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private stretchFrom = this.began;
  private blockedMs = 0;
  private blockedFrom: number | undefined;
  private bytes = 0;

  constructor(private readonly limits: DownloadLimits) {
    this.timer = setInterval(() => this.judge(), Math.min(limits.stallMs, limits.totalMs));
  }

  /** Aborted, with the reason, when the download has to end. */
  get signal(): AbortSignal {
    return this.givenUp.signal;
  }

  async *count(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      this.blockedFrom = performance.now();
      yield chunk;
      this.unblock(performance.now());
      this.bytes += chunk.length;
    }
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private judge(): void {
    const now = performance.now();
    const isBlocked = this.blockedFrom !== undefined;
    this.unblock(now);
    const why = judgeDownload(
      { elapsedMs: now - this.began, stretchMs: now - this.stretchFrom, blockedMs: this.blockedMs, bytes: this.bytes }, this.limits,
    );
    if (why !== undefined) this.givenUp.abort(new DumpGivenUpError(why));
    this.stretchFrom = now;
    this.blockedMs = 0;
    this.bytes = 0;
    if (isBlocked) this.blockedFrom = now;
  }

  private unblock(now: number): void {
    if (this.blockedFrom === undefined) return;
    this.blockedMs += now - this.blockedFrom;
    this.blockedFrom = undefined;
  }
}

export function setDumpHeaders(response: Response, name: string): void {
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '');
  response.status(200).type('application/octet-stream').setHeader(
    'Content-Disposition', `attachment; filename="${name.replaceAll(/[^\w-]/g, '_')}-${stamp}Z.dump"`,
  );
}
