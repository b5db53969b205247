import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { EntityManager } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { confine, withFullRights } from '../../src/metadata/confine.js';
import { Metadata } from '../../src/metadata/metadata.js';
import { queryRows } from '../../src/metadata/query-rows.js';
import { type Answer, startTestApi, type TestApi } from '../support/test-api.js';
import { eventually } from '../support/servers.js';

let api: TestApi;
let ada: { id: string; key: string };
let bob: { id: string; key: string };
let adasDatabase: { id: string; operationId: string };
/** A second signup flow, which signed nobody up. */
let otherSignupKey: string;

beforeAll(async () => {
  api = await startTestApi();
  [ada, bob] = [await api.customer(), await api.customer()];
  [adasDatabase] = await Promise.all([api.database(ada.id), api.database(bob.id)]);
  otherSignupKey = `fh_signup_${randomBytes(32).toString('base64url')}`;
  await api.query(`INSERT INTO api_keys (id, name, hash, scopes) VALUES ('key_other', 'other', sha256($1), '{provision}')`, [otherSignupKey]);
});
afterAll(() => api?.close());

const slugOf = ({ body }: Answer): string => String(body.type).split('/').at(-1)!;
const makeKey = async (customerId: string, body: Record<string, unknown> = {}, key?: string): Promise<Answer> =>
  api.post(`/v1/customers/${customerId}/api-keys`, { name: 'made', ...body }, key ? { key } : {});

/** Every route that is about one customer's thing. */
const ABOUT_ADA: [string, () => string][] = [
  ['GET', () => `/v1/customers/${ada.id}`],
  ['GET', () => `/v1/customers/${ada.id}/api-keys`],
  ['POST', () => `/v1/customers/${ada.id}/api-keys`],
  ['DELETE', () => `/v1/customers/${ada.id}/api-keys/key_01hzy3v7q8k2w5n9t4r6x1m0pa`],
  ['GET', () => `/v1/databases/${adasDatabase.id}`],
  ['DELETE', () => `/v1/databases/${adasDatabase.id}`],
  ['POST', () => `/v1/databases/${adasDatabase.id}/password`],
  ['POST', () => `/v1/databases/${adasDatabase.id}/automation`],
  ['GET', () => `/v1/operations/${adasDatabase.operationId}`],
  ['GET', () => `/v1/operations/${adasDatabase.operationId}/events`],
  ['POST', () => `/v1/operations/${adasDatabase.operationId}/retry`],
  ['POST', () => `/v1/operations/${adasDatabase.operationId}/cancel`],
];
const bodyFor = (method: string, path: string): { body?: unknown } =>
  method !== 'POST' ? {} : path.endsWith('api-keys') ? { body: { name: 'k' } } : path.endsWith('automation') ? { body: { paused: false } } : {};

/** What a request has the metadata database do, whoever and whatever it names. Nothing else asks it for anything meanwhile. */
async function statementsOf(method: string, path: string, key: string): Promise<string[]> {
  const sent: string[] = [];
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is called with the client that it was called on
  const { query } = pg.Client.prototype;
  const spy = vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function spied(this: pg.Client, ...args: unknown[]) {
    const [first] = args as [string | { text: string }];
    sent.push((typeof first === 'string' ? first : first.text).replace(/\b(cus|db|op|key)_[0-9a-z]+/g, '$1_X'));
    return (query as (...all: unknown[]) => never).apply(this, args);
  });
  try {
    expect((await api.call(method, path, { key, ...bodyFor(method, path) })).status).toBe(404);
  } finally {
    spy.mockRestore();
  }
  return sent;
}

describe('another customer', () => {
  beforeAll(() => api.stopWorker());
  afterAll(() => api.startWorker());

  it.each(ABOUT_ADA)('is answered %s as if there were nothing: %s', async (method, pathOf) => {
    const path = pathOf();
    const missing = path.replace(/(cus|db|op)_[0-9a-z]+/, '$1_01hzy3v7q8k2w5n9t4r6x1m0pa');
    for (const key of [bob.key, otherSignupKey]) {
      const [theirs, nobodys] = [await api.call(method, path, { key, ...bodyFor(method, path) }), await api.call(method, missing, { key, ...bodyFor(method, path) })];
      expect(theirs.status).toBe(404);
      const { instance: _a, ...shown } = theirs.body;
      const { instance: _b, ...expected } = nobodys.body;
      expect(shown).toEqual(expected);
      expect(theirs.text).not.toContain(ada.id.slice(8));
    }
  });

  it.each(ABOUT_ADA)('is answered by the same work as if there were nothing, so that the time tells nothing either: %s', async (method, pathOf) => {
    const path = pathOf();
    const missing = path.replace(/(cus|db|op)_[0-9a-z]+/, '$1_01hzy3v7q8k2w5n9t4r6x1m0pa');
    for (const key of [bob.key, otherSignupKey]) {
      const [theirs, nobodys] = [await statementsOf(method, path, key), await statementsOf(method, missing, key)];
      expect(theirs.length).toBeGreaterThan(0);
      expect(theirs).toEqual(nobodys);
    }
  });

  it('finds nothing of others in any list', async () => {
    for (const path of ['/v1/databases', '/v1/operations', '/v1/customers', '/v1/audit-events', `/v1/databases?customerId=${ada.id}`, `/v1/operations?databaseId=${adasDatabase.id}`]) {
      const answer = await api.get(path, { key: bob.key });
      expect(answer.status).toBe(200);
      expect(answer.text).not.toContain(ada.id);
      expect(answer.text).not.toContain(adasDatabase.id);
    }
  });

  it('cannot make a database for somebody else, nor learn whether they exist', async () => {
    const attempt = (customerId: string) => api.post('/v1/databases', { customerId, name: 'mine', region: 'europe' }, { key: bob.key });
    const [ofAda, ofNobody] = [await attempt(ada.id), await attempt('cus_01hzy3v7q8k2w5n9t4r6x1m0pa')];
    expect([ofAda.status, ofNobody.status]).toEqual([404, 404]);
    expect(slugOf(ofAda)).toBe(slugOf(ofNobody));
  });
});

