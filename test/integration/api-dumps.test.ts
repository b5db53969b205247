import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DumpSlots } from '../../src/backups/dump-slots.js';
import { startTestApi, type TestApi } from '../support/test-api.js';

let api: TestApi;
let ada: { id: string; key: string };
let databaseId: string;

beforeAll(async () => {
  api = await startTestApi();
  ada = await api.customer();
  databaseId = (await api.database(ada.id, 'shop')).id;
});
afterAll(() => api?.close());

const path = () => `/v1/databases/${databaseId}/dump`;

/** A dump whose end the test decides on. */
function openDump(): { feed: Readable } {
  const feed = new Readable({ read() {} });
  api.engine.backups.dumps = feed;
  return { feed };
}

/** Begins to download, and answers once the headers are there. */
async function begin(): Promise<IncomingMessage> {
  const request = get(`${api.url}${path()}`, { headers: { authorization: `Bearer ${ada.key}` } });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response;
}

describe('a dump', () => {
  it('is streamed as a file with a name', async () => {
    api.engine.backups.dumps = ['PGDMP', 'the data'];
    const answer = await api.get(path(), { key: ada.key });
    expect([answer.status, answer.text, answer.headers.get('content-type')]).toEqual([200, 'PGDMPthe data', 'application/octet-stream']);
    expect(answer.headers.get('content-disposition')).toMatch(/^attachment; filename="shop-\d{8}T\d{6}Z\.dump"$/);
  });

  it('that fails midway is cut off and does not end', async () => {
    const { feed } = openDump();
    feed.push('PGDMP');
    const response = await begin();
    response.resume();
    feed.destroy(new Error('the server went away'));
    await expect(once(response, 'end')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(response.complete).toBe(false);
  });

  it('that fails before its first byte is a problem', async () => {
    api.engine.backups.dumps = [new Error('the server went away')];
    expect((await api.get(path(), { key: ada.key })).status).toBe(500);
  });

  it('ends with its client, and a third one at once waits', async () => {
    const { feed } = openDump();
    feed.push('PGDMP');
    const one = await begin();
    const { feed: other } = openDump();
    other.push('PGDMP');
    const two = await begin();
    const refused = await api.get(path(), { key: ada.key });
    expect([refused.status, refused.body.type, Number(refused.headers.get('retry-after')) > 0]).toEqual([429, expect.stringMatching(/too-many-dumps$/), true]);
    one.destroy();
    await expect.poll(() => feed.destroyed).toBe(true);
    two.destroy();
    await expect.poll(() => other.destroyed).toBe(true);
    api.engine.backups.dumps = ['PGDMP'];
    expect((await api.get(path(), { key: ada.key })).status).toBe(200);
  });

  it('is counted with those of other processes', async () => {
    const other = new DumpSlots(api.ground.settings);
    const giveBack = await other.take(databaseId);
    const { feed } = openDump();
    feed.push('PGDMP');
    const one = await begin();
    expect([(await api.get(path(), { key: ada.key })).status, await other.take(databaseId)]).toEqual([429, undefined]);
    one.destroy();
    await expect.poll(() => feed.destroyed).toBe(true);
    await giveBack!();
    const third = await other.take(databaseId);
    expect(await other.take(databaseId)).toBeDefined();
    expect(third).toBeDefined();
    // A process that dies gives back what it had.
    await other.onModuleDestroy();
    api.engine.backups.dumps = ['PGDMP'];
    expect((await api.get(path(), { key: ada.key })).status).toBe(200);
  });

  it('of somebody else does not exist', async () => {
    expect((await api.get(path(), { key: (await api.customer()).key })).status).toBe(404);
  });
});

describe('a link to a dump', () => {
  const make = async (body?: object) => api.post(`/v1/databases/${databaseId}/dump-links`, body, { key: ada.key });
  const follow = (url: string, method = 'GET') => fetch(url, { method });

  it('is used once and needs no key, and looking at it does not use it up', async () => {
    api.engine.backups.dumps = ['PGDMP', 'the data'];
    const { status, body } = await make();
    expect([status, Date.parse(body.expiresAt) > Date.now()]).toEqual([201, true]);
    expect((await follow(body.url, 'HEAD')).status).toBe(200);
    const answer = await follow(body.url);
    expect([answer.status, await answer.text(), answer.headers.get('cache-control'), answer.headers.get('referrer-policy')]).toEqual([200, 'PGDMPthe data', 'no-store', 'no-referrer']);
    expect(answer.headers.get('content-disposition')).toMatch(/^attachment; filename="shop-/);
    const again = await follow(body.url);
    expect([again.status, again.headers.get('content-type')]).toEqual([404, 'application/problem+json; charset=utf-8']);
    expect((await follow(body.url, 'HEAD')).status).toBe(404);
  });

  it('of two at once serves one', async () => {
    api.engine.backups.dumps = ['PGDMP'];
    const { url } = (await make()).body;
    const answers = await Promise.all([follow(url), follow(url)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 404]);
    await Promise.all(answers.map((answer) => answer.text()));
  });

  it('by which nothing was sent can be used again', async () => {
    api.engine.backups.dumps = [new Error('the server went away')];
    const { url } = (await make()).body;
    expect((await follow(url)).status).toBe(500);
    api.engine.backups.dumps = ['PGDMP'];
    expect((await follow(url)).status).toBe(200);
  });

  it('ends with its time and with the key that made it', async () => {
    const { url } = (await make({ validForSeconds: 60 })).body;
    await api.query(`UPDATE dump_links SET expires_at = now() WHERE used_at IS NULL`);
    expect((await follow(url)).status).toBe(404);
    const key = (await api.post(`/v1/customers/${ada.id}/api-keys`, { name: 'passing' })).body as { id: string; key: string };
    const second = (await api.post(`/v1/databases/${databaseId}/dump-links`, undefined, { key: key.key })).body;
    await api.call('DELETE', `/v1/customers/${ada.id}/api-keys/${key.id}`);
    expect((await follow(second.url)).status).toBe(404);
  });

  it('is refused for too long a time, to somebody else, and with a token that is none', async () => {
    expect((await make({ validForSeconds: 86_401 })).body).toMatchObject({ status: 400, errors: [{ field: 'validForSeconds' }] });
    expect((await api.post(`/v1/databases/${databaseId}/dump-links`, undefined, { key: (await api.customer()).key })).status).toBe(404);
    expect((await follow(`${api.url}/v1/dump-links/nonsense`)).status).toBe(404);
  });
});
