import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { BurnAlerts } from '../../src/uptime/burn-alerts.js';
import { monthAt, spanOfMonth } from '../../src/uptime/month.js';
import { eventually } from '../support/servers.js';
import { startTestApi, type TestApi } from '../support/test-api.js';

interface Outage {
  readonly id: string;
  readonly databaseId: string;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly seconds: number;
  readonly cause: string;
  readonly planned: boolean;
  readonly sources: readonly string[];
  readonly operationId: string | null;
}

let api: TestApi;
let owner: { id: string; key: string };
let stranger: { id: string; key: string };

beforeAll(async () => {
  api = await startTestApi();
  [owner, stranger] = [await api.customer(), await api.customer()];
});
afterAll(() => api?.close());

const outagesOf = async (databaseId: string, more = ''): Promise<Outage[]> => (await api.get(`/v1/outages?databaseId=${databaseId}${more}`)).body.data;
const ended = (databaseId: string): Promise<Outage[]> => eventually(async () => {
  const outages = await outagesOf(databaseId);
  return outages.length > 0 && outages.every(({ endedAt }) => endedAt !== null) && outages;
}, 15_000);
const uptimeOf = async (databaseId: string) => (await api.get(`/v1/uptime?databaseId=${databaseId}`)).body;
const primaryOf = (databaseId: string) => [...api.engine.made.values()].find(({ ref, role, running }) => ref.database.id === databaseId && role === 'primary' && running)!;
/** Until the worker's watch has looked, a loss is not seen when it happens. */
const observed = (databaseId: string): Promise<unknown> =>
  eventually(async () => (await api.query('SELECT FROM watches WHERE database_id = $1 AND observed_at IS NOT NULL', [databaseId])).length === 1, 15_000);

