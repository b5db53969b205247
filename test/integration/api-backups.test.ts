import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/servers.js';
import { startTestApi, type TestApi } from '../support/test-api.js';

let api: TestApi;
let ada: { id: string; key: string };
let databaseId: string;

beforeAll(async () => {
  // The keeper of backups works by itself here, as it does for users.
  api = await startTestApi({ settings: { FREEHOLD_BACKUPS_EVERY_MS: '200' } });
  ada = await api.customer();
  databaseId = (await api.database(ada.id)).id;
});
afterAll(() => api?.close());

/** The newest that has every copy: the keeper may have begun another one. */
const whole = async (of = databaseId) => (await list(of)).find(({ finishedAt, copies }) => finishedAt !== null && (copies as { state: string }[]).every(({ state }) => state === 'stored'))!;
const list = async (of = databaseId) => (await api.get(`/v1/databases/${of}/backups`, { key: ada.key })).body.data as ({ id: string } & Record<string, unknown>)[];

describe('backups', () => {
  it('are made by themselves, with a copy at each of four sites', async () => {
    const { operation } = (await api.post(`/v1/databases/${databaseId}/backups`, undefined, { key: ada.key })).body;
    expect(await api.ended(operation.id)).toMatchObject({ kind: 'back-up', state: 'succeeded', databaseId });
    const others = await list();
    expect(await whole()).toMatchObject({
      id: expect.stringMatching(/^bkp_/) as string, databaseId, kind: 'full', startedAt: expect.stringMatching(/Z$/) as string, finishedAt: expect.stringMatching(/Z$/) as string,
      sizeBytes: expect.any(Number) as number, provedAt: null,
      copies: ['falkenstein', 'gravelines', 'helsinki', 'toronto'].map((site) => ({ site, state: 'stored', error: null })),
    });
    expect(others.map(({ id }) => id)).toEqual(others.map(({ id }) => id).sort().reverse());
  });

  it('that are asked for while one is made are that one', async () => {
    await api.stopWorker();
    const asked = await Promise.all(Array.from({ length: 4 }, () => api.post(`/v1/databases/${databaseId}/backups`, undefined, { key: ada.key })));
    expect(asked.map(({ status }) => status)).toEqual([202, 202, 202, 202]);
    expect(new Set(asked.map(({ body }) => body.operation.id)).size).toBe(1);
    await api.startWorker();
    await api.ended(asked[0]!.body.operation.id);
  });

  it('are proved when asked, and say when', async () => {
    const newest = await whole();
    const { status, body } = await api.post(`/v1/databases/${databaseId}/backups/${newest.id}/verify`, undefined, { key: ada.key });
    expect(status).toBe(202);
    expect(await api.ended(body.operation.id)).toMatchObject({ state: 'succeeded', steps: [{ name: 'prove', detail: { relations: expect.any(Number) as number } }] });
    expect((await list()).find(({ id }) => id === newest.id)).toMatchObject({ provedAt: expect.stringMatching(/Z$/) as string });
  });

  it('have one proof at a time of a database, and proofs that take long hold up no backup', async () => {
    const [other, third] = await Promise.all([api.database(ada.id), api.database(ada.id)]);
    const verify = async (of: string, backupId: string) => (await api.post(`/v1/databases/${of}/backups/${backupId}/verify`, undefined, { key: ada.key })).body.operation;
    const stored = await Promise.all([databaseId, other.id].map((of) => eventually(async () => whole(of))));
    // As many as backups are made at once: one that is not held by the first is held by the second.
    const held = [api.engine.hold('prove'), api.engine.hold('prove')];
    try {
      let reached = false;
      void held[0]!.reached.then(() => { reached = true; });
      // What the keeper had begun before may end meanwhile.
      const [running] = await eventually(async () => {
        const isHeld = reached;
        const proofs = await Promise.all([verify(databaseId, stored[0]!.id), verify(other.id, stored[1]!.id)]);
        return isHeld && proofs;
      });
      const asked = await Promise.all([verify(databaseId, stored[0]!.id), ...(await list()).map(({ id }) => verify(databaseId, id))]);
      expect(new Set(asked.map(({ id }) => id))).toEqual(new Set([running.id]));
      const { operation } = (await api.post(`/v1/databases/${third.id}/backups`, undefined, { key: ada.key })).body;
      expect(await api.ended(operation.id)).toMatchObject({ kind: 'back-up', state: 'succeeded', databaseId: third.id });
      expect((await api.get(`/v1/operations/${running.id}`)).body).toMatchObject({ kind: 'prove-backup', finishedAt: null });
    } finally {
      for (const one of held) one.release();
    }
  });

  it('of somebody else do not exist', async () => {
    const bob = await api.customer();
    const newest = await whole();
    for (const answer of [
      await api.get(`/v1/databases/${databaseId}/backups`, { key: bob.key }),
      await api.post(`/v1/databases/${databaseId}/backups`, undefined, { key: bob.key }),
      await api.post(`/v1/databases/${databaseId}/backups/${newest.id}/verify`, undefined, { key: bob.key }),
      await api.post(`/v1/databases/${databaseId}/backups/bkp_01hzy3v7q8k2w5n9t4r6x1m0pa/verify`, undefined, { key: ada.key }),
    ]) expect(answer.status).toBe(404);
  });
});

describe('the policy', () => {
  it('tells anybody which days have a backup on a day, and where the copies are', async () => {
    const { status, body } = await api.get('/v1/backup-policy?on=2026-11-24', { key: null });
    expect(status).toBe(200);
    const days = [...body.daily, ...body.weekly, ...body.monthly];
    expect([body.daily.length, body.weekly.length, body.monthly.length, new Set(days).size]).toEqual([7, 4, 3, 14]);
    expect(body.daily[0]).toBe('2026-11-24');
    expect(Date.parse('2026-11-24') - Date.parse(days.sort()[0])).toBeGreaterThanOrEqual(90 * 86_400_000);
    expect(body.sites.map(({ kind }: { kind: string }) => kind)).toEqual(['live', 'live', 'live', 'frozen']);
    expect(body.sites[0]).toEqual({ id: 'falkenstein', name: 'Falkenstein', country: 'DE', dataCenter: 'Falkenstein', kind: 'live' });
  });

  it('refuses what is no day', async () => {
    expect((await api.get('/v1/backup-policy?on=soon')).body).toMatchObject({ status: 400, errors: [{ field: 'on' }] });
  });
});
