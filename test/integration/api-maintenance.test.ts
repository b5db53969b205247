import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../support/test-api.js';

let api: TestApi;
beforeAll(async () => { api = await startTestApi(); });
afterAll(() => api?.close());

const HOUR_MS = 3_600_000;
/** A Saturday at two in the morning in the zone of Berlin, four weeks ahead or more; such nights have no change of clocks at that hour. */
function saturdayNight(weeks: number): Date {
  const day = new Date(Date.now() + (28 + 7 * weeks) * 24 * HOUR_MS);
  day.setUTCDate(day.getUTCDate() + (6 - day.getUTCDay()));
  day.setUTCHours(1, 0, 0, 0);
  return day;
}
const windowAt = (startsAt: Date, minutes = 60, more: object = {}) =>
  ({ region: 'europe', startsAt: startsAt.toISOString(), endsAt: new Date(startsAt.getTime() + minutes * 60_000).toISOString(), ...more });
const plan = (body: unknown, options = {}) => api.post('/v1/maintenance-windows', body, options);

describe('a maintenance window', () => {
  it('is planned by an operator, seen by everybody, and called off once', async () => {
    const { status, body } = await plan(windowAt(saturdayNight(0)));
    expect({ status, body }).toMatchObject({ status: 201, body: { region: 'europe', host: null, timeZone: 'Europe/Berlin', state: 'planned', urgent: false, reason: null } });
    expect((await api.get(`/v1/maintenance-windows/${body.id}`, { key: null })).body).toEqual(body);
    expect((await api.get('/v1/maintenance-windows?region=europe&state=planned', { key: null })).body.data).toEqual([body]);
    expect((await api.get('/v1/maintenance-windows?region=oceania', { key: null })).body.data).toEqual([]);
    for (let times = 0; times < 2; times += 1) {
      expect((await api.call('DELETE', `/v1/maintenance-windows/${body.id}`)).body).toMatchObject({ id: body.id, state: 'cancelled' });
    }
    expect((await api.get('/v1/maintenance-windows?state=planned', { key: null })).body.data).toEqual([]);
    expect(await api.query('SELECT action, result, detail->>$2 AS region FROM audit_events WHERE subject_id = $1 ORDER BY id', [body.id, 'region'])).toEqual([
      { action: 'maintenance-window.create', result: 'done', region: 'europe' },
      { action: 'maintenance-window.cancel', result: 'done', region: null },
      { action: 'maintenance-window.cancel', result: 'done', region: null },
    ]);
  });

  it('is refused with all that is wrong and with the nearest times, which are taken', async () => {
    const noon = saturdayNight(4);
    noon.setUTCDate(noon.getUTCDate() + 3);
    noon.setUTCHours(11);
    const { status, body } = await plan(windowAt(noon));
    expect({ status, body }).toMatchObject({ status: 422, body: { errors: [{ field: 'startsAt', message: expect.stringContaining('Europe/Berlin') }] } });
    expect(body.nearest).toHaveLength(2);
    const [before] = body.nearest as { startsAt: string; endsAt: string }[];
    expect(await plan({ region: 'europe', ...before })).toMatchObject({ status: 201 });
  });

  it('has the same answer for the same request, and one of two at once loses', async () => {
    const at = windowAt(saturdayNight(40));
    const key = { headers: { 'idempotency-key': 'window-1' } };
    const [one, other] = await Promise.all([plan(at, key), plan(at, key)]);
    expect(one.body).toEqual(other.body);
    const night = saturdayNight(44);
    const both = await Promise.all([plan(windowAt(night, 60, { reason: 'a disk' })), plan(windowAt(night, 60, { reason: 'a disk', host: (await hostOf('europe')) }))]);
    expect(both.map(({ status }) => status).sort()).toEqual([201, 422]);
  });

  it('may be urgent, with a reason, and is over when it has ended', async () => {
    const startsAt = new Date(Date.now() + 1_000);
    expect(await plan({ ...windowAt(startsAt, 60), region: 'americas', urgent: true })).toMatchObject({ status: 422, body: { errors: [{ field: 'reason' }] } });
    const { body } = await plan({ ...windowAt(startsAt, 60), region: 'americas', urgent: true, reason: 'a hole' });
    expect(body).toMatchObject({ urgent: true, reason: 'a hole' });
    await expect.poll(async () => (await api.get(`/v1/maintenance-windows/${body.id}`)).body.state, { timeout: 10_000 }).toBe('running');
    await api.query(`UPDATE maintenance_windows SET starts_at = starts_at - interval '2 hours', ends_at = ends_at - interval '2 hours' WHERE id = $1`, [body.id]);
    expect(await api.call('DELETE', `/v1/maintenance-windows/${body.id}`)).toMatchObject({ status: 409, body: { type: expect.stringContaining('window-over') } });
  });

  it.each([
    [{}, ['startsAt', 'endsAt']],
    [{ ...windowAt(saturdayNight(1)), region: undefined }, ['region']],
    [{ ...windowAt(saturdayNight(1)), startsAt: '2026-12-05 02:00' }, ['startsAt']],
    [{ ...windowAt(saturdayNight(1)), startsAt: '2026-12-05T02:00:00' }, ['startsAt']],
    [{ ...windowAt(saturdayNight(1)), reason: '' }, ['reason']],
    [{ ...windowAt(saturdayNight(1)), timeZone: 'Mars/Olympus' }, ['timeZone']],
    [{ ...windowAt(saturdayNight(1)), urgent: 'yes' }, ['urgent']],
  ])('is refused where its form is wrong: %j', async (body, fields) => {
    const answer = await plan(body);
    expect(answer.status).toBe(400);
    expect((answer.body.errors as { field: string }[]).map(({ field }) => field).sort()).toEqual([...fields].sort());
  });

  it.each<[{ region?: string; host?: string }, string]>([
    [{ region: 'atlantis' }, 'unknown-region'], [{ host: 'hst_nowhere' }, 'unknown-host'], [{ region: 'oceania', host: 'a host of europe' }, 'unknown-host'],
  ])('is refused for a place that is none: %j', async (where, problem) => {
    const host = where.host === undefined ? {} : { host: where.host === 'hst_nowhere' ? where.host : await hostOf('europe') };
    const { region: _, ...window } = windowAt(saturdayNight(30));
    expect(await plan({ ...window, ...where, ...host })).toMatchObject({ status: 422, body: { type: expect.stringContaining(problem) } });
  });
});

async function hostOf(region: string): Promise<string> {
  return ((await api.get('/v1/hosts?limit=100')).body.data as { id: string; region: string }[]).find((host) => host.region === region)!.id;
}