describe('an outage', () => {
  it('that the watch and a failover tell of is one, is counted, and is shown to its customer alone', async () => {
    const { id } = await api.database(owner.id);
    await observed(id);
    const fence = api.engine.hold('fence');
    const begunMs = Date.now();
    api.engine.crashInstance(primaryOf(id).ref.id);
    await fence.reached;
    const reachedMs = Date.now();
    const going = await eventually(async () => (await outagesOf(id))[0] ?? false, 5_000);
    expect(going).toMatchObject({ endedAt: null, cause: 'host', planned: false });
    const releasedMs = Date.now();
    fence.release();
    // The watch and the operation each tell of its end, one after the other, and the later one counts.
    const { outages: [outage, ...others], uptime } = await eventually(async () => {
      const outages = await ended(id);
      const uptime = await uptimeOf(id);
      const areAgreed = ['operation', 'watch'].every((source) => outages[0]?.sources.includes(source)) && uptime.downSeconds === outages[0]?.seconds;
      return areAgreed && { outages, uptime };
    }, 15_000);
    expect(others).toEqual([]);
    expect(outage).toMatchObject({ id: going.id, databaseId: id, cause: 'host', sources: expect.arrayContaining(['operation', 'watch']), operationId: expect.stringMatching(/^op_/) });
    const endedMs = Date.parse(outage!.endedAt!);
    // It is noticed at a look, which comes twice a second, and before a failover is asked for.
    expect(Date.parse(outage!.startedAt)).toBeGreaterThan(begunMs - 1_000);
    expect(Date.parse(outage!.startedAt)).toBeLessThanOrEqual(reachedMs);
    expect(outage!.seconds).toBeCloseTo((endedMs - Date.parse(outage!.startedAt)) / 1000, 3);
    expect(endedMs).toBeGreaterThanOrEqual(releasedMs);
    expect(endedMs).toBeLessThanOrEqual(Date.now());
    expect(uptime).toMatchObject({ of: 'database', databaseId: id, downSeconds: outage!.seconds, plannedSeconds: 0, errorBudget: { minutes: { usedSeconds: outage!.seconds } } });
    expect((await api.get('/v1/outages', { key: owner.key })).body.data).toEqual([outage]);
    expect((await api.get('/v1/outages', { key: stranger.key })).body.data).toEqual([]);
  }, 40_000);

  it('by an operator\'s switchover is the operator\'s, planned within a maintenance window alone', async () => {
    const { id } = await api.database(owner.id);
    await observed(id);
    await api.ended((await api.post(`/v1/databases/${id}/switchover`)).body.operation.id);
    const [first] = await ended(id);
    expect(first).toMatchObject({ cause: 'operator', planned: false });
    await addWindow('europe');
    const before = await uptimeOf(id);
    // Closer together they would be one outage.
    await eventually(async () => Date.now() - Date.parse(first!.endedAt!) > 1_500 && (await api.get(`/v1/databases/${id}`)).body.state === 'available');
    await api.ended((await api.post(`/v1/databases/${id}/switchover`)).body.operation.id);
    const [planned] = await eventually(async () => {
      const outages = await outagesOf(id);
      return outages.length === 2 && outages.every(({ endedAt }) => endedAt !== null) && outages;
    }, 15_000);
    expect(planned).toMatchObject({ cause: 'operator', planned: true });
    expect(await uptimeOf(id)).toMatchObject({ downSeconds: before.downSeconds, plannedSeconds: planned!.seconds });
    await api.query('DELETE FROM maintenance_windows');
  }, 40_000);

  it('that happens while the metadata database is away is recorded afterwards, with the right length', async () => {
    const { id } = await api.database(owner.id);
    await observed(id);
    const instance = primaryOf(id);
    const admin = new pg.Client(inject('postgresUrl'));
    await admin.connect();
    const [{ name }] = await api.query<{ name: string }>('SELECT current_database() AS name') as [{ name: string }];
    await admin.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
    await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name]);
    const begunMs = Date.now();
    api.engine.crashInstance(instance.ref.id);
    await eventually(() => Promise.resolve(Date.now() - begunMs >= 2_500));
    instance.running = true;
    const lengthMs = Date.now() - begunMs;
    await eventually(() => Promise.resolve(Date.now() - begunMs >= lengthMs + 1_000));
    await admin.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
    await admin.end();
    const [outage] = await ended(id);
    // Within what a busy machine's looks are late by, and less than all of it.
    expect(Math.abs(Date.parse(outage!.startedAt) - begunMs)).toBeLessThan(2_000);
    expect(Math.abs(outage!.seconds * 1000 - lengthMs)).toBeLessThan(2_000);
    expect((await uptimeOf(id)).unknownSeconds).toBe(0);
  }, 40_000);

  it('that burns an error budget too fast alerts operators, and no longer when it is over', async () => {
    const [{ id, databaseId }] = (await api.get('/v1/outages')).body.data as [Outage];
    await api.query(`UPDATE database_lives SET began_at = now() - interval '3 hours' WHERE database_id = $1`, [databaseId]);
    await api.query(`UPDATE outages SET started_at = now() - interval '10 minutes', last_down_at = now(), ended_at = now() WHERE id = $1`, [id]);
    const alerts = api.part(BurnAlerts);
    const open = async () => (await api.get('/v1/alerts')).body.data.filter(({ kind, state, subjectId }: { kind: string; state: string; subjectId: string }) => kind === 'uptime' && state === 'open' && subjectId === databaseId);
    await alerts.judge();
    expect(await open()).toMatchObject([{ severity: 'critical', message: expect.stringContaining('over an hour') }]);
    await api.query(`UPDATE outages SET started_at = now() - interval '2 hours', last_down_at = now() - interval '119 minutes', ended_at = now() - interval '119 minutes' WHERE id = $1`, [id]);
    await alerts.judge();
    expect(await open()).toEqual([]);
    await api.query(`UPDATE outages SET started_at = now() - interval '2 seconds', last_down_at = now() - interval '1 second', ended_at = now() - interval '1 second' WHERE id = $1`, [id]);
  });

  it('is looked for by month, region and cause', async () => {
    const [{ databaseId }] = (await api.get('/v1/outages')).body.data as [Outage];
    const month = monthAt(Date.now());
    expect(await outagesOf(databaseId, `&month=${month}&region=europe`)).toHaveLength(1);
    expect(await outagesOf(databaseId, '&month=2026-01')).toEqual([]);
    expect(await outagesOf(databaseId, '&region=oceania')).toEqual([]);
    expect(await outagesOf(databaseId, '&cause=customer')).toEqual([]);
  });

  const addWindow = (region: string) => api.query(
    `INSERT INTO maintenance_windows (id, region_id, starts_at, ends_at, urgent, created_by, created_at)
     VALUES ('mw_test', $1, now(), now() + interval '30 minutes', false, 'test', now() - interval '4 days')`, [region]);
});

