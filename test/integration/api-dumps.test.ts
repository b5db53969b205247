import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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

  it('of somebody else does not exist', async () => {
    expect((await api.get(path(), { key: (await api.customer()).key })).status).toBe(404);
  });
});
