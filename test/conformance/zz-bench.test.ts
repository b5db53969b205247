import { afterAll, expect, it } from 'vitest';
import { describeDatabase, provision } from './harness.js';
import { openLocalHarness } from './local-harness.js';
let h: Awaited<ReturnType<typeof openLocalHarness>>;
afterAll(async () => { const t=performance.now(); await h?.close(); console.log('close', Math.round(performance.now()-t)); });
it('bench', async () => {
  let t = performance.now();
  const lap = (n: string) => { console.log(n.padEnd(24), Math.round(performance.now() - t)); t = performance.now(); };
  h = await openLocalHarness(); lap('prepare+open');
  for (let i = 0; i < Number(process.env.N ?? 3); i++) {
    const t0 = performance.now(); t = t0;
    await provision(h.engine, describeDatabase(h.engine), lap);
    console.log('TOTAL', Math.round(performance.now() - t0));
  }
  expect(1).toBe(1);
}, 120_000);
