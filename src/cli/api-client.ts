import { randomUUID } from 'node:crypto';

import type { Page, Problem } from './api-types.js';
import { CliError } from './cli-error.js';
import { callWithDeadline, openStream } from './http.js';

/** An answer of the API that is a problem; its message is the problem in one line. */
export class ProblemError extends CliError {
  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    super(describeProblem(status, problem));
  }
}

export interface CallOptions {
  readonly query?: Record<string, string | undefined>;
  readonly body?: unknown;
  /** Makes a repeated POST answer what the first one did; a new one is drawn if it is left out. */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

const ANSWER_WITHIN_MS = 30_000;
const PAGE = '100';

/** Speaks to the API with one credential. */
export class ApiClient {
  constructor(
    private readonly url: string,
    private readonly apiKey: string | undefined,
  ) {}

  /** @throws ProblemError for an answer that is one, CliError if there is no answer. */
  async call<T>(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, options: CallOptions = {}): Promise<T> {
    const init = {
      method,
      headers: {
        ...this.headers(),
        ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(method === 'POST' ? { 'idempotency-key': options.idempotencyKey ?? randomUUID() } : {}),
      },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      ...(options.signal ? { signal: options.signal } : {}),
    };
    const response = await this.reach(() => callWithDeadline(this.address(path, options.query), ANSWER_WITHIN_MS, init));
    const text = await this.reach(() => response.text());
    if (!response.ok) throw new ProblemError(response.status, parse(text) as Problem);
    return parse(text) as T;
  }

  /** All items of a list, page by page. */
  async list<T>(path: string, query: Record<string, string | undefined> = {}): Promise<T[]> {
    const items: T[] = [];
    let cursor: string | null | undefined;
    do {
      const page: Page<T> = await this.call('GET', path, { query: { limit: PAGE, ...query, ...(cursor ? { cursor } : {}) } });
      items.push(...page.data);
      cursor = page.nextCursor;
    } while (cursor);
    return items;
  }

  /** Opens a stream of server-sent events. */
  async stream(path: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const headers = { ...this.headers(), accept: 'text/event-stream' };
    const response = await this.reach(() => openStream(this.address(path), ANSWER_WITHIN_MS, { headers, signal }));
    if (!response.ok) throw new ProblemError(response.status, parse(await response.text()) as Problem);
    if (!response.body) throw new CliError(`${this.url} answered without a body`);
    return response.body;
  }

  private headers(): Record<string, string> {
    return { accept: 'application/json', ...(this.apiKey === undefined ? {} : { authorization: `Bearer ${this.apiKey}` }) };
  }

  private address(path: string, query: Record<string, string | undefined> = {}): string {
    const url = new URL(`${this.url.replace(/\/$/, '')}${path}`);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
    return url.href;
  }

  private async reach<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
      throw new CliError(`${this.url} cannot be reached (${reason}): is the fleet up, and is the address right? set it with --url or FREEHOLD_URL`);
    }
  }
}

function describeProblem(status: number, problem: Problem): string {
  const title = problem.title ?? `the API answered ${status}`;
  const fields = (problem.errors ?? []).map((fault) => `${fault.field} ${fault.message}`);
  // Where fields are named, the detail only repeats the title.
  const detail = fields.length > 0 ? fields.join('; ') : (problem.detail ?? '');
  const hint = status === 401 ? ' (give a key with --api-key or FREEHOLD_API_KEY)' : '';
  return `${detail === '' ? title : `${title}: ${detail}`}${hint}`.replace(/\s*\n\s*/g, ' ');
}

function parse(text: string): unknown {
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch {
    return { detail: text.slice(0, 200) };
  }
}
