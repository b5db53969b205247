import autocannon from 'autocannon';
import { it } from 'vitest';
import { BenchApi, fillMetadata } from './support/bench-api.js';
it('profiles', async () => {
  const api = await BenchApi.start();
  const ids: string[] = [];
  for (let n = 0; n < 200; n++) ids.push((await api.call<{ id: string }>('POST', '/v1/customers', { name: `C`, email: 'b@example.com' })).id);
  const dbs = await fillMetadata(api.metadata, ids, 50);
  const { key } = await api.call<{ key: string }>('POST', `/v1/customers/${ids[0]}/api-keys`, { name: 'bench' });
  for (const [k, list] of [[api.operatorKey, dbs.filter((_, i) => i % 37 === 0)], [key, dbs.filter((id) => id.startsWith('db_0000000000001'))]] as const) {
    const b = api.cpuSeconds();
    const r = await autocannon({ url: api.url, connections: 10, duration: 8, headers: { authorization: `Bearer ${k}` }, requests: list.map((id) => ({ method: 'GET' as const, path: `/v1/databases/${id}` })) });
    console.log(r['2xx'] / (api.cpuSeconds() - b), r.non2xx, r.latency.p99);
  }
  await api.stop();
});
