import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../support/test-api.js';

let api: TestApi;
let ada: { id: string; key: string };
let databaseId: string;
let backup: { id: string; finishedAt: string };

beforeAll(async () => {
  api = await startTestApi({ settings: { FREEHOLD_BACKUPS_EVERY_MS: '200' } });
  ada = await api.customer();
  const made = await api.post('/v1/databases', { customerId: ada.id, name: 'shop', region: 'europe', locale: 'de_DE.utf8' });
  await api.ended(made.body.operation.id);
  databaseId = made.body.database.id;
  const { operation } = (await api.post(`/v1/databases/${databaseId}/backups`, undefined, { key: ada.key })).body;
  await api.ended(operation.id);
  // The keeper may have begun another one meanwhile.
  const { data } = (await api.get(`/v1/databases/${databaseId}/backups`, { key: ada.key })).body as { data: (typeof backup & { copies: { state: string }[] })[] };
  backup = data.find(({ finishedAt, copies }) => finishedAt !== null && copies.every(({ state }) => state === 'stored'))!;
});
afterAll(() => api?.close());

const restore = (body: object, key = ada.key) => api.post(`/v1/databases/${databaseId}/restore`, body, { key });

describe('a restore', () => {
  it('into a new database answers with its credentials, and leaves the old one alone', async () => {
    await api.call('PUT', `/v1/databases/${databaseId}/allow-list`, { key: ada.key, body: { cidrs: ['192.0.2.0/24'] } });
    const { status, body } = await restore({ backupId: backup.id, into: 'new', name: 'shop-again' });
    expect(status).toBe(202);
    // Who could not reach the original cannot reach the copy.
    expect((await api.get(`/v1/databases/${body.database.id}/allow-list`, { key: ada.key })).body).toEqual({ cidrs: ['192.0.2.0/24'] });
    expect(body).toMatchObject({ database: { name: 'shop-again', customerId: ada.id, region: 'europe', locale: 'de_DE.UTF-8', provider: 'libc', state: 'restoring' }, operation: { kind: 'restore' }, credentials: { user: body.database.endpoint.user } });
    expect(body.credentials.uri).toContain(body.credentials.password);
    expect(await api.ended(body.operation.id)).toMatchObject({ state: 'succeeded', databaseId: body.database.id });
    expect((await api.get(`/v1/databases/${body.database.id}`, { key: ada.key })).body).toMatchObject({ state: 'available', inSync: true });
    expect((await api.get(`/v1/databases/${databaseId}`, { key: ada.key })).body).toMatchObject({ state: 'available', epoch: 1, keptCopies: [] });
  });

  it('to a moment takes its offset, and a name of its own', async () => {
    const time = new Date(Date.parse(backup.finishedAt) + 1);
    const berlin = `${new Date(time.getTime() + 3_600_000).toISOString().slice(0, -1)}+01:00`;
    await expect.poll(() => Date.now() > time.getTime()).toBe(true);
    const { status, body } = await restore({ time: berlin, into: 'new' });
    expect(status).toBe(202);
    expect(body.database.name).toMatch(/^shop-\d{12}$/);
    expect(await api.ended(body.operation.id)).toMatchObject({ state: 'succeeded' });
    const restored = [...api.engine.backups.restored.values()].at(-1)!;
    expect('time' in restored && restored.time).toEqual(time);
  });

  it('takes another site where the copy is damaged, and operators are told', async () => {
    const copies = await api.query<{ site: string; label: string }>(`SELECT site, label FROM backup_copies WHERE backup_id = '${backup.id}' AND site <> 'toronto'`);
    for (const { site, label } of copies) api.engine.backups.corrupted.add(`${site} ${label}`);
    const { body } = await restore({ backupId: backup.id, into: 'new', name: 'shop-from-toronto' });
    const { state, steps } = await api.ended(body.operation.id) as { state: string; steps: { name: string; detail: { passedOver: { site: string }[] } }[] };
    api.engine.backups.corrupted.clear();
    const { detail } = steps.find(({ name }) => name === 'restore-primary')!;
    expect({ state, detail }).toMatchObject({ state: 'succeeded', detail: { site: 'toronto', passedOver: [{ site: 'falkenstein' }, { site: 'gravelines' }] } });
    const { data } = (await api.get('/v1/alerts?limit=100')).body as { data: { kind: string; message: string }[] };
    expect(data.filter(({ kind }) => kind === 'copy').map(({ message }) => message).sort()).toEqual(
      detail.passedOver.map(({ site }) => expect.stringContaining(`the copy at ${site} did not restore`) as string));
  });

  it('in place keeps the present state aside, and comes back with the same endpoint', async () => {
    const before = (await api.get(`/v1/databases/${databaseId}`, { key: ada.key })).body;
    const { status, body } = await restore({ backupId: backup.id, into: 'inPlace' });
    expect([status, body.credentials]).toEqual([202, undefined]);
    expect(await api.ended(body.operation.id)).toMatchObject({ kind: 'restore-in-place', state: 'succeeded' });
    const after = (await api.get(`/v1/databases/${databaseId}`, { key: ada.key })).body;
    expect(after).toMatchObject({ state: 'available', epoch: before.epoch + 1, endpoint: before.endpoint });
    expect(after.keptCopies).toHaveLength(1);
    // What was written until then is not on the database's path any more.
    expect((await restore({ time: body.operation.createdAt, into: 'new' })).body).toMatchObject({ status: 422, detail: expect.stringContaining('has undone') as string });
  });

  it('to the latest state takes all that was archived, and undoes nothing', async () => {
    const { status, body } = await restore({ time: 'latest', into: 'inPlace' });
    expect(status).toBe(202);
    expect(await api.ended(body.operation.id)).toMatchObject({ kind: 'restore-in-place', state: 'succeeded' });
    const restored = [...api.engine.backups.restored.values()].at(-1)!;
    expect('time' in restored && restored.time).toBe('latest');
    expect((await restore({ time: body.operation.createdAt, into: 'new', name: 'shop-of-then' })).status).toBe(202);
  });

  it.each([
    ['in the future', () => new Date(Date.now() + 60_000).toISOString()],
    ['before the first backup', () => new Date(Date.parse(backup.finishedAt) - 60_000).toISOString()],
  ])('to a time %s is refused with the range', async (_, time) => {
    const { body } = await restore({ time: time(), into: 'new' });
    expect(body).toMatchObject({ status: 422, type: expect.stringMatching(/restore-out-of-range$/) as string, errors: [{ field: 'time' }], range: { from: backup.finishedAt } });
  });

  it.each([
    [{ time: 'yesterday', into: 'new' }, 'time'], [{ into: 'new' }, 'time'], [{ time: '2026-11-24T10:15:00Z', backupId: 'bkp_1', into: 'new' }, 'time'],
    [{ backupId: 'bkp_1', into: 'elsewhere' }, 'into'], [{ backupId: 'bkp_1', into: 'inPlace', name: 'shop-2' }, 'name'],
  ])('that is asked for wrongly, as by %j, is refused', async (body, field) => {
    const answer = await restore(body);
    expect(answer.body).toMatchObject({ status: 400, errors: [{ field }] });
  });

  it('of an unknown backup, or by somebody else, is refused', async () => {
    expect((await restore({ backupId: 'bkp_01hzy3v7q8k2w5n9t4r6x1m0pa', into: 'new' })).body).toMatchObject({ status: 409, type: expect.stringMatching(/backup-not-stored$/) as string });
    expect((await restore({ backupId: backup.id, into: 'new' }, (await api.customer()).key)).status).toBe(404);
  });
});

