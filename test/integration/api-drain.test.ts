import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OperationDocument } from '../../src/operations/operation.js';
import { startTestApi, type TestApi } from '../support/test-api.js';

let api: TestApi;
let databaseId: string;

beforeAll(async () => {
  api = await startTestApi();
  databaseId = (await api.database((await api.customer()).id, 'shop')).id;
});
afterAll(() => api?.close());

const primary = async () => ((await api.get(`/v1/databases/${databaseId}`)).body.instances as { id: string; role: string; host: string }[]).find(({ role }) => role === 'primary')!;
const switchovers = async () => (await api.get(`/v1/operations?databaseId=${databaseId}&kind=switchover`)).body.data as OperationDocument[];
const waitingFor = ({ steps }: Pick<OperationDocument, 'steps'>, step: string) => steps.find(({ name }) => name === step)?.detail?.waitingFor;

/** As a report has it that somebody forgot. */
async function openTransaction(): Promise<void> {
  api.engine.transactions.set((await primary()).id, [{ pid: 4242, user: 'shop', application: 'report', state: 'idle in transaction', since: '2026-11-24T10:00:00.000000Z', openSeconds: 900 }]);
}

describe('a drain of a host whose database has a transaction open for long', () => {
  it('holds nobody up, names it, and takes its switchover back when the host is used again', async () => {
    const { host } = await primary();
    await openTransaction();
    const { operation } = (await api.post(`/v1/hosts/${host}/drain`)).body;
    await expect.poll(async () => waitingFor((await api.get(`/v1/operations/${operation.id}`)).body, 'move'), { timeout: 60_000 })
      .toMatch(new RegExp(`1 wait for transactions to end: ${databaseId} for a transaction of shop \\(report\\), process 4242`));
    expect((await api.get(`/v1/databases/${databaseId}`)).body).toMatchObject({ state: 'available' });
    expect(api.engine.callsOf(databaseId).some(({ verb }) => verb === 'pause')).toBe(false);

    expect((await api.post(`/v1/hosts/${host}/undrain`)).status).toBe(200);
    expect(await api.ended(operation.id)).toMatchObject({ state: 'succeeded' });
    await expect.poll(switchovers, { timeout: 60_000 }).toMatchObject([{ state: 'cancelled' }]);
    expect((await primary()).host).toBe(host);
  });

  it('ends it when an operator says so, also of a switchover that waits already', async () => {
    const { host } = await primary();
    await openTransaction();
    const waiting = (await api.post(`/v1/databases/${databaseId}/switchover`)).body.operation as OperationDocument;
    await expect.poll(async () => waitingFor((await api.get(`/v1/operations/${waiting.id}`)).body, 'quiet'), { timeout: 60_000 }).toContain('process 4242');
    expect((await api.post(`/v1/hosts/${host}/drain`, { endTransactionsAfterMinutes: -1 })).body).toMatchObject({ status: 400, errors: [{ field: 'endTransactionsAfterMinutes' }] });
    const { operation } = (await api.post(`/v1/hosts/${host}/drain`, { endTransactionsAfterMinutes: 0 })).body;
    expect(await api.ended(waiting.id)).toMatchObject({ state: 'succeeded' });
    expect(await api.ended(operation.id)).toMatchObject({ state: 'succeeded' });
    expect((await primary()).host).not.toBe(host);
    expect(api.engine.callsOf(databaseId).filter(({ verb }) => verb === 'endTransactions')).toHaveLength(1);
  });

  it('gives way to what the customer asks for', async () => {
    const { host } = await primary();
    await openTransaction();
    const waiting = (await api.post(`/v1/databases/${databaseId}/switchover`)).body.operation as OperationDocument;
    await expect.poll(async () => waitingFor((await api.get(`/v1/operations/${waiting.id}`)).body, 'quiet'), { timeout: 60_000 }).toContain('process 4242');
    expect((await api.post(`/v1/databases/${databaseId}/password`)).status).toBe(200);
    expect(await api.ended(waiting.id)).toMatchObject({ state: 'cancelled' });
    expect((await primary()).host).toBe(host);
  });
});