describe('a scope', () => {
  it.each([
    ['GET', () => '/v1/hosts'], ['GET', () => '/v1/hosts/hst_europe-a1'], ['GET', () => '/v1/alerts'],
    ['POST', () => `/v1/operations/${adasDatabase.operationId}/retry`], ['POST', () => `/v1/operations/${adasDatabase.operationId}/cancel`],
    ['POST', () => `/v1/databases/${adasDatabase.id}/automation`],
  ] as [string, () => string][])('of an operator is needed for %s %s', async (method, pathOf) => {
    for (const key of [ada.key, api.signupKey]) {
      const answer = await api.call(method, pathOf(), { key, ...bodyFor(method, pathOf()) });
      expect(slugOf(answer)).toBe('forbidden');
      expect(answer.status).toBe(403);
      expect(answer.body.detail).toContain('"operator"');
    }
  });

  it('to provision makes customers and databases, reads what it made, and no more', async () => {
    const made = await api.post('/v1/databases', { customerId: ada.id, name: 'by-signup', region: 'europe' }, { key: api.signupKey });
    expect(made.status).toBe(202);
    expect((await api.ended(made.body.operation.id)).state).toBe('succeeded');
    const { id } = made.body.database;
    for (const path of [`/v1/databases/${id}`, `/v1/operations/${made.body.operation.id}`, `/v1/customers/${ada.id}`, '/v1/databases']) {
      expect((await api.get(path, { key: api.signupKey })).status).toBe(200);
    }
    const [key] = (await api.get(`/v1/customers/${ada.id}/api-keys`, { key: api.signupKey })).body.data;
    for (const [method, path] of [['DELETE', `/v1/databases/${id}`], ['POST', `/v1/databases/${id}/password`], ['DELETE', `/v1/customers/${ada.id}/api-keys/${key.id}`]] as const) {
      expect((await api.call(method, path, { key: api.signupKey, ...bodyFor(method, path) })).status).toBe(403);
    }
  });

  it('to provision hands a customer that it signed up a key, for that customer alone', async () => {
    const { body: customer } = await api.post('/v1/customers', { name: 'Carol', email: 'carol@example.com' }, { key: api.signupKey });
    const made = await makeKey(customer.id, {}, api.signupKey);
    expect(made.status).toBe(201);
    expect(made.body.scopes).toEqual([`customer:${customer.id}`]);
    expect((await makeKey(customer.id, { scopes: [`customer:${customer.id}`] }, api.signupKey)).body.scopes).toEqual([`customer:${customer.id}`]);
    for (const scopes of [['operator'], ['provision'], [`customer:${ada.id}`], [`customer:${customer.id}`, 'operator']]) {
      expect(slugOf(await makeKey(customer.id, { scopes }, api.signupKey))).toBe('invalid-request');
    }
    expect((await makeKey(customer.id, {}, otherSignupKey)).status).toBe(404);
    expect((await api.get('/v1/customers', { key: made.body.key })).body.data.map(({ id }: { id: string }) => id)).toEqual([customer.id]);
    expect((await api.get(`/v1/customers/${ada.id}`, { key: made.body.key })).status).toBe(404);
    expect((await api.get('/v1/hosts', { key: made.body.key })).status).toBe(403);
    const listed = await api.get(`/v1/customers/${customer.id}/api-keys`, { key: api.signupKey });
    expect(listed.body.data).toHaveLength(2);
    expect(listed.text).not.toContain(made.body.key);
  });

  it('of a customer makes, reads, rotates and deletes its own databases, and signs nobody up', async () => {
    const made = await api.post('/v1/databases', { customerId: bob.id, name: 'own', region: 'oceania', plan: 'business' }, { key: bob.key });
    expect(made.status).toBe(202);
    expect(made.body.operation.requestedBy).toMatch(/^key_/);
    await api.ended(made.body.operation.id);
    const { id } = made.body.database;
    const { body } = await api.get(`/v1/databases/${id}`, { key: bob.key });
    expect(body).toMatchObject({ state: 'available', region: 'oceania', plan: 'business', inSync: true });
    expect(body.instances).toHaveLength(3);
    expect((await api.post(`/v1/databases/${id}/password`, undefined, { key: bob.key })).status).toBe(200);
    const deleted = await api.call('DELETE', `/v1/databases/${id}?withoutBackup=true`, { key: bob.key });
    expect(deleted.status).toBe(202);
    const again = await api.call('DELETE', `/v1/databases/${id}`, { key: bob.key });
    expect(again.body.operation.id).toBe(deleted.body.operation.id);
    await api.ended(deleted.body.operation.id);
    const gone = await api.get(`/v1/databases/${id}`, { key: bob.key });
    expect(gone.body).toMatchObject({ state: 'deleted', instances: [] });
    expect(Date.parse(gone.body.purgeAt)).toBeGreaterThan(Date.now() + 6.9 * 86_400_000);
    expect((await api.call('DELETE', `/v1/databases/${id}`, { key: bob.key })).body.operation.id).toBe(deleted.body.operation.id);
    await api.query(`UPDATE databases SET purge_at = now() - interval '1 second' WHERE id = $1`, [id]);
    expect((await api.get(`/v1/databases/${id}`, { key: bob.key })).status).toBe(404);
    expect((await api.post('/v1/customers', { name: 'C', email: 'c@example.com' }, { key: bob.key })).status).toBe(403);
  });

  it('is not needed for what is public', async () => {
    for (const path of ['/v1/regions', '/v1/plans', '/v1/regions/europe/ca.pem', '/healthz', '/readyz', '/metrics', '/openapi.json', '/docs']) {
      expect((await api.get(path, { key: null })).status, path).toBe(200);
    }
    expect((await api.get('/v1/regions/europe/ca.pem', { key: null })).text).toContain('BEGIN CERTIFICATE');
    expect((await api.get('/v1/regions/atlantis/ca.pem', { key: null })).status).toBe(404);
  });
});

