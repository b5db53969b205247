import { readFile } from 'node:fs/promises';
import { Gate } from '../../src/engine/local/host-shell/gate.js';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLocalHarness } from './local-harness.js';
import { describeDatabase, eventually, provision, type TestDatabase } from './harness.js';
import { customerOptions } from './engine-suite.js';
import type { InstanceRef } from '../../src/engine/ports.js';

const origRun = Gate.prototype.run;
let trace = false;
Gate.prototype.run = async function (line: string) { const s0 = performance.now(); try { return await origRun.call(this, line); } finally { if (trace) console.log('   run', (performance.now() - s0).toFixed(0), line.slice(0, 90).replace(/PGPASSWORD=\S+/, '')); } };
const origEnter = Gate.enter;
Gate.enter = async (o: any) => { const s0 = performance.now(); try { return await origEnter.call(Gate, o); } finally { if (trace) console.log('   enter', (performance.now() - s0).toFixed(0)); } };
describe('scratch', () => {
  let harness: Awaited<ReturnType<typeof openLocalHarness>>;
  let shop: TestDatabase;
  const timed = async <T>(name: string, body: () => Promise<T>): Promise<T> => { const s = performance.now(); try { return await body(); } finally { console.log(name, (performance.now() - s).toFixed(0)); } };
  beforeAll(async () => { harness = await openLocalHarness(); shop = describeDatabase(harness.engine); await provision(harness.engine, shop, (n) => console.log(n)); });
  afterAll(() => harness?.close());
  it('fails over', async () => {
    const { instances, gateway } = harness.engine;
    const root = gateway.endpoint('europe').rootCertificatePath!.replace(/\/regions\/.*/, '');
    let [p, s]: InstanceRef[] = [shop.primary, shop.standby];
    for (let i = 0; i < 4; i++) { trace = i === 2;
      const watch = instances.watch(p!);
      console.log('first look', JSON.stringify(await watch.look(1000)));
      const pid = Number((await readFile(`${root}/hosts/${p!.host}/${shop.spec.id}/volume/${p!.id}/data/postmaster.pid`, 'utf8')).split('\n')[0]);
      process.kill(pid, 'SIGKILL');
      await timed('closed', () => new Promise<void>((r) => watch.onClosed(r)));
      console.log((await watch.look(400)));
      await watch.close();
      const all = performance.now();
      await timed('fence', () => instances.fence(p!, shop.effect()));
      await timed('close', () => gateway.close(shop.spec, shop.effect()));
      const seen = await timed('promote', () => instances.promote(s!, shop.effect()));
      await timed('open', () => gateway.open({ database: shop.spec, target: { address: seen.address, port: seen.port! } }, shop.effect()));
      await timed('write', async () => { const c = new pg.Client(await customerOptions(harness, shop, { database: `${shop.spec.name}_pooled` })); await c.connect(); await c.query('CREATE TABLE IF NOT EXISTS t(n int)'); await c.query('INSERT INTO t VALUES (1)'); await c.end(); });
      console.log('TOTAL', (performance.now() - all).toFixed(0));
      const r = await timed('rejoin', () => instances.rejoin(p!, s!, shop.effect()));
      console.log(r.how, r.process, r.role, r.receiving, r.timeline);
      if (trace) console.log((await readFile(`${root}/hosts/${p!.host}/${shop.spec.id}/volume/${p!.id}/log`, 'utf8')).split('\n').slice(-25).join('\n'));
      [p, s] = [s!, p!];
      await timed('sync', async () => { const { lsn } = await instances.setSynchronousStandbys(p!, [s!.id], shop.effect()); await instances.waitForFlush(p!, s!.id, lsn, shop.effect()); });
    }
    const { execFileSync } = await import('node:child_process');
    const pw = (await readFile(`${root}/gateways/europe/admin-password`, 'utf8')).trim();
    const sock = execFileSync('/bin/sh', ['-c', `ls -d ${root}/run/*/.s.PGSQL.* | head -1`]).toString().trim();
    
    for (const cmds of [['RELOAD'], ['SHOW DATABASES'], ['SHOW VERSION'], ['RELOAD', 'SHOW DATABASES']]) for (let k = 0; k < 4; k++) {
      const st = performance.now();
      execFileSync('/usr/lib/postgresql/15/bin/psql', ['-X', '-q', '-h', sock.replace(/\/\.s.*/, ''), '-p', sock.replace(/.*\./, ''), '-U', 'freehold_gateway', '-d', 'pgbouncer', ...cmds.flatMap((c) => ['-c', c])], { env: { PGPASSWORD: pw } });
      console.log('psql', cmds.join(), (performance.now() - st).toFixed(0));
    }
  }, 120_000);
});
