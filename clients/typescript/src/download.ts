import { createHash } from 'node:crypto';
import { request as requestPlain, type IncomingMessage } from 'node:http';
import { request as requestSecure } from 'node:https';

import { toProblemError, UnreachableError } from './problem-error.js';

/** A file that is being downloaded. */
export interface Download {
  /** Read once. It ends cleanly only if all of it came, with the digest that the server gave it, if that arrived. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Of what was read: whole once `chunks` has ended. */
  digest(): DownloadDigest;
}

export interface DownloadDigest {
  /** Hexadecimal. */
  readonly sha256: string;
  /** Whether the server's own digest was the same; false where it did not arrive, since what stands in between dropped it. */
  readonly confirmed: boolean;
}

/** A trailer by RFC 9530; `fetch` shows none. */
const DIGEST_TRAILER = 'repr-digest';

/** A server that sends nothing for so long has gone without a word. */
const SILENT_MS = 600_000;

/**
 * Opens a file that ends with its digest.
 *
 * @param timeoutMs holds for the answer's head only
 * @throws ProblemError, UnreachableError
 */
export async function openDownload(
  url: URL, headers: Readonly<Record<string, string>>, timeoutMs: number, signal?: AbortSignal,
): Promise<Download> {
  const response = await openResponse(url, headers, timeoutMs, signal);
  if (response.statusCode !== 200) throw await problemOf(response);
  const hash = createHash('sha256');
  let confirmed = false;
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      hash.update(chunk);
      yield chunk;
    }
    const told = /sha-256=:([A-Za-z0-9+/=]+):/.exec(response.trailers[DIGEST_TRAILER] ?? '')?.[1];
    confirmed = told !== undefined && told === hash.copy().digest('base64');
    if (told !== undefined && !confirmed) throw new Error('what arrived is not what was sent: its digest is another one');
  };
  return { chunks: chunks(), digest: () => ({ sha256: hash.copy().digest('hex'), confirmed }) };
}

function openResponse(
  url: URL, headers: Readonly<Record<string, string>>, timeoutMs: number, signal?: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? requestSecure : requestPlain)(url, { headers, ...(signal && { signal }) });
    const timer = setTimeout(() => request.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    request.once('error', (cause) => {
      clearTimeout(timer);
      reject(new UnreachableError(url.origin, { cause }));
    });
    request.once('response', (response) => {
      clearTimeout(timer);
      response.setTimeout(SILENT_MS, () => response.destroy(new Error(`nothing came for ${SILENT_MS / 1_000} s`)));
      resolve(response);
    });
    request.end();
  });
}

async function problemOf(response: IncomingMessage): Promise<Error> {
  const body = Buffer.concat(await (response as AsyncIterable<Buffer> & { toArray(): Promise<Buffer[]> }).toArray());
  const headers = Object.entries(response.headers).flatMap(([name, value]): [string, string][] =>
    typeof value === 'string' ? [[name, value]] : [],
  );
  return toProblemError(new Response(body, { status: response.statusCode ?? 500, headers }));
}