describe('an API key', () => {
  it('is random, shown once, kept as a hash, and listed without itself', async () => {
    const made = await makeKey(ada.id, { name: 'deploy' });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ name: 'deploy', scopes: [`customer:${ada.id}`], expiresAt: null, revokedAt: null, lastUsedAt: null });
    expect(made.body.key).toMatch(/^fh_customer_[A-Za-z0-9_-]{43}$/);
    const list = await api.get(`/v1/customers/${ada.id}/api-keys`, { key: ada.key });
    expect(list.body.data[0]).toMatchObject({ id: made.body.id, name: 'deploy' });
    expect(list.text).not.toContain(made.body.key);
    const [row] = await api.query<{ text: string }>('SELECT k::text AS text FROM api_keys k WHERE id = $1', [made.body.id]);
    expect(row!.text).not.toContain(made.body.key);
  });

  it('made by a customer reaches no further than its customer', async () => {
    expect((await makeKey(ada.id, {}, ada.key)).body.scopes).toEqual([`customer:${ada.id}`]);
    for (const scopes of [['operator'], ['provision'], [`customer:${bob.id}`], [`customer:${ada.id}`, 'operator'], ['*'], []]) {
      expect((await makeKey(ada.id, { scopes }, ada.key)).status, scopes.join()).toBe(400);
    }
  });

  it('is refused at once when it is revoked, by every process, and stays listed', async () => {
    const { body: { id, key } } = await makeKey(ada.id);
    expect((await api.get('/v1/databases', { key })).status).toBe(200);
    expect((await api.call('DELETE', `/v1/customers/${ada.id}/api-keys/${id}`, { key: ada.key })).status).toBe(204);
    const refused = await api.get('/v1/databases', { key });
    expect([refused.status, slugOf(refused)]).toEqual([401, 'revoked-api-key']);
    expect((await api.call('DELETE', `/v1/customers/${ada.id}/api-keys/${id}`, { key: ada.key })).status).toBe(204);
    const { body } = await api.get(`/v1/customers/${ada.id}/api-keys`, { key: ada.key });
    expect(body.data.find((listed: { id: string }) => listed.id === id).revokedAt).not.toBeNull();
  });

  it('may revoke itself', async () => {
    const { body: { id, key } } = await makeKey(ada.id);
    expect((await api.call('DELETE', `/v1/customers/${ada.id}/api-keys/${id}`, { key })).status).toBe(204);
    expect((await api.get('/v1/databases', { key })).status).toBe(401);
  });

  it('of another customer cannot be revoked', async () => {
    const { body: { id, key } } = await makeKey(ada.id);
    expect((await api.call('DELETE', `/v1/customers/${bob.id}/api-keys/${id}`, { key: bob.key })).status).toBe(404);
    expect((await api.get('/v1/databases', { key })).status).toBe(200);
  });

  it('is refused once it has expired', async () => {
    const { body: { id, key, expiresAt } } = await makeKey(ada.id, { expiresAt: new Date(Date.now() + 3_600_000).toISOString().replace('Z', '+00:00') });
    expect(Date.parse(expiresAt)).toBeGreaterThan(Date.now());
    expect((await api.get('/v1/databases', { key })).status).toBe(200);
    await api.query(`UPDATE api_keys SET expires_at = now() - interval '1 second' WHERE id = $1`, [id]);
    const refused = await api.get('/v1/databases', { key });
    expect([refused.status, slugOf(refused)]).toEqual([401, 'expired-api-key']);
  });

  it('tells when it was last used', async () => {
    const { body: { id, key } } = await makeKey(ada.id);
    await api.get('/v1/databases', { key });
    await eventually(async () => (await api.query<{ used: boolean }>('SELECT last_used_at IS NOT NULL AS used FROM api_keys WHERE id = $1', [id]))[0]!.used);
  });

  it('that the settings name belongs to one credential from start to start, whatever it is', async () => {
    await api.restart();
    expect((await api.get(`/v1/customers/${ada.id}`, { key: api.signupKey })).status).toBe(200);
    expect(await api.query(`SELECT id FROM api_keys WHERE customer_id IS NULL AND id <> 'key_other' ORDER BY id`)).toEqual([{ id: 'key_operator' }, { id: 'key_signup' }]);
  });
});