describe('a data centre that is lost for good', () => {
  it('shows its plan first, restores what is left nowhere else, and reports what that cost', async () => {
    const { id } = await api.database(ada.id, 'doomed', 'oceania');
    const { operation } = (await api.post(`/v1/databases/${id}/backups`, undefined, { key: ada.key })).body;
    expect(await api.ended(operation.id)).toMatchObject({ state: 'succeeded' });
    const { instances, endpoint } = (await api.get(`/v1/databases/${id}`)).body as { instances: { role: string; host: string; dataCenter: string }[]; endpoint: object };
    const of = (role: string) => instances.find((instance) => instance.role === role)!;
    await api.query(`UPDATE hosts SET state = 'lost' WHERE id = '${of('standby').host}'`);

    const path = `/v1/data-centers/${of('primary').dataCenter}/lost`;
    const { plan } = (await api.post(`${path}?plan=true`)).body;
    expect(plan).toMatchObject({ restores: 1, primaries: 1, moves: [{ databaseId: id, by: 'restore', mayLose: 'not-archived', source: { site: 'toronto' } }] });
    expect(plan.moves[0].to).not.toBeNull();

    const accepted = await api.post(path);
    expect(accepted.status).toBe(202);
    const { steps } = await api.ended(accepted.body.operation.id) as { steps: { detail: { done: object; recoveries: { rtoSeconds: number }[] } }[] };
    expect(steps[0]!.detail).toMatchObject({ done: { 'restore-in-place': 1 }, failed: [], recoveries: [{ databaseId: id, by: 'restore-in-place' }] });
    expect(steps[0]!.detail.recoveries[0]!.rtoSeconds).toBeGreaterThan(0);
    // One data centre is left, so that there is nowhere for a standby.
    const after = (await api.get(`/v1/databases/${id}`)).body;
    expect(after).toMatchObject({ state: 'degraded', inSync: false, endpoint });
    expect(after.instances.find(({ role }: { role: string }) => role === 'primary')).toMatchObject({ dataCenter: of('standby').dataCenter, state: 'running' });

    // As soon as there is, it gets one by itself.
    const hosts = (await api.get('/v1/hosts?limit=100')).body.data as { id: string; dataCenter: string }[];
    for (const host of hosts.filter(({ dataCenter }) => dataCenter === of('primary').dataCenter)) expect((await api.post(`/v1/hosts/${host.id}/undrain`)).status).toBe(200);
    await expect.poll(async () => (await api.get(`/v1/databases/${id}`)).body, { timeout: 30_000 }).toMatchObject({ state: 'available', inSync: true });
  }, 60_000);
});

