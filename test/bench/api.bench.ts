import { randomUUID } from 'node:crypto';
import { loadavg } from 'node:os';
import autocannon from 'autocannon';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { BenchApi, fillMetadata } from './support/bench-api.js';
import { BenchFleet, type BenchDatabase } from './support/bench-fleet.js';
import { median, percentile, printTable } from './support/statistics.js';

const CUSTOMERS = 1_000;
const DATABASES_EACH = 10;
const SECONDS = 10;
const CONNECTIONS = 10;

describe('reading, with 10,000 databases in the metadata', () => {
  let api: BenchApi;
  let databases: string[];
  let customerKey: string;

  beforeAll(async () => {
    api = await BenchApi.start();
    const customerIds: string[] = [];
    for (let count = 0; count < CUSTOMERS; count += 1) {
      customerIds.push((await api.call<{ id: string }>('POST', '/v1/customers', { name: `Customer ${count}`, email: 'bench@example.com' })).id);
    }
    databases = await fillMetadata(api.metadata, customerIds, DATABASES_EACH);
    customerKey = (await api.call<{ key: string }>('POST', `/v1/customers/${customerIds[0]}/api-keys`, { name: 'bench' })).key;
  });
  afterAll(() => api?.stop());

  /** Reads for some seconds over some connections; what one core would give is counted by the processor time of the process. */
  async function read(paths: readonly string[], key: string): Promise<string[]> {
    const began = api.cpuSeconds();
    const result = await autocannon({
      url: api.url, connections: CONNECTIONS, duration: SECONDS, headers: { authorization: `Bearer ${key}` },
      requests: paths.map((path) => ({ method: 'GET' as const, path })),
    });
    const busy = api.cpuSeconds() - began;
    const answered = result['2xx'];
    if (answered !== result.requests.total || result.errors > 0) throw new Error(`${result.non2xx} answers were problems, and ${result.errors} did not come`);
    return [(answered / result.duration).toFixed(0), (answered / busy).toFixed(0), result.latency.p50.toFixed(0), result.latency.p99.toFixed(0)];
  }

  it('is measured', async () => {
    const sample = databases.filter((_, index) => index % 37 === 0).map((id) => `/v1/databases/${id}`);
    const own = databases.filter((id) => id.startsWith('db_0000000000001')).map((id) => `/v1/databases/${id}`);
    const operations = databases.filter((_, index) => index % 37 === 0).map((id) => `/v1/operations/op_${id.slice(3)}`);
    await read(sample, api.operatorKey);
    const rows = [
      ['the plans: no metadata, the floor', ...(await read(['/v1/plans'], api.operatorKey))],
      ['a database, as an operator', ...(await read(sample, api.operatorKey))],
      ['a database, as its customer', ...(await read(own, customerKey))],
      ['an operation, as an operator', ...(await read(operations, api.operatorKey))],
      ['a list of 50, as an operator', ...(await read(['/v1/databases'], api.operatorKey))],
    ];
    printTable(`Reads over ${CONNECTIONS} connections (load of the machine ${loadavg()[0]!.toFixed(1)})`,
      [['', 'per second', 'per second of processor time', 'p50 ms', 'p99 ms'], ...rows]);
  });

  it('and accepting a provisioning, one after the other and four at once', async () => {
    const { id: customerId } = await api.call<{ id: string }>('POST', '/v1/customers', { name: 'Burst', email: 'bench@example.com' });
    const rows: string[][] = [];
    for (const atOnce of [1, 4]) {
      const times: number[] = [];
      const accept = async (lane: number): Promise<void> => {
        for (let count = 0; count < 20; count += 1) {
          const began = performance.now();
          await api.call('POST', '/v1/databases', { customerId, name: `n-${atOnce}-${lane}-${count}`, region: 'americas' }, { 'idempotency-key': randomUUID() });
          times.push(performance.now() - began);
        }
      };
      await Promise.all(Array.from({ length: atOnce }, (_, lane) => accept(lane)));
      rows.push([String(atOnce), median(times).toFixed(1), percentile(times, 99).toFixed(1)]);
    }
    printTable('Accepting a provisioning, until the 202', [['at once', 'p50 ms', 'p99 ms'], ...rows]);
  });
});

describe('provisioning on the real engine', () => {
  let fleet: BenchFleet;
  let customerId: string;

  beforeAll(async () => {
    fleet = await BenchFleet.start();
    customerId = await fleet.createCustomer();
    await fleet.provision(customerId, 'warm-up');
  });
  afterAll(() => fleet?.remove());

  async function timed<Result>(work: () => Promise<Result>): Promise<{ seconds: number; result: Result }> {
    const began = performance.now();
    const result = await work();
    return { seconds: (performance.now() - began) / 1000, result };
  }

  it('is measured four at once against one after the other', async () => {
    const one = await timed(async () => {
      for (let count = 0; count < 4; count += 1) await fleet.provision(customerId, `one-${count}`);
    });
    const four = await timed(() => Promise.all([0, 1, 2, 3].map((count) => fleet.provision(customerId, `four-${count}`))));
    printTable('Four provisionings', [
      ['', 'seconds'], ['one after the other', one.seconds.toFixed(2)], ['at once', four.seconds.toFixed(2)], ['ratio', (one.seconds / four.seconds).toFixed(2)],
      ['load of the machine', loadavg()[0]!.toFixed(1)],
    ]);
  });

  it('is measured in a burst of 50 signups', async () => {
    const { seconds, result } = await timed(() => Promise.all(Array.from({ length: 50 }, async (_, count): Promise<BenchDatabase> => {
      const id = await fleet.createCustomer();
      return fleet.provision(id, 'shop', ['europe', 'americas', 'asia-pacific', 'middle-east-and-northern-asia', 'oceania'][count % 5]);
    })));
    const times = result.map((database) => database.seconds);
    const worked = result.map(({ operation: { steps, finishedAt } }) => (Date.parse(finishedAt!) - Date.parse(steps[0]!.startedAt!)) / 1000);
    printTable('A burst of 50 signups', [
      ['', 'seconds'], ['until all are available', seconds.toFixed(1)], ['request to available, first', Math.min(...times).toFixed(1)],
      ['request to available, median', median(times).toFixed(1)], ['request to available, last', Math.max(...times).toFixed(1)],
      ['at work, median', median(worked).toFixed(1)], ['at work, longest', Math.max(...worked).toFixed(1)],
    ]);
  });
});