describe('requests at once', () => {
  it('are each answered as the credential that sent them', async () => {
    const answers = await Promise.all(Array.from({ length: 60 }, async (_, index) => {
      const asker = index % 2 === 0 ? ada : bob;
      const { body } = await api.get('/v1/customers', { key: asker.key });
      return body.data.length === 1 && body.data[0].id === asker.id;
    }));
    expect(answers.every(Boolean)).toBe(true);
  });
});

/** Tables that hold nobody's rows, or that no tenant's role may touch, each with the reason. */
const WITHOUT_TENANTS: Readonly<Record<string, 'everybody may read it: it is the fleet' | 'no tenant\'s role may touch it'>> = {
  regions: 'everybody may read it: it is the fleet',
  data_centers: 'everybody may read it: it is the fleet',
  hosts: 'everybody may read it: it is the fleet',
  subjects: 'no tenant\'s role may touch it',
  alerts: 'no tenant\'s role may touch it',
  idempotency_records: 'no tenant\'s role may touch it',
  backup_sets: 'no tenant\'s role may touch it',
  backup_sites: 'no tenant\'s role may touch it',
  clock_reading: 'no tenant\'s role may touch it',
  audit_chain_head: 'no tenant\'s role may touch it',
  maintenance_windows: 'no tenant\'s role may touch it',
  database_lives: 'no tenant\'s role may touch it',
  observation_gaps: 'no tenant\'s role may touch it',
  user_credentials: 'no tenant\'s role may touch it',
  recovery_codes: 'no tenant\'s role may touch it',
  password_resets: 'no tenant\'s role may touch it',
  mails: 'no tenant\'s role may touch it',
  migrations: 'no tenant\'s role may touch it',
};

interface Table {
  readonly name: string;
  /** A column of it. */
  readonly first: string;
  readonly confined: boolean;
  /** What the role for changes may do to it as a whole, and the columns that it may change. */
  readonly inserts: boolean;
  readonly deletes: boolean;
  readonly updatable: readonly string[];
}

