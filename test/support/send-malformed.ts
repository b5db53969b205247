import { Agent, request as sendRequest } from 'node:http';
import type { OpenAPIObject } from '@nestjs/swagger';
import fc from 'fast-check';
import pLimit from 'p-limit';
import { type MalformedRequest, malformedRequests } from './malformed-requests.js';
import { eventually } from './servers.js';
import { startTestApi, type TestApi, type TestApiOptions } from './test-api.js';

/** How many requests, and from which seed; the same seed makes the same requests of the same document. */
export interface Onslaught {
  readonly requests: number;
  readonly seed: number;
}

/** What they were answered with. */
export interface OnslaughtReport {
  readonly statuses: ReadonlyMap<number, number>;
  /** Answers that are faults of ours, or that did not come, with their requests. */
  readonly faults: readonly string[];
  /** What went wrong behind the answers. */
  readonly failedOperations: readonly unknown[];
  readonly isReady: boolean;
}

const AT_ONCE = 16;
const WITHIN_MS = 30_000;
/** What would do what it says, and leave nothing for those that follow. */
const DANGEROUS = new Set(['drainHost', 'loseHost', 'evacuateDataCenter', 'loseDataCenter', 'revokeApiKey', 'deleteDatabase']);

/** Sends malformed requests of every route, as every kind of actor, to an API with a worker. */
export async function sendMalformed({ requests, seed }: Onslaught, options: TestApiOptions = {}): Promise<OnslaughtReport> {
  const api = await startTestApi({ ...options, settings: { FREEHOLD_REQUESTS_PER_SECOND: '1000000' } });
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  try {
    const { keys, known } = await prepare(api);
    const document = (await api.get('/openapi.json', { key: null })).body as OpenAPIObject;
    const drawn = fc.sample(malformedRequests(document, { actors: Object.keys(keys), known, dangerous: DANGEROUS }), { seed, numRuns: requests });
    const limit = pLimit(AT_ONCE);
    const statuses = new Map<number, number>();
    const faults = await Promise.all(drawn.map((request) => limit(async () => {
      const answer = await send(api, agent, request, keys[request.actor] ?? null).catch((error: unknown) => ({ status: 599, text: String(error) }));
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      return answer.status < 500 || saysNotReady(request, answer) ? [] : [`${answer.status} ${JSON.stringify({ ...request, body: request.body?.toString() }).slice(0, 600)} ${answer.text.slice(0, 300)}`];
    })));
    return {
      statuses, faults: faults.flat(), failedOperations: await api.query(`SELECT kind, error FROM operations WHERE state = 'failed'`),
      isReady: await eventually(async () => (await api.get('/readyz', { key: null })).status === 200),
    };
  } finally {
    agent.destroy();
    await api.close();
  }
}

async function prepare(api: TestApi): Promise<{ keys: Readonly<Record<string, string | null>>; known: string[] }> {
  const [owner, stranger] = [await api.customer(), await api.customer()];
  const database = await api.database(owner.id, 'shop');
  await api.post(`/v1/databases/${database.id}/roles`, { name: 'reader', access: 'readOnly' });
  return {
    keys: { nobody: null, owner: owner.key, stranger: stranger.key, signup: api.signupKey, operator: api.operatorKey, wrong: 'fh_customer_wrong' },
    known: [owner.id, stranger.id, database.id, database.operationId, 'europe', 'reader', 'key_signup'],
  };
}

/** On a machine that is busy Redis may not answer in time for a moment, which that route is there to say. */
const saysNotReady = ({ operationId }: MalformedRequest, { status }: { readonly status: number }): boolean => operationId === 'getReadiness' && status === 503;

/** Sends it as it is: `fetch` would mend much of it. */
function send({ url }: TestApi, agent: Agent, { method, path, headers, body }: MalformedRequest, key: string | null): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sending = sendRequest(url + path, {
      method, agent, signal: AbortSignal.timeout(WITHIN_MS),
      headers: { ...headers, ...(key && { authorization: `Bearer ${key}` }), ...(body !== undefined && { 'content-type': 'application/json', 'content-length': String(Buffer.from(body).length) }) },
    }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => { text += chunk; });
      response.once('end', () => resolve({ status: response.statusCode!, text })).once('error', reject);
    });
    sending.once('error', reject).end(body);
  });
}
