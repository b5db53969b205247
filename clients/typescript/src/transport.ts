import { randomUUID } from 'node:crypto';
import { abortWith } from './abort-with.js';
import { type Download, openDownload } from './download.js';
import { pause } from './pause.js';
import { ProblemError, toProblemError, UnreachableError } from './problem-error.js';

/** How the API is reached. */
export interface TransportOptions {
  /** Such as `https://api.example.com`; without `/v1`. */
  readonly url: string;
  readonly apiKey?: string;
  /** How often a call is made in all when the API cannot be reached, or asks to come back later; 5 by default. */
  readonly attempts?: number;
  /** The longest pause before a call is made again, in milliseconds; a longer `Retry-After` is reported. 30,000 by default. */
  readonly longestPauseMs?: number;
  /** The time that one answer may take, in milliseconds; 30,000 by default. */
  readonly timeoutMs?: number;
}

export interface Request {
  readonly method: string;
  /** With its parameters, without the query. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>> | undefined;
  readonly body?: unknown;
  /** The same key makes a repeated POST answer what the first one did; a new one is drawn for each call if it is left out. */
  readonly idempotencyKey?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

type Attempt<Answer> =
  | { readonly answer: Answer }
  | { readonly error: Error; readonly mayBeRetried: boolean; readonly retryAfterMs: number | undefined };

const FIRST_PAUSE_MS = 200;
/** What has to be read before the first byte can be sent, such as the catalogs of a database with very many tables, takes its time. */
const FILE_BEGINS_WITHIN_MS = 300_000;
/** Answers that say "later": nothing was done, or the idempotency key finds what was. */
const LATER = new Set([429, 502, 503, 504]);

/** Sends requests so that each happens once, however often it has to be sent. */
export class Transport {
  private readonly attempts: number;
  private readonly longestPauseMs: number;
  private readonly timeoutMs: number;

  constructor(private readonly options: TransportOptions) {
    this.attempts = options.attempts ?? 5;
    this.longestPauseMs = options.longestPauseMs ?? 30_000;
    this.timeoutMs = options.timeoutMs ?? 30_000;
  }

  /** @throws ProblemError, UnreachableError */
  async json(request: Request): Promise<unknown> {
    const text = await this.send(request, (response) => response.text());
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  }

  /** @throws ProblemError, UnreachableError */
  text(request: Request): Promise<string> {
    return this.send(request, (response) => response.text());
  }

  /**
   * Opens a stream, once; the time limit holds for the answer's head only.
   *
   * @throws ProblemError, UnreachableError
   */
  async open(request: Request): Promise<ReadableStream<Uint8Array>> {
    const head = new AbortController();
    const timer = this.limit(head);
    try {
      const response = await this.fetch(request, undefined, head);
      if (!response.ok || !response.body) throw await toProblemError(response);
      return response.body;
    } catch (error) {
      if (error instanceof ProblemError) throw error;
      throw new UnreachableError(this.options.url, { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  private async send<Answer>(request: Request, read: (response: Response) => Promise<Answer>): Promise<Answer> {
    // Drawn once: every attempt is the same request.
    const key = request.method === 'POST' ? request.idempotencyKey ?? randomUUID() : undefined;
    for (let attempt = 1; ; attempt += 1) {
      const result = await this.tryOnce(request, key, read);
      if ('answer' in result) return result.answer;
      request.signal?.throwIfAborted();
      const pauseMs = result.retryAfterMs ?? FIRST_PAUSE_MS * 2 ** (attempt - 1);
      if (!result.mayBeRetried || attempt >= this.attempts || pauseMs > this.longestPauseMs) throw result.error;
      await pause(pauseMs, request.signal);
    }
  }

  private async tryOnce<Answer>(
    request: Request, key: string | undefined, read: (response: Response) => Promise<Answer>,
  ): Promise<Attempt<Answer>> {
    const whole = new AbortController();
    const timer = this.limit(whole);
    try {
      const response = await this.fetch(request, key, whole);
      if (response.ok) return { answer: await read(response) };
      const error = await toProblemError(response);
      const retryAfterMs = error.retryAfterSeconds === undefined ? undefined : error.retryAfterSeconds * 1_000;
      return { error, mayBeRetried: LATER.has(response.status), retryAfterMs };
    } catch (error) {
      return { error: new UnreachableError(this.options.url, { cause: error }), mayBeRetried: true, retryAfterMs: undefined };
    } finally {
      clearTimeout(timer);
      whole.abort();
    }
  }

  private limit(controller: AbortController): NodeJS.Timeout {
    return setTimeout(() => controller.abort(new Error(`no answer within ${this.timeoutMs} ms`)), this.timeoutMs);
  }

  /**
   * Opens a file that ends with its digest, once.
   *
   * @throws ProblemError, UnreachableError
   */
  download(request: Pick<Request, 'path' | 'query' | 'headers' | 'signal'>): Promise<Download> {
    const { url, headers } = this.addressed({ method: 'GET', ...request }, undefined);
    return openDownload(url, headers, Math.max(this.timeoutMs, FILE_BEGINS_WITHIN_MS), request.signal);
  }

  private addressed(
    { path, query = {}, body, headers }: Request, key: string | undefined,
  ): { readonly url: URL; readonly headers: Record<string, string> } {
    const url = new URL(this.options.url.replace(/\/+$/, '') + path);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value));
    return {
      url,
      headers: {
        accept: 'application/json',
        ...(this.options.apiKey !== undefined && { authorization: `Bearer ${this.options.apiKey}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(key !== undefined && { 'idempotency-key': key }),
        ...headers,
      },
    };
  }

  private fetch(request: Request, key: string | undefined, ends: AbortController): Promise<Response> {
    const { method, body, signal } = request;
    abortWith(ends, signal);
    const { url, headers } = this.addressed(request, key);
    // eslint-disable-next-line no-restricted-globals -- every call through here has a deadline
    return fetch(url, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: ends.signal,
    });
  }
}
