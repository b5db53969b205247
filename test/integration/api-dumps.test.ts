import { once } from 'node:events';
import { createHash } from 'node:crypto';
import { createServer, get, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FreeholdClient, ProblemError } from '../../clients/typescript/src/client.js';
import { DumpSlots } from '../../src/backups/dumps/dump-slots.js';
import { EngineError } from '../../src/engine/errors.js';
import { startTestApi, type TestApi } from '../support/test-api.js';

let api: TestApi;
let ada: { id: string; key: string };
let databaseId: string;

beforeAll(async () => {
  api = await startTestApi({ settings: { FREEHOLD_DUMP_STALL_SECONDS: '1' } });
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

  it('is of the primary, where DDL waits for it and unlogged tables have their rows', async () => {
    api.engine.backups.dumps = ['PGDMP'];
    await api.get(path(), { key: ada.key });
    const { instances } = (await api.get(`/v1/databases/${databaseId}`, { key: ada.key })).body as { instances: { id: string; role: string }[] };
    expect(api.engine.backups.dumpedFrom).toBe(instances.find(({ role }) => role === 'primary')!.id);
  });

  it('is of another database of the instance, if that is named', async () => {
    api.engine.backups.dumps = ['PGDMP'];
    const answer = await api.get(`${path()}?database=${encodeURIComponent('odoo "1"')}`, { key: ada.key });
    expect([answer.status, api.engine.backups.dumpedDatabase]).toEqual([200, 'odoo "1"']);
    expect(answer.headers.get('content-disposition')).toMatch(/^attachment; filename="shop-odoo__1_-\d{8}T\d{6}Z\.dump"$/);
    const [event] = (await api.get('/v1/audit-events')).body.data as { action: string; detail: unknown }[];
    expect(event).toMatchObject({ action: 'database.dump', detail: { database: 'odoo "1"' } });
    for (const name of ['freehold', 'template0', 'template1', '', 'x'.repeat(64), 'é'.repeat(32)]) {
      expect(await api.get(`${path()}?database=${encodeURIComponent(name)}`, { key: ada.key }), name).toMatchObject({ status: 400, body: { errors: [{ field: 'database' }] } });
    }
    await api.get(path(), { key: ada.key });
    expect(api.engine.backups.dumpedDatabase).toBeUndefined();
  });

  it('ends with its digest, which the client compares', async () => {
    api.engine.backups.dumps = ['PGDMP', 'the data'];
    const response = await begin();
    const content = Buffer.concat(await (response as Readable).toArray() as Buffer[]);
    const digest = createHash('sha256').update('PGDMPthe data');
    expect([content.toString(), response.headers.trailer, response.trailers]).toEqual(['PGDMPthe data', 'Repr-Digest', { 'repr-digest': `sha-256=:${digest.copy().digest('base64')}:` }]);
    const dump = await new FreeholdClient({ url: api.url, apiKey: ada.key }).dump(databaseId);
    expect(Buffer.concat(await Readable.from(dump.chunks).toArray() as Buffer[]).toString()).toBe('PGDMPthe data');
    expect(dump.digest()).toEqual({ sha256: digest.digest('hex'), confirmed: true });
  });

  it('is told apart by the client from one that was changed on the way, and from one whose digest was dropped', async () => {
    let trailer: string | undefined;
    const server = createServer((_request, response) => {
      response.write('PGDMP');
      if (trailer !== undefined) response.addTrailers({ 'Repr-Digest': trailer });
      response.end('the data');
    }).listen(0, '127.0.0.1');
    try {
      await once(server, 'listening');
      const client = new FreeholdClient({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
      const dropped = await client.dump('db_1');
      await Readable.from(dropped.chunks).toArray();
      expect(dropped.digest().confirmed).toBe(false);
      trailer = `sha-256=:${createHash('sha256').update('PGDMPother data').digest('base64')}:`;
      await expect(Readable.from((await client.dump('db_1')).chunks).toArray()).rejects.toThrow('digest');
    } finally {
      server.close();
    }
  });

  it('reaches a client of HTTP/1.0, which knows no trailers', async () => {
    api.engine.backups.dumps = ['PGDMP', 'the data'];
    const { hostname, port } = new URL(api.url);
    const socket = connect(Number(port), hostname);
    socket.write(`GET ${path()} HTTP/1.0\r\nAuthorization: Bearer ${ada.key}\r\n\r\n`);
    const answer = Buffer.concat(await socket.toArray() as Buffer[]).toString();
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toMatch(/\r\n\r\nPGDMPthe data$/);
  });

  it('whose client hardly takes anything is given up, and the next one gets its place', async () => {
    const block = Buffer.alloc(65_536);
    const endless = (): Readable => {
      const feed = new Readable({ read() { this.push(block); } });
      api.engine.backups.dumps = feed;
      return feed;
    };
    const feeds: Readable[] = [];
    const clients: IncomingMessage[] = [];
    for (let each = 0; each < 2; each += 1) {
      feeds.push(endless());
      const client = await begin();
      client.on('error', () => undefined).once('readable', () => client.read(1));
      clients.push(client);
    }
    expect((await api.get(path(), { key: ada.key })).status).toBe(429);
    // One that takes what it is sent goes on beside them.
    await expect.poll(() => feeds.every((feed) => feed.destroyed), { timeout: 20_000 }).toBe(true);
    api.engine.backups.dumps = ['PGDMP'];
    await expect.poll(async () => (await api.get(path(), { key: ada.key })).status, { timeout: 5_000 }).toBe(200);
    for (const client of clients) client.destroy();
  });

  it('that is slow itself is waited for, and one that is taken fast goes on', async () => {
    const { feed } = openDump();
    feed.push('PGDMP');
    const response = await begin();
    const content = (response as Readable).toArray();
    const begun = Date.now();
    await expect.poll(() => Date.now() - begun, { timeout: 10_000 }).toBeGreaterThan(2_500);
    feed.push('more');
    feed.push(null);
    expect(Buffer.concat(await content as Buffer[]).toString()).toBe('PGDMPmore');
  });

  it('that cannot be made is told so, and not to come back later', async () => {
    api.engine.backups.dumps = [new EngineError('permanent', 'the dump of shop failed: out of shared memory', 'drop what is not needed')];
    const refused = new FreeholdClient({ url: api.url, apiKey: ada.key }).dump(databaseId);
    await expect(refused).rejects.toBeInstanceOf(ProblemError);
    await expect(refused).rejects.toMatchObject({ status: 409, slug: 'not-possible', message: expect.stringContaining('out of shared memory') as string });
    api.engine.backups.dumps = [new EngineError('transient', 'the server went away', 'try again')];
    expect((await api.get(path(), { key: ada.key })).status).toBe(503);
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