describe('uptime', () => {
  it('that nobody observed is unknown, and no uptime; of a deleted database it ends with its deletion', async () => {
    const { id } = await api.database(owner.id);
    await eventually(async () => (await api.query('SELECT FROM database_lives WHERE database_id = $1 AND observed_until > began_at', [id])).length === 1, 15_000);
    await api.stopWorker();
    await api.query(`UPDATE database_lives SET began_at = now() - interval '2 hours', observed_until = now() - interval '1 hour' WHERE database_id = $1`, [id]);
    expect((await uptimeOf(id)).unknownSeconds).toBeCloseTo(3_600, -1);
    await api.startWorker();
    await eventually(async () => (await api.query('SELECT FROM observation_gaps WHERE database_id = $1', [id])).length === 1, 15_000);
    const { upSeconds, unknownSeconds, uptime } = await uptimeOf(id);
    expect(unknownSeconds).toBeCloseTo(3_600, -2);
    expect(upSeconds).toBeCloseTo(3_600, -2);
    expect(uptime).toBe(1);
    await api.ended((await api.call('DELETE', `/v1/databases/${id}?withoutBackup=true`)).body.operation.id);
    await eventually(async () => (await api.query('SELECT FROM database_lives WHERE database_id = $1 AND ended_at IS NOT NULL', [id])).length === 1, 15_000);
    expect(await outagesOf(id)).toEqual([]);
    const after = await uptimeOf(id);
    expect(after).toMatchObject({ downSeconds: 0, databases: 1 });
    expect((await uptimeOf(id)).upSeconds).toBe(after.upSeconds);
  }, 60_000);

  it('of the platform and of regions is public, that of a database only for those who see it', async () => {
    const anybody = { key: null };
    expect((await api.get('/v1/uptime', anybody)).body).toMatchObject({ of: 'platform', month: monthAt(Date.now()), region: null, databaseId: null });
    expect((await api.get('/v1/uptime?region=oceania&month=2026-10', anybody)).body).toMatchObject({ of: 'region', region: 'oceania', databases: 0, uptime: null, from: '2026-10-01T00:00:00.000Z', to: '2026-11-01T00:00:00.000Z', errorBudget: { kept: null } });
    const { id } = await api.database(owner.id);
    const path = `/v1/uptime?databaseId=${id}`;
    expect([(await api.get(path, anybody)).status, (await api.get(path, { key: stranger.key })).status, (await api.get(path, { key: owner.key })).status]).toEqual([401, 404, 200]);
    expect((await api.get('/v1/uptime', { key: 'fh_nobody' })).status).toBe(401);
    expect((await api.get(`/v1/outages?databaseId=${id}`, { key: stranger.key })).status).toBe(404);
  });

  it.each([
    ['/v1/uptime?month=2026-13', 'month'], ['/v1/uptime?month=november', 'month'], ['/v1/uptime?month=2999-01', 'month'], ['/v1/uptime?region=atlantis', 'region'],
    ['/v1/uptime?region=europe&databaseId=db_x', 'region'], ['/v1/uptime?day=1', 'day'], ['/v1/outages?cause=bad-luck', 'cause'], ['/v1/outages?month=2026-00', 'month'],
    ['/v1/outages?limit=0', 'limit'],
  ])('refuses %s', async (path, field) => {
    const { status, body } = await api.get(path);
    expect([status, body.errors]).toEqual([400, [expect.objectContaining({ field })]]);
  });

  it('of a month of one fault a day on each of fifty databases is what a log of them gives', async () => {
    const month = '2026-10';
    const { fromMs } = spanOfMonth(month);
    const region = 'middle-east-and-northern-asia';
    const { id: pattern } = await api.database(owner.id, 'pattern', region);
    await api.query('DELETE FROM database_lives WHERE database_id = $1', [pattern]);
    const log: { database: number; startS: number; seconds: number; cause: string }[] = [];
    for (let database = 0; database < 50; database += 1) {
      for (let day = 0; day < 31; day += 1) {
        log.push({ database, startS: day * 86_400 + ((database * 7_919 + day * 104_729) % 80_000), seconds: 1 + ((database * 31 + day * 17) % 90), cause: ['host', 'data-center', 'operator', 'platform', 'customer'][(database + day) % 5]! });
      }
    }
    await api.query(`INSERT INTO databases SELECT (jsonb_populate_record(d, jsonb_build_object('id', 'db_gen' || n, 'name', 'gen' || n, 'endpoint_slot', 1000 + n, 'unix_account', 50000 + n, 'endpoint_database', 'gen' || n, 'deleted_at', now(), 'purge_at', now() + interval '7 days'))).* FROM databases d, generate_series(0, 49) n WHERE d.id = $1`, [pattern]);
    await api.query(`INSERT INTO database_lives SELECT 'db_gen' || n, '2026-09-15', '2026-11-15', '2026-11-15' FROM generate_series(0, 49) n`);
    await api.query(
      `INSERT INTO outages (id, database_id, started_at, last_down_at, ended_at, cause, planned, sources, reason)
       SELECT 'out_gen' || row_number() OVER (), 'db_gen' || database, to_timestamp($2::float8 + "startS"), to_timestamp($2::float8 + "startS" + seconds), to_timestamp($2::float8 + "startS" + seconds), cause, false, '{watch}', ''
         FROM json_to_recordset($1) AS l(database int, "startS" int, seconds int, cause text)`, [JSON.stringify(log), fromMs / 1000]);
    const downOf = (database: number) => log.filter((one) => one.database === database).reduce((sum, { seconds }) => sum + seconds, 0);
    const monthS = 31 * 86_400;
    for (const database of [0, 17, 49]) {
      const { body } = await api.get(`/v1/uptime?month=${month}&databaseId=db_gen${database}`);
      expect(body).toMatchObject({ downSeconds: downOf(database), upSeconds: monthS - downOf(database), unknownSeconds: 0, errorBudget: { minutes: { leftSeconds: 2_700 - downOf(database) } } });
    }
    const platformS = log.filter(({ cause }) => cause !== 'customer').reduce((sum, { seconds }) => sum + seconds, 0) / 50;
    const { body } = await api.get(`/v1/uptime?month=${month}&region=${region}`, { key: null });
    expect(body.databases).toBe(50);
    expect(body.downSeconds).toBeCloseTo(platformS, 2);
    expect(body.uptime).toBeCloseTo(1 - platformS / monthS, 9);
    const report = (await api.get(`/v1/customers/${owner.id}/sla-report?month=${month}`, { key: owner.key })).body;
    expect(report.databases).toHaveLength(50);
    expect(report.outages).toHaveLength(log.length);
    expect(report.outages[0].startedAt < report.outages.at(-1).startedAt).toBe(true);
    expect((await api.get(`/v1/customers/${owner.id}/sla-report?month=${month}`, { key: stranger.key })).status).toBe(404);
  }, 30_000);
});
