import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AuditRecord, hashOfLink, NO_HASH } from '../../src/changes/audit/audit-record.js';
import { AuditTrail } from '../../src/changes/audit/audit-trail.js';
import { RECORD_COLUMNS } from '../../src/changes/audit/verify-chain.js';
import { systemCaller } from '../../src/changes/caller.js';
import { eventually, freePort } from '../support/servers.js';
import { startTestApi, type TestApi } from '../support/test-api.js';

let api: TestApi;
let ada: { id: string; key: string };
let bob: { id: string; key: string };
let shop: { id: string; operationId: string };

interface Event {
  readonly id: string;
  readonly action: string;
  readonly result: string;
  readonly subjectId: string | null;
  readonly customerId: string | null;
  readonly actor: string;
  readonly at: string;
  readonly sequence: number | null;
}

beforeAll(async () => {
  api = await startTestApi({ settings: { FREEHOLD_AUDIT_PUBLISH_EVERY_MS: '1000' } });
  [ada, bob] = [await api.customer(), await api.customer()];
  shop = await api.database(ada.id, 'shop');
  await api.database(bob.id, 'shop');
});
afterAll(() => api?.close());

const eventsOf = async (query: string, key?: string): Promise<Event[]> =>
  (await api.get(`/v1/audit-events?limit=200&${query}`, key === undefined ? {} : { key })).body.data as Event[];
const verification = async (query = ''): Promise<{ valid: boolean; entries: number; waiting: number; hash: string; anchors: { kept: number }; findings: { kind: string; eventId: string | null; sequence: number | null }[] }> =>
  (await api.get(`/v1/audit-events/verification${query}`)).body;
const chained = () => eventually('every entry has its place', async () => (await verification()).waiting === 0, 15_000);

describe('what is written down', () => {
  it('is also a read that the reader may not make, and not one of what is not there', async () => {
    const path = `/v1/hosts/hst_nothing`;
    expect((await api.get(path, { key: ada.key, headers: { 'x-request-id': 'refused-read-1' } })).status).toBe(403);
    expect((await api.get('/v1/alerts', { key: ada.key })).status).toBe(403);
    expect(await eventsOf('action=host.read&result=refused')).toMatchObject([{ subjectId: 'hst_nothing', customerId: null, requestId: 'refused-read-1', address: '127.0.0.1', detail: { problem: 'forbidden' } }]);
    expect(await eventsOf('action=alert.list&result=refused')).toHaveLength(1);
    expect((await api.get(`/v1/databases/${shop.id}`, { key: bob.key })).status).toBe(404);
    expect(await eventsOf(`action=database.read&result=refused`)).toEqual([]);
  });

  it('is also that the work itself finds that there is no such thing', async () => {
    const missing = 'bkp_01hzy3v7q8k2w5n9t4r6x1m0pa';
    expect((await api.post(`/v1/databases/${shop.id}/backups/${missing}/verify`, undefined, { key: ada.key })).status).toBe(404);
    expect(await eventsOf('action=backup.verify', ada.key)).toMatchObject([]);
    expect(await eventsOf('action=backup.verify')).toMatchObject([{ result: 'refused', subjectId: shop.id, detail: { problem: 'not-found' } }]);
  });

  it('is found by action, actor, subject, result, database and time', async () => {
    const all = await eventsOf('');
    const now = new Date().toISOString();
    expect(await eventsOf(`since=${now}`)).toEqual([]);
    expect((await eventsOf(`until=${now}`)).length).toBe(all.length);
    const { at } = all.at(-1)!;
    expect((await eventsOf(`since=${encodeURIComponent(at.replace('Z', '+00:00'))}`)).length).toBe(all.length);
    expect(new Set((await eventsOf('actor=key_signup')).map(({ action }) => action))).toEqual(new Set(['customer.create']));
    expect((await eventsOf(`subjectId=${shop.id}&action=database.create`))).toHaveLength(1);
    await api.ground.dataSource.transaction((tx) => new AuditTrail(api.ground.vault).write(tx, systemCaller('test-filter'), {
      action: 'operation.cancel', result: 'done', subjectId: shop.operationId, customerId: null, operationId: shop.operationId,
    }));
    expect((await eventsOf(`databaseId=${shop.id}`)).map(({ action }) => action)).toEqual(expect.arrayContaining(['database.create', 'operation.cancel']));
    expect(await eventsOf(`databaseId=${shop.id}`, bob.key)).toEqual([]);
    expect((await api.get('/v1/audit-events?since=yesterday')).body.errors[0].field).toBe('since');
  });
});