describe('a deleted database', () => {
  it('can be brought back until it is purged, and deleted again', async () => {
    expect((await api.post(`/v1/databases/${databaseId}/undelete`, undefined, { key: ada.key })).body).toMatchObject({ status: 409, type: expect.stringMatching(/database-not-deleted$/) as string });
    const endpoint = (await api.get(`/v1/databases/${databaseId}`)).body.endpoint;
    const gone = (await api.call('DELETE', `/v1/databases/${databaseId}`, { key: ada.key })).body;
    await api.ended(gone.operation.id);
    expect((await api.get(`/v1/databases/${databaseId}/backups`, { key: ada.key })).body.data.length).toBeGreaterThan(0);

    const { status, body } = await api.post(`/v1/databases/${databaseId}/undelete`, undefined, { key: ada.key });
    expect([status, body.database.deletedAt, body.database.purgeAt]).toEqual([202, null, null]);
    expect(await api.ended(body.operation.id)).toMatchObject({ kind: 'restore', state: 'succeeded' });
    expect((await api.get(`/v1/databases/${databaseId}`)).body).toMatchObject({ state: 'available', endpoint });

    const again = (await api.call('DELETE', `/v1/databases/${databaseId}`, { key: ada.key })).body;
    expect(again.operation.id).not.toBe(gone.operation.id);
    await api.ended(again.operation.id);
    expect((await api.call('DELETE', `/v1/databases/${databaseId}`, { key: ada.key })).body.operation.id).toBe(again.operation.id);
  });

  it('comes back under another name where its own is taken, with the endpoint that it had', async () => {
    const { id } = await api.database(ada.id, 'ledger');
    const { endpoint } = (await api.get(`/v1/databases/${id}`)).body;
    await api.ended((await api.call('DELETE', `/v1/databases/${id}`, { key: ada.key })).body.operation.id);
    await api.database(ada.id, 'ledger');
    const path = `/v1/databases/${id}/undelete`;
    expect((await api.post(path, undefined, { key: ada.key })).body).toMatchObject({
      status: 409, type: expect.stringMatching(/name-taken$/) as string, detail: expect.stringContaining('send another "name"') as string, errors: [{ field: 'name' }],
    });
    expect((await api.post(path, { name: 'Ledger!' }, { key: ada.key })).body).toMatchObject({ status: 400, type: expect.stringMatching(/invalid-name$/) as string });
    const { status, body } = await api.post(path, { name: 'ledger-of-old' }, { key: ada.key });
    expect([status, body.database.name]).toEqual([202, 'ledger-of-old']);
    expect(await api.ended(body.operation.id)).toMatchObject({ state: 'succeeded' });
    expect((await api.get(`/v1/databases/${id}`)).body).toMatchObject({ name: 'ledger-of-old', state: 'available', endpoint });
  });

  it('keeps the name that it had when it could not be brought back under another', async () => {
    const { id } = await api.database(ada.id, 'diary');
    await api.ended((await api.call('DELETE', `/v1/databases/${id}`, { key: ada.key })).body.operation.id);
    api.engine.fail('restore', { kind: 'permanent', times: Infinity, databaseId: id });
    const { body } = await api.post(`/v1/databases/${id}/undelete`, { name: 'diary-2' }, { key: ada.key });
    expect(await api.ended(body.operation.id)).toMatchObject({ state: 'failed' });
    api.engine.heal('restore');
    expect((await api.get(`/v1/databases/${id}`)).body).toMatchObject({ name: 'diary', state: 'deleted' });
  });

  it('is gone for good with its backups once it is purged', async () => {
    api.engine.backups.thaw(databaseId);
    await api.query(`UPDATE databases SET purge_at = now() WHERE id = $1`, [databaseId]);
    await expect.poll(() => api.engine.backups.leftovers(databaseId), { timeout: 20_000 }).toEqual([]);
    await expect.poll(() => api.query('SELECT sealed_key FROM backup_sets WHERE database_id = $1', [databaseId]), { timeout: 20_000 }).toEqual([{ sealed_key: null }]);
    expect((await api.get(`/v1/databases/${databaseId}`, { key: ada.key })).status).toBe(404);
    expect((await api.post(`/v1/databases/${databaseId}/undelete`, undefined, { key: ada.key })).status).toBe(404);
  });
});

