import { randomInt } from 'node:crypto';
import { Agent, request as sendRequest } from 'node:http';
import type { OpenAPIObject } from '@nestjs/swagger';
import fc from 'fast-check';
import pLimit from 'p-limit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MalformedRequest, malformedRequests } from '../support/malformed-requests.js';
import { startTestApi, type TestApi } from '../support/test-api.js';

/** `FUZZ_REQUESTS=10000 FUZZ_SEED=7 npx vitest run test/integration/malformed-requests.test.ts` sends more of them, or the same again. */
const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? 2_000);
const SEED = Number(process.env.FUZZ_SEED ?? randomInt(2 ** 31));
const AT_ONCE = 16;
const WITHIN_MS = 30_000;

let api: TestApi;
let keys: Readonly<Record<string, string | null>>;
let known: string[];
const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });

beforeAll(async () => {
  api = await startTestApi({ settings: { FREEHOLD_REQUESTS_PER_SECOND: '1000000' } });
  const [owner, stranger] = [await api.customer(), await api.customer()];
  const database = await api.database(owner.id, 'shop');
  await api.post(`/v1/databases/${database.id}/roles`, { name: 'reader', access: 'readOnly' });
  keys = { nobody: null, owner: owner.key, stranger: stranger.key, signup: api.signupKey, operator: api.operatorKey, wrong: 'fh_customer_wrong' };
  known = [owner.id, stranger.id, database.id, database.operationId, 'europe', 'reader', 'key_signup'];
});
afterAll(async () => {
  agent.destroy();
  await api?.close();
});

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Sends it as it is: `fetch` would mend much of it. */
function send({ method, path, actor, headers, body }: MalformedRequest): Promise<Answer> {
  const key = keys[actor];
  return new Promise((resolve, reject) => {
    const sending = sendRequest(api.url + path, {
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

describe('malformed requests', () => {
  it(`are answered without a fault of ours: ${REQUESTS} of them`, { timeout: 600_000 }, async () => {
    const document = (await api.get('/openapi.json', { key: null })).body as OpenAPIObject;
    const dangerous = new Set(['drainHost', 'loseHost', 'evacuateDataCenter', 'loseDataCenter', 'revokeApiKey', 'deleteDatabase']);
    const requests = fc.sample(malformedRequests(document, { actors: Object.keys(keys), known, dangerous }), { seed: SEED, numRuns: REQUESTS });
    const limit = pLimit(AT_ONCE);
    const statuses = new Map<number, number>();
    const faults = await Promise.all(requests.map((request) => limit(async () => {
      const answer = await send(request).catch((error: unknown) => ({ status: 599, text: String(error) }));
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      return answer.status < 500 ? [] : [`${answer.status} ${JSON.stringify({ ...request, body: request.body?.toString() }).slice(0, 600)} ${answer.text.slice(0, 300)}`];
    })));
    expect(faults.flat(), `seed ${SEED}`).toEqual([]);
    // They get past the door, too.
    for (const status of [200, 400, 401, 403, 404]) expect(statuses.get(status) ?? 0, `${status} of ${JSON.stringify([...statuses])}`).toBeGreaterThan(REQUESTS / 400);
    expect((await api.get('/readyz', { key: null })).status).toBe(200);
    expect(await api.query(`SELECT kind FROM operations WHERE state = 'failed'`)).toEqual([]);
  });
});