describe('the second belt', () => {
  let tables: readonly Table[];
  const tenants = (): readonly Table[] => tables.filter(({ name }) => !(name in WITHOUT_TENANTS));
  const metadata = (): Metadata => new Metadata(api.ground.dataSource);
  const reachOf = (customerId: string) => ({ sees: 'customer', customerId }) as const;

  beforeAll(async () => {
    tables = await api.query<Table>(`
      SELECT c.relname AS name, (SELECT attname FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND attidentity = '' ORDER BY attnum LIMIT 1) AS first, c.relrowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid) AS confined,
             has_table_privilege('freehold_tenant_writer', c.oid, 'INSERT') AS inserts, has_table_privilege('freehold_tenant_writer', c.oid, 'DELETE') AS deletes,
             ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                      AND has_column_privilege('freehold_tenant_writer', c.oid, a.attnum, 'UPDATE') ORDER BY a.attnum) AS updatable
        FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace ORDER BY 1`);
    // Rows of both for what nothing has made here.
    for (const customerId of [ada.id, bob.id]) {
      await api.query(`
        WITH one AS (SELECT id FROM databases WHERE customer_id = $1 ORDER BY id LIMIT 1),
        dump AS (INSERT INTO dump_links (hash, database_id, credential_id, expires_at) SELECT sha256($1::bytea), id, 'key_test', now() FROM one),
        kept AS (INSERT INTO kept_copies (instance_id, kept_id, database_id, host_id, kept_at, size_bytes)
                 SELECT i.id, 'belt', i.database_id, i.host_id, now(), 1 FROM instances i JOIN one ON one.id = i.database_id LIMIT 1),
        backup AS (INSERT INTO backups (id, database_id, reason) SELECT 'bkp_' || substr(id, 4), id, 'requested' FROM one RETURNING id),
        copy AS (INSERT INTO backup_copies (backup_id, site) SELECT id, 'falkenstein' FROM backup),
        person AS (INSERT INTO users (id, customer_id, role, email, email_key) VALUES ('usr_belt_' || $1, $1, 'member', $1 || '@belt', $1 || '@belt')),
        invitation AS (INSERT INTO invitations (id, customer_id, role, email, email_key, hash, invited_by, expires_at)
                       VALUES ('inv_belt_' || $1, $1, 'member', $1 || '@belt', $1 || '@belt', sha256($1::bytea), 'key_test', now())),
        outage AS (INSERT INTO outages (id, database_id, started_at, last_down_at, cause, planned, sources, reason)
                   SELECT 'out_belt_' || $1, id, now(), now(), 'host', false, '{watch}', 'a test' FROM one)
        INSERT INTO watches (database_id, worker, lease_until) SELECT id, 'test', now() FROM one ON CONFLICT DO NOTHING`, [customerId]);
    }
  });
  afterAll(() => api.query(`DELETE FROM outages WHERE id LIKE 'out_belt_%'; DELETE FROM users WHERE id LIKE 'usr_belt_%'; DELETE FROM invitations WHERE id LIKE 'inv_belt_%'; DELETE FROM dump_links; DELETE FROM kept_copies WHERE kept_id = 'belt'; DELETE FROM backups WHERE id IN (SELECT 'bkp_' || substr(id, 4) FROM databases)`));

  /** What is done is taken back. */
  const asWriter = (customerId: string, statement: string, parameters: unknown[] = []): Promise<string[]> => {
    const undone = new Error('undone');
    let rows: string[] = [];
    return metadata().transaction((tx) => confine(tx, reachOf(customerId), async () => {
      rows = (await queryRows<{ row: string }>(tx, statement, parameters)).map(({ row }) => row);
      throw undone;
    })).catch((error: unknown) => {
      if (error !== undone) throw error;
      return rows;
    });
  };
  /** What a tenant sees of a table where that is not all: the places of the chain without their seals, invitations without their tokens. */
  const VISIBLE: Readonly<Record<string, string>> = {
    audit_chain: 'event_id, sequence, hash',
    invitations: 'id, customer_id, role, email, email_key, invited_by, created_at, expires_at, accepted_at, revoked_at',
  };
  const rowOf = (table: string): string => (VISIBLE[table] === undefined ? `row_to_json(${table})::text AS row` : `(SELECT row_to_json(seen)::text FROM (SELECT ${VISIBLE[table]}) seen) AS row`);
  const rowsOf = (customerId: string, table: string): Promise<string[]> => asWriter(customerId, `SELECT ${rowOf(table)} FROM ${table}`);

  it('is worn by every table but those of which it is said why not', () => {
    expect(tables.length).toBeGreaterThan(20);
    expect(tables.filter(({ confined }) => confined).map(({ name }) => name)).toEqual(tenants().map(({ name }) => name));
    expect(Object.keys(WITHOUT_TENANTS).filter((name) => !tables.some((table) => table.name === name))).toEqual([]);
  });

  it('has no gap: no view, and no function that runs with another\'s rights', async () => {
    expect(await api.query(`SELECT relname FROM pg_class WHERE relkind IN ('v', 'm', 'f') AND relnamespace = 'public'::regnamespace`)).toEqual([]);
    expect(await api.query(`SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace`)).toEqual([]);
    expect(await api.query(`SELECT rolname FROM pg_roles WHERE rolname LIKE 'freehold_tenant%' AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcanlogin)`)).toEqual([]);
  });

  it('lets no tenant touch the others, and only read the fleet', async () => {
    for (const [table, reason] of Object.entries(WITHOUT_TENANTS)) {
      const [may] = await api.query<Record<string, boolean>>(`
        SELECT has_any_column_privilege('freehold_tenant_writer', $1, 'SELECT') AS reads, has_any_column_privilege('freehold_tenant_writer', $1, 'INSERT, UPDATE')
               OR has_table_privilege('freehold_tenant_writer', $1, 'DELETE, TRUNCATE') AS writes`, [table]);
      expect(may, table).toEqual({ reads: reason.startsWith('everybody'), writes: false });
    }
  });

  it('shows a tenant its own rows, also to a query that forgot its condition', async () => {
    for (const { name } of tenants()) {
      const [adas, bobs, nobodys] = [await rowsOf(ada.id, name), await rowsOf(bob.id, name), await rowsOf('cus_nobody', name)];
      expect(adas.length, name).toBeGreaterThan(0);
      expect(bobs.length, name).toBeGreaterThan(0);
      expect(nobodys, name).toEqual([]);
      expect(adas.filter((row) => bobs.includes(row)), name).toEqual([]);
    }
  });

  it('lets a tenant write its own rows alone, by statements without any condition', async () => {
    for (const { name, first, updatable, deletes } of tenants()) {
      const own = new Set(await rowsOf(bob.id, name));
      const row = rowOf(name);
      for (const column of updatable) {
        const changed = await asWriter(bob.id, `UPDATE ${name} SET ${column} = ${column} RETURNING ${row}`);
        expect(changed.filter((row) => !own.has(row)), `${name}.${column}`).toEqual([]);
        expect(changed.length, `${name}.${column}`).toBeGreaterThan(0);
      }
      if (updatable.length === 0) await expect(asWriter(bob.id, `UPDATE ${name} SET ${first} = ${first}`), name).rejects.toThrow(/permission denied/);
      const deleting = asWriter(bob.id, `DELETE FROM ${name} RETURNING ${row}`);
      if (deletes) expect((await deleting).filter((row) => !own.has(row)), name).toEqual([]);
      else await expect(deleting, name).rejects.toThrow(/permission denied/);
      // Whose a row is cannot be changed.
      expect(updatable.filter((column) => /^(customer|owner|database|created_by|backup|operation)(_id)?$/.test(column)), name).toEqual([]);
    }
  });

  it('lets no tenant write a row into what is another\'s', async () => {
    const inserting = tenants().filter(({ inserts }) => inserts);
    expect(inserting.length).toBeGreaterThan(4);
    for (const { name } of inserting) {
      const [row] = await rowsOf(ada.id, name);
      await expect(asWriter(bob.id, `INSERT INTO ${name} SELECT * FROM json_populate_record(NULL::${name}, $1)`, [row]), name).rejects.toThrow(/row-level security/);
    }
  });

  it('shows a signup flow what it signed up, and another one nothing', async () => {
    const metadata = new Metadata(api.ground.dataSource);
    const read = (credentialId: string) => metadata.read({ sees: 'created-by', credentialId }, (tx) => tx.query('SELECT id FROM databases')) as Promise<unknown[]>;
    expect((await read('key_signup')).length).toBeGreaterThan(0);
    expect(await read('key_other')).toEqual([]);
  });

  it('lets a tenant change nothing but what it may', async () => {
    const metadata = new Metadata(api.ground.dataSource);
    const attempt = (statement: string) => metadata.read({ sees: 'customer', customerId: ada.id }, (tx) => tx.query(statement));
    await expect(attempt('UPDATE databases SET name = name')).rejects.toThrow(/permission denied/);
    await expect(attempt('DELETE FROM operations')).rejects.toThrow(/permission denied/);
    await expect(attempt('SELECT FROM idempotency_records')).rejects.toThrow(/permission denied/);
    await expect(attempt('SELECT FROM subjects')).rejects.toThrow(/permission denied/);
  });
});