describe('an export', () => {
  it('holds what the list does, oldest first, each reader its own', async () => {
    await chained();
    for (const key of [api.operatorKey, ada.key]) {
      const answer = await api.get('/v1/audit-events/export', { key });
      expect(answer.headers.get('content-type')).toBe('application/x-ndjson');
      const lines = answer.text.trimEnd().split('\n').map((line) => JSON.parse(line) as Event);
      expect(lines).toEqual((await eventsOf('', key)).reverse());
      if (key === ada.key) expect(new Set(lines.map(({ customerId }) => customerId))).toEqual(new Set([ada.id]));
    }
  });

  it('is CSV that no spreadsheet takes for a formula', async () => {
    await api.post('/v1/customers', { name: 'Eve', email: 'eve@example.com' }, { headers: { 'x-request-id': '--formula' } });
    const { text, headers } = await api.get('/v1/audit-events/export?format=csv&action=customer.create');
    expect(headers.get('content-disposition')).toContain('audit.csv');
    const [heading, ...rows] = text.trimEnd().split('\r\n');
    expect(heading).toBe('id,at,actor,action,result,subjectId,customerId,operationId,requestId,address,detail,sequence,hash');
    expect(rows.at(-1)).toMatch(/^aud_.*,customer.create,done,cus_.*,'--formula,127.0.0.1,\{\}/);
    expect(rows).toHaveLength(3);
  });

  it('of more than is read at once is whole', async () => {
    const trail = new AuditTrail(api.ground.vault);
    await api.ground.dataSource.transaction(async (tx) => {
      const entry = { action: 'metadata.recover', result: 'done', subjectId: null, customerId: null } as const;
      for (let n = 1; n <= 600; n += 1) await trail.write(tx, systemCaller('test'), { ...entry, detail: { n } });
    });
    const { text } = await api.get('/v1/audit-events/export?actor=test');
    const numbers = text.trimEnd().split('\n').map((line) => (JSON.parse(line) as { detail: { n: number } }).detail.n);
    expect(numbers).toEqual(Array.from({ length: 600 }, (_, n) => n + 1));
    await chained();
    expect(await verification()).toMatchObject({ valid: true, findings: [] });
  });
});

/** Changes what cannot be changed, as an administrator of the database would. */
async function tamper(statements: string): Promise<void> {
  await api.query(`
    ALTER TABLE audit_events DISABLE TRIGGER USER; ALTER TABLE audit_chain DISABLE TRIGGER USER; ALTER TABLE audit_chain_head DISABLE TRIGGER USER;
    ${statements};
    ALTER TABLE audit_events ENABLE ALWAYS TRIGGER append_only; ALTER TABLE audit_chain ENABLE ALWAYS TRIGGER append_only;
    ALTER TABLE audit_chain ENABLE ALWAYS TRIGGER chained_once; ALTER TABLE audit_chain_head ENABLE ALWAYS TRIGGER append_only`);
}

/** Writes the whole chain anew over what there is, as somebody can who knows how and lacks only the master key. */
async function rechain(): Promise<void> {
  const rows = await api.query<AuditRecord & { seal: Buffer }>(
    `SELECT c.seal, ${RECORD_COLUMNS} FROM audit_chain c JOIN audit_events e ON e.id = c.event_id ORDER BY c.sequence NULLS LAST, c.event_id`);
  const chainedAt = new Date().toISOString();
  let hash = NO_HASH;
  const links = rows.map(({ seal, ...record }, index) => {
    hash = hashOfLink(hash, { sequence: index + 1, chainedAt, seal }, record);
    return `UPDATE audit_chain SET sequence = ${index + 1}, hash = '\\x${hash.toString('hex')}', chained_at = '${chainedAt}' WHERE event_id = '${record.id}'`;
  });
  await tamper(`UPDATE audit_chain SET sequence = -sequence; ${links.join(';')};
    UPDATE audit_chain_head SET sequence = ${rows.length}, hash = '\\x${hash.toString('hex')}'`);
}

describe('the audit', () => {
  const CHANGES = [
    `UPDATE audit_events SET actor = 'nobody'`, 'DELETE FROM audit_events', 'TRUNCATE audit_events', `UPDATE audit_chain SET hash = 'x'`,
    'UPDATE audit_chain SET seal = NULL', 'DELETE FROM audit_chain', 'TRUNCATE audit_chain', 'DELETE FROM audit_chain_head', 'TRUNCATE audit_chain_head',
  ];

  /** A role like that of the embedded metadata: it owns the tables, and is no superuser. */
  async function asOwner(work: (client: pg.Client) => Promise<void>): Promise<void> {
    await api.query(`
      CREATE ROLE audit_test_owner LOGIN; GRANT ALL ON SCHEMA public TO audit_test_owner;
      ALTER TABLE audit_events OWNER TO audit_test_owner; ALTER TABLE audit_chain OWNER TO audit_test_owner; ALTER TABLE audit_chain_head OWNER TO audit_test_owner`);
    const url = new URL(api.ground.settings.DATABASE_URL);
    url.username = 'audit_test_owner';
    const client = new pg.Client(url.href);
    await client.connect();
    await work(client).finally(async () => {
      await client.end();
      await api.query('REASSIGN OWNED BY audit_test_owner TO CURRENT_USER; DROP OWNED BY audit_test_owner; DROP ROLE audit_test_owner');
    });
  }

  it('takes no change and no removal from any role that the API and the workers use, nor from its owner or a superuser', async () => {
    await chained();
    const before = await api.query('SELECT * FROM audit_events e JOIN audit_chain c ON c.event_id = e.id ORDER BY e.id');
    expect(before.length).toBeGreaterThan(10);
    for (const change of CHANGES) {
      for (const role of ['freehold_tenant', 'freehold_tenant_writer']) {
        await expect(api.query(`SET LOCAL ROLE ${role}; ${change}`), `${role}: ${change}`).rejects.toThrow(/permission denied/);
      }
      await expect(api.query(change), `superuser: ${change}`).rejects.toThrow(/only ever added to/);
      await expect(api.query(`SET LOCAL session_replication_role = replica; ${change}`), `replica: ${change}`).rejects.toThrow(/only ever added to/);
    }
    await asOwner(async (client) => {
      for (const change of CHANGES) await expect(client.query(change), `owner: ${change}`).rejects.toThrow(/only ever added to/);
    });
    expect(await api.query('SELECT * FROM audit_events e JOIN audit_chain c ON c.event_id = e.id ORDER BY e.id')).toEqual(before);
  });

  it('publishes its newest hash outside the database', async () => {
    const published = async (): Promise<{ sequence: number; hash: string }[]> =>
      readFileSync(api.anchorPath, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as { sequence: number; hash: string });
    await api.customer();
    await chained();
    const { hash, entries } = await verification();
    await eventually('it is published', async () => (await published()).some((anchor) => anchor.hash === hash && anchor.sequence === entries));
    expect((await verification(`?anchors=${entries}:${hash},${entries}:${hash}@2026-11-24T10:00:00.000Z`)).valid).toBe(true);
    for (const malformed of ['x', `1:${hash},`, `1:${hash}@yesterday`]) expect((await api.get(`/v1/audit-events/verification?anchors=${malformed}`)).body.errors[0].field).toBe('anchors');
    expect((await verification(`?anchors=${entries}:${'0'.repeat(64)}`)).findings).toMatchObject([{ kind: 'rewritten', sequence: entries }]);
    expect((await verification(`?anchors=${entries + 7}:${hash}`)).findings).toMatchObject([{ kind: 'truncated', sequence: entries + 7 }]);
  });
});

describe('a verification', () => {
  beforeAll(async () => {
    await chained();
    await api.stopWorker();
    expect(await verification()).toMatchObject({ valid: true, findings: [] });
    await api.query('CREATE TABLE saved_events AS SELECT * FROM audit_events; CREATE TABLE saved_chain AS SELECT * FROM audit_chain; CREATE TABLE saved_head AS SELECT * FROM audit_chain_head');
  });

  /** What is found after that; afterwards all is as it was. */
  async function found(statements: string, more = async (): Promise<void> => undefined): Promise<string[]> {
    await tamper(statements);
    await more();
    const { findings, valid } = await verification();
    expect(valid).toBe(findings.length === 0);
    await tamper(`DELETE FROM audit_events; DELETE FROM audit_chain; DELETE FROM audit_chain_head;
      INSERT INTO audit_events SELECT * FROM saved_events; INSERT INTO audit_chain SELECT * FROM saved_chain; INSERT INTO audit_chain_head SELECT * FROM saved_head`);
    expect((await verification()).valid).toBe(true);
    return findings.map(({ kind, sequence }) => `${kind} ${sequence}`);
  }
  const fourth = '(SELECT event_id FROM audit_chain WHERE sequence = 4)';

  it('tells what was changed', async () => {
    expect(await found(`UPDATE audit_events SET actor = 'key_innocent' WHERE id = ${fourth}`)).toEqual(['changed 4']);
    expect(await found(`UPDATE audit_events SET at = at - interval '1 day' WHERE id = ${fourth}`)).toEqual(['changed 4']);
    expect(await found(`UPDATE audit_events SET detail = detail || '{"forged": true}' WHERE id = ${fourth}`)).toEqual(['changed 4']);
  });

  it('tells what was removed', async () => {
    expect(await found(`DELETE FROM audit_events WHERE id = ${fourth}`)).toEqual(['removed 4']);
    expect(await found(`DELETE FROM audit_events WHERE id = ${fourth}; DELETE FROM audit_chain WHERE sequence = 4`)).toContain('removed 4');
  });

  it('tells what was inserted', async () => {
    const insert = `INSERT INTO audit_events (id, actor, action) VALUES ('aud_forged', 'key_innocent', 'database.delete')`;
    expect(await found(insert)).toEqual(['inserted null']);
    const seal = `decode(repeat('ab', 32), 'hex')`;
    const kinds = await found(`${insert}; INSERT INTO audit_chain (event_id, seal) VALUES ('aud_forged', ${seal})`, rechain);
    expect(kinds.filter((kind) => kind.startsWith('inserted'))).toHaveLength(1);
  });

  it('tells what was put into another order', async () => {
    const kinds = await found('UPDATE audit_chain SET sequence = -sequence WHERE sequence IN (4, 5); UPDATE audit_chain SET sequence = CASE sequence WHEN -4 THEN 5 ELSE 4 END WHERE sequence < 0');
    expect(kinds).toEqual(expect.arrayContaining(['reordered 4', 'reordered 5']));
  });

  it('tells that the chain was cut off, and that it was written anew, by what was published', async () => {
    const [{ last }] = await api.query<{ last: number }>('SELECT sequence::integer AS last FROM audit_chain_head') as [{ last: number }];
    const cut = `DELETE FROM audit_events WHERE id IN (SELECT event_id FROM audit_chain WHERE sequence > ${last - 3}); DELETE FROM audit_chain WHERE sequence > ${last - 3}`;
    expect(await found(cut)).toContain(`truncated ${last - 2}`);
    const withHead = `${cut}; UPDATE audit_chain_head SET sequence = ${last - 3}, hash = (SELECT hash FROM audit_chain WHERE sequence = ${last - 3})`;
    const unnoted = await found(withHead);
    expect(unnoted).toContain(`truncated ${last}`);
    expect(unnoted.filter((kind) => !kind.startsWith('truncated'))).toEqual([]);
    const rewritten = await found(`DELETE FROM audit_events WHERE id = ${fourth}; DELETE FROM audit_chain WHERE sequence = 4`, rechain);
    expect(rewritten.length).toBeGreaterThan(0);
    expect(new Set(rewritten.map((kind) => kind.split(' ')[0]))).toEqual(new Set(['rewritten', 'truncated']));
  });
});

describe('a worker', () => {
  it('sends the newest hash to where it is told to', async () => {
    const received: string[] = [];
    const receiver = createServer((request, response) => {
      request.on('data', (chunk: Buffer) => received.push(chunk.toString())).on('end', () => response.writeHead(204).end());
    });
    const port = await freePort();
    await new Promise<void>((resolve) => receiver.listen(port, '127.0.0.1', resolve));
    const own = await startTestApi({ settings: { FREEHOLD_AUDIT_WEBHOOK: `http://127.0.0.1:${port}/audit` } });
    await own.customer();
    const sent = JSON.parse(await eventually('it is sent', () => received.join(''), 15_000)) as { sequence: number; hash: string };
    expect(await own.query(`SELECT encode(hash, 'hex') AS hash FROM audit_chain WHERE sequence = $1`, [sent.sequence])).toEqual([{ hash: sent.hash }]);
    await own.close();
    receiver.close();
  });

  it('raises an alert when the audit is not what it was, and takes it back when it is again', async () => {
    const own = await startTestApi({ settings: { FREEHOLD_AUDIT_VERIFY_EVERY_MS: '1000' } });
    const alerts = async (): Promise<{ kind: string; state: string; severity: string; message: string }[]> => (await own.get('/v1/alerts')).body.data;
    await own.customer();
    await eventually('every entry has its place', async () => (await own.query('SELECT FROM audit_chain WHERE sequence IS NULL')).length === 0);
    const setActor = (actor: string) => own.query(`ALTER TABLE audit_events DISABLE TRIGGER USER; UPDATE audit_events SET actor = '${actor}' WHERE action = 'customer.create'; ALTER TABLE audit_events ENABLE ALWAYS TRIGGER append_only`);
    await setActor('key_innocent');
    await eventually('the alert is open', async () => (await alerts()).find(({ kind, state, severity }) => kind === 'audit' && state === 'open' && severity === 'critical'), 20_000);
    await setActor('key_signup');
    await eventually('the alert is resolved', async () => (await alerts()).find(({ kind, state }) => kind === 'audit' && state === 'resolved'), 20_000);
    await own.close();
  });
});
