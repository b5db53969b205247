import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderTypes, TYPES_FILE } from '../../clients/typescript/render-types.mjs';
import { FreeholdClient, OperationFailedError, type Operation, ProblemError, UnreachableError } from '../../clients/typescript/src/client.js';
import { freePort } from '../support/servers.js';
import { startTestApi, type TestApi } from '../support/test-api.js';

let api: TestApi;
const clientWith = (apiKey: string) => new FreeholdClient({ url: api.url, apiKey });

beforeAll(async () => { api = await startTestApi(); });
afterAll(() => api?.close());

describe('the types of the client', () => {
  it('are those of the API: `npm run generate:client` writes them anew', async () => {
    const { body } = await api.get('/openapi.json', { key: null });
    expect(readFileSync(TYPES_FILE, 'utf8')).toBe(await renderTypes(body));
  });
});

describe('a program that signs a customer up', () => {
  it('gets a database that can be used, and a key for the customer', async () => {
    const signup = clientWith(api.signupKey);
    const customer = await signup.createCustomer({ name: 'Ada Ltd', email: 'ada@example.com' });
    const { database, operation, credentials } = await signup.createDatabase({ customerId: customer.id, name: 'shop', region: 'europe', locale: 'de-x-icu', provider: 'icu' });
    expect(database).toMatchObject({ locale: 'de', provider: 'icu' });
    expect(credentials.uri).toContain(`${credentials.user}:${credentials.password}@`);
    const changes: Operation[] = [];
    const ended = await signup.finish(operation.id, { onChange: (change) => changes.push(change) });
    expect(ended).toMatchObject({ state: 'succeeded', databaseId: database.id });
    expect(changes[0]).toMatchObject({ state: 'pending' });
    expect(changes.at(-1)).toMatchObject({ state: 'succeeded' });
    expect(await signup.getDatabase(database.id)).toMatchObject({ state: 'available', name: 'shop' });
    expect(await signup.regionCertificate('europe')).toContain('BEGIN CERTIFICATE');

    const { key } = await clientWith(api.operatorKey).createApiKey(customer.id, { name: 'their own' });
    const own = clientWith(key);
    const fresh = await own.rotatePassword(database.id);
    expect(fresh.password).not.toBe(credentials.password);
    const deleted = await own.deleteDatabase(database.id, { withoutBackup: true });
    await own.finish(deleted.operation.id);
    expect(await own.getDatabase(database.id)).toMatchObject({ state: 'deleted' });
  });

  it('gets every item of a list, page by page', async () => {
    const operator = clientWith(api.operatorKey);
    for (let index = 0; index < 5; index += 1) await operator.createCustomer({ name: `Customer ${index}`, email: 'a@example.com' });
    const names: string[] = [];
    for await (const { name } of operator.list('/v1/customers', { query: { limit: 2 } })) names.push(name);
    expect(names).toEqual(expect.arrayContaining(['Customer 0', 'Customer 4', 'Ada Ltd']));
    expect(new Set(names).size).toBe(names.length);
  });

  it('is told what is wrong by an error that names the problem', async () => {
    const { id } = await clientWith(api.signupKey).createCustomer({ name: 'Bob', email: 'bob@example.com' });
    const refusal = await clientWith(api.signupKey).createDatabase({ customerId: id, name: 'shop', region: 'atlantis' }).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ProblemError);
    expect(refusal).toMatchObject({ status: 422, slug: 'unknown-region', problem: { errors: [{ field: 'region' }] } });
  });

  it('gets the same answer for the same idempotency key', async () => {
    const idempotencyKey = randomUUID();
    const sign = () => clientWith(api.signupKey).createCustomer({ name: 'Eve', email: 'eve@example.com' }, { idempotencyKey });
    expect(await sign()).toEqual(await sign());
  });

  it('is told when the operation fails, and why', async () => {
    const signup = clientWith(api.signupKey);
    const { id } = await signup.createCustomer({ name: 'Carol', email: 'carol@example.com' });
    const { database, operation } = await signup.createDatabase({ customerId: id, name: 'shop', region: 'europe' });
    api.engine.fail('verify', { kind: 'permanent', message: 'no space left on device', databaseId: database.id, times: Infinity });
    const failure = await signup.finish(operation.id).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(OperationFailedError);
    expect((failure as OperationFailedError).message).toBe('provision failed at "verify": no space left on device');
  });

  it('follows an operation through a restart of the API, and is told of each change once', async () => {
    const signup = clientWith(api.signupKey);
    const { id } = await signup.createCustomer({ name: 'Dan', email: 'dan@example.com' });
    const held = api.engine.hold('attachStandby');
    const { operation } = await signup.createDatabase({ customerId: id, name: 'shop', region: 'europe' });
    const changes: string[] = [];
    const following = signup.finish(operation.id, { onChange: (change) => changes.push(JSON.stringify(change)) });
    await held.reached;
    await api.restart();
    held.release();
    expect(await following).toMatchObject({ state: 'succeeded' });
    expect(new Set(changes).size).toBe(changes.length);
  });
});

describe('a client whose API is in trouble', () => {
  /** Answers each request with the next of the given statuses, and then with a customer. */
  async function startUnsteadyServer(...statuses: number[]): Promise<{ url: string; keys: (string | undefined)[]; server: Server }> {
    const keys: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      keys.push(request.headers['idempotency-key'] as string | undefined);
      const status = statuses.shift();
      if (status === 0) return request.socket.destroy();
      if (status === undefined) return response.end(JSON.stringify({ id: 'cus_1' }));
      return response.writeHead(status, { 'retry-after': '0' }).end(JSON.stringify({ type: 'https://example.com/problems/unavailable', detail: 'later' }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, keys, server };
  }

  it('tries again with the same key after 429, 503 and a lost connection', async () => {
    const { url, keys, server } = await startUnsteadyServer(429, 503, 0);
    const client = new FreeholdClient({ url, apiKey: 'a' });
    expect(await client.createCustomer({ name: 'Ada', email: 'ada@example.com' })).toEqual({ id: 'cus_1' });
    expect(keys).toHaveLength(4);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toBeDefined();
    server.close();
  });

  it('does not repeat what was refused, and gives up in the end', async () => {
    const refused = await startUnsteadyServer(409);
    await expect(new FreeholdClient({ url: refused.url }).createCustomer({ name: 'a', email: 'a@example.com' })).rejects.toBeInstanceOf(ProblemError);
    expect(refused.keys).toHaveLength(1);
    refused.server.close();
    const gone = new FreeholdClient({ url: `http://127.0.0.1:${await freePort()}`, attempts: 2 });
    await expect(gone.getDatabase('db_1')).rejects.toBeInstanceOf(UnreachableError);
  });
});