describe('what a tenant asks for', () => {
  const confined = (customerId: string, statement: string, parameters: unknown[] = []): Promise<unknown> => {
    const metadata = new Metadata(api.ground.dataSource);
    return metadata.transaction((tx) => confine(tx, { sees: 'customer', customerId }, () => tx.query(statement, parameters)));
  };

  it('is written with rights that reach no further than its own rows, also by a statement that forgot its condition', async () => {
    const before = await api.query('SELECT * FROM databases ORDER BY id');
    await confined(bob.id, `UPDATE databases SET automation_paused = 'bob was here'`);
    const changed = await api.query<{ customer_id: string; automation_paused: string | null }>(`SELECT * FROM databases WHERE automation_paused = 'bob was here'`);
    expect(new Set(changed.map((row) => row.customer_id))).toEqual(new Set([bob.id]));
    await confined(bob.id, 'UPDATE databases SET automation_paused = NULL');
    expect(await api.query('SELECT * FROM databases ORDER BY id')).toEqual(before);
  });

  it('cannot be written into what is another\'s', async () => {
    const attempts: [string, unknown[]][] = [
      [`INSERT INTO api_keys (id, name, hash, scopes, customer_id) VALUES ('key_x', 'x', 'x', '{x}', $1)`, [ada.id]],
      [`INSERT INTO customers (id, name, email, created_by) VALUES ('cus_x', 'x', 'x@example.com', 'key_signup')`, []],
      [`INSERT INTO instances (id, database_id, host_id, role, state, address) SELECT 'ins_x', $1, id, 'standby', 'starting', 'x' FROM hosts LIMIT 1`, [adasDatabase.id]],
      [`INSERT INTO backups (id, database_id, reason) VALUES ('bkp_x', $1, 'requested')`, [adasDatabase.id]],
      [`INSERT INTO dump_links (hash, database_id, credential_id, expires_at) VALUES ('x', $1, 'key_x', now())`, [adasDatabase.id]],
      [`INSERT INTO invitations (id, customer_id, role, email, email_key, hash, invited_by, expires_at) VALUES ('inv_x', $1, 'owner', 'x', 'x', 'x', 'x', now())`, [ada.id]],
    ];
    for (const [statement, parameters] of attempts) await expect(confined(bob.id, statement, parameters)).rejects.toThrow(/row-level security/);
  });

  it('cannot touch what the kernel and the door keep', async () => {
    for (const table of ['operations', 'operation_steps', 'subjects', 'alerts', 'idempotency_records', 'backup_sets', 'user_credentials', 'recovery_codes', 'password_resets', 'mails']) {
      await expect(confined(bob.id, `DELETE FROM ${table}`)).rejects.toThrow(/permission denied/);
    }
    for (const change of [`UPDATE audit_events SET actor = 'nobody'`, 'DELETE FROM audit_events', `UPDATE databases SET customer_id = 'cus_x'`, `UPDATE api_keys SET scopes = '{operator}'`, `UPDATE users SET email_key = 'x'`, `UPDATE users SET customer_id = NULL`, `INSERT INTO users (id) VALUES ('x')`]) {
      await expect(confined(bob.id, change)).rejects.toThrow(/permission denied/);
    }
  });

  it('looks at everybody\'s things where a decision needs it, and goes on confined', async () => {
    const metadata = new Metadata(api.ground.dataSource);
    const count = 'SELECT count(*)::integer AS count FROM databases';
    const counted = await metadata.transaction((tx) => confine(tx, { sees: 'customer', customerId: 'cus_nobody' }, async () => {
      const [all] = await withFullRights(tx, () => tx.query(count)) as { count: number }[];
      const [own] = await tx.query(count) as { count: number }[];
      return { all: all!.count, own: own!.count };
    }));
    expect(counted.all).toBeGreaterThan(0);
    expect(counted.own).toBe(0);
  });

  it('goes on confined also after such a look that failed, with an error of its own or of a statement in a savepoint', async () => {
    const metadata = new Metadata(api.ground.dataSource);
    const user = async (tx: EntityManager): Promise<string> => {
      const [row] = await tx.query('SELECT current_user AS name') as { name: string }[];
      return row!.name;
    };
    const failures: ((tx: EntityManager) => Promise<unknown>)[] = [
      (tx) => withFullRights(tx, () => Promise.reject(new Error('no room'))),
      (tx) => tx.transaction(() => withFullRights(tx, () => tx.query('SELECT 1 / 0'))),
    ];
    for (const fail of failures) {
      const users = await metadata.transaction((tx) => confine(tx, { sees: 'customer', customerId: ada.id }, async () => {
        await expect(fail(tx)).rejects.toThrow(/no room|division by zero/);
        return [await user(tx), await withFullRights(tx, () => user(tx)), await user(tx)];
      }));
      expect([users[0], users[2]]).toEqual(['freehold_tenant_writer', 'freehold_tenant_writer']);
      expect(users[1]).not.toBe('freehold_tenant_writer');
    }
  });

  it('ends with the error of a statement that failed, and with no other', async () => {
    const metadata = new Metadata(api.ground.dataSource);
    const failing = metadata.transaction((tx) => confine(
      tx, { sees: 'customer', customerId: ada.id }, () => withFullRights(tx, () => tx.query('SELECT 1 / 0')),
    ));
    await expect(failing).rejects.toThrow(/division by zero/);
  });
});