describe('a database that is deleted before a backup of it is stored', () => {
  const remove = (id: string, query = '') => api.call('DELETE', `/v1/databases/${id}${query}`, { key: ada.key });
  const secureOf = ({ steps }: { steps: { name: string; state: string; detail: Record<string, string> | null }[] }) => steps.find(({ name }) => name === 'secure')!;
  const secured = async (id: string) => secureOf((await api.get(`/v1/operations/${id}`)).body);
  const sites = () => api.engine.backups.sites().filter(({ kind }) => kind === 'live').map(({ id }) => id);

  it('goes once one is, which is made for it, and can be brought back', async () => {
    const { id } = await api.database(ada.id, 'hasty');
    const { operation } = (await remove(id)).body;
    const ended = await api.ended(operation.id);
    expect(ended).toMatchObject({ state: 'succeeded' });
    expect(secureOf(ended as never).detail).toEqual({ backup: expect.stringMatching(/^bkp_/) as string });
    const { body } = await api.post(`/v1/databases/${id}/undelete`, undefined, { key: ada.key });
    expect(await api.ended(body.operation.id)).toMatchObject({ state: 'succeeded' });
  });

  it('waits while no site can take one, says so, and goes on by itself once one can, its automation paused or not', async () => {
    const { id } = await api.database(ada.id, 'patient');
    expect((await api.post(`/v1/databases/${id}/automation`, { paused: true, reason: 'a test' })).status).toBe(200);
    await api.query(`UPDATE backups SET expired_at = now() WHERE database_id = $1`, [id]);
    for (const site of sites()) api.engine.backups.down.set(site, 'unplugged');
    const { operation } = (await remove(id)).body;
    try {
      await expect.poll(() => secured(operation.id), { timeout: 60_000 }).toMatchObject({ state: 'running', detail: { waitingFor: expect.stringMatching(/no backup of it is stored yet.*withoutBackup=true/) as string } });
      expect((await api.get(`/v1/databases/${id}`)).body).toMatchObject({ state: 'deleting' });
      expect((await remove(id)).body.operation.id).toBe(operation.id);
    } finally {
      api.engine.backups.down.clear();
    }
    expect(await api.ended(operation.id)).toMatchObject({ state: 'succeeded' });
    expect((await api.get(`/v1/databases/${id}/backups`, { key: ada.key })).body.data[0]).toMatchObject({ copies: expect.arrayContaining([expect.objectContaining({ state: 'stored' })]) as unknown });
  });

  it('goes at once for whoever does not want it back, and says so while it waits, too', async () => {
    const { id } = await api.database(ada.id, 'unwanted');
    await api.query(`UPDATE backups SET expired_at = now() WHERE database_id = $1`, [id]);
    for (const site of sites()) api.engine.backups.down.set(site, 'unplugged');
    try {
      const { operation } = (await remove(id)).body;
      await expect.poll(() => secured(operation.id), { timeout: 60_000 }).toMatchObject({ state: 'running' });
      expect((await remove(id, '?withoutBackup=true')).body.operation.id).toBe(operation.id);
      const ended = await api.ended(operation.id);
      expect(ended).toMatchObject({ state: 'succeeded' });
      expect(secureOf(ended as never).detail).toMatchObject({ because: expect.stringContaining('cannot be brought back') as string });
    } finally {
      api.engine.backups.down.clear();
    }
    expect((await api.post(`/v1/databases/${id}/undelete`, undefined, { key: ada.key })).body).toMatchObject({ status: 409, type: expect.stringMatching(/backup-not-stored$/) as string });
  });
});