describe('what was refused', () => {
  const refusals = async (subjectId: string, key?: string): Promise<Record<string, unknown>[]> => {
    const { body } = await api.get('/v1/audit-events?limit=200', key === undefined ? {} : { key });
    return (body.data as Record<string, unknown>[]).filter((event) => event.subjectId === subjectId && event.result === 'refused');
  };

  it('is written down with who tried it, on what and from where, for its owner and for operators', async () => {
    const { id } = await api.database(ada.id);
    expect((await api.post(`/v1/databases/${id}/failover`, {}, { key: ada.key, headers: { 'x-request-id': 'refused-test-1' } })).status).toBe(403);
    const refused = { action: 'database.failover', result: 'refused', customerId: ada.id, requestId: 'refused-test-1', address: '127.0.0.1', detail: { problem: 'forbidden' } };
    expect(await refusals(id)).toMatchObject([refused]);
    expect(await refusals(id, ada.key)).toMatchObject([refused]);
  });

  it('is not told to an owner whose thing somebody guessed, nor to the one who guessed', async () => {
    const { id } = await api.database(ada.id);
    expect((await api.call('DELETE', `/v1/databases/${id}`, { key: bob.key })).status).toBe(404);
    expect(await refusals(id)).toMatchObject([{ action: 'database.delete', customerId: null, detail: { problem: 'not-found' } }]);
    for (const key of [ada.key, bob.key]) expect(await refusals(id, key)).toEqual([]);
  });

  it('is written down also of a database for a customer who is another\'s', async () => {
    const { id } = await api.customer();
    const body = { customerId: id, name: 'trespass', region: 'europe' };
    const answer = await api.post('/v1/databases', body, { key: bob.key });
    expect([answer.status, slugOf(answer)]).toEqual([404, 'customer-not-found']);
    expect(await refusals(id)).toMatchObject([{ action: 'database.create', customerId: null, detail: { problem: 'customer-not-found' } }]);
  });

  it('leaves nothing else behind', async () => {
    const { id } = await api.database(ada.id);
    const operations = await api.query('SELECT id FROM operations WHERE subject_id = $1', [id]);
    await api.post(`/v1/databases/${id}/switchover`, {}, { key: ada.key });
    expect(await api.query('SELECT id FROM operations WHERE subject_id = $1', [id])).toEqual(operations);
  });
});

describe('what was done', () => {
  it('is written down with who did it and in which request, and shown to whom it concerns', async () => {
    const headers = { 'x-request-id': 'audit-test-0001' };
    const { body: made } = await api.post(`/v1/customers/${ada.id}/api-keys`, { name: 'audited' }, { headers, key: ada.key });
    const { body } = await api.get('/v1/audit-events?limit=1', { key: ada.key });
    expect(body.data[0]).toMatchObject({ action: 'api-key.create', subjectId: made.id, customerId: ada.id, requestId: 'audit-test-0001', detail: { name: 'audited' } });
    expect(body.data[0].actor).toMatch(/^key_/);
    expect((await api.get('/v1/audit-events?limit=200')).text).not.toContain(made.key);
    const actions = new Set(((await api.get('/v1/audit-events?limit=200')).body.data as { action: string }[]).map(({ action }) => action));
    for (const action of ['customer.create', 'database.create', 'database.delete', 'database.rotate-password', 'api-key.create', 'api-key.revoke']) expect(actions).toContain(action);
  });

  it('carries the request id through the operation to the engine, and answers it', async () => {
    const headers = { 'x-request-id': 'trace-test-0001' };
    const answer = await api.post('/v1/databases', { customerId: ada.id, name: 'traced', region: 'europe' }, { headers });
    expect(answer.headers.get('x-request-id')).toBe('trace-test-0001');
    await api.ended(answer.body.operation.id);
    const calls = api.engine.callsOf(answer.body.database.id);
    expect(calls.length).toBeGreaterThan(0);
    for (const { trace } of calls) expect(trace).toEqual({ operationId: answer.body.operation.id, requestId: 'trace-test-0001' });
  });

  it('gets a request id of our own where the given one is malformed', async () => {
    expect((await api.get('/v1/regions', { headers: { 'x-request-id': 'a b;c' } })).headers.get('x-request-id')).toMatch(/^req_[0-9a-f]{32}$/);
  });
});

describe('automation', () => {
  it('is paused and resumed by an operator, with a reason that everybody sees', async () => {
    const paused = await api.post(`/v1/databases/${adasDatabase.id}/automation`, { paused: true, reason: 'moving house' });
    expect(paused.body).toMatchObject({ automation: 'paused', automationReason: 'moving house' });
    expect((await api.get(`/v1/databases/${adasDatabase.id}`, { key: ada.key })).body.automation).toBe('paused');
    expect((await api.post(`/v1/databases/${adasDatabase.id}/automation`, { paused: false })).body.automation).toBe('active');
  });
});

describe('too many requests', () => {
  it('are refused with the time to wait, each credential for itself', async () => {
    const small = await startTestApi({ requestsPerSecond: 2, worker: false });
    const { key } = await small.customer();
    const answers = await Promise.all(Array.from({ length: 50 }, () => small.get('/v1/customers', { key })));
    const refused = answers.filter(({ status }) => status === 429);
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(20);
    expect(refused.length).toBeGreaterThan(0);
    expect(slugOf(refused[0]!)).toBe('rate-limited');
    expect(Number(refused[0]!.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await small.get('/v1/customers')).status).toBe(200);
    await small.close();
  });

  it('with wrong keys are refused by address, while a right key is let in', async () => {
    const small = await startTestApi({ worker: false });
    const answers = await Promise.all(Array.from({ length: 310 }, (_, index) => small.get('/v1/customers', { key: `fh_operator_${'w'.repeat(32)}${index}` })));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401, 429]));
    expect((await small.get('/v1/customers')).status).toBe(200);
    await small.close();
  });
});
