import type { OpenAPIObject } from '@nestjs/swagger';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Action, WHO_MAY, type Who } from '../../src/access/actions.js';
import { PASSWORD, signedInUser, signInAgain, type TestUser } from '../support/people.js';
import { startTestApi, type TestApi } from '../support/test-api.js';

/** Every route of the OpenAPI document, called as each kind of actor, against the table of actions. */

const CALLERS = ['nobody', 'stranger', 'signup', 'owner', 'operator', 'member', 'owner-user', 'operator-user'] as const;
/** Those of them who are people, by what they are. */
const PEOPLE = { member: 'member', 'owner-user': 'owner', 'operator-user': 'operator' } as const;
type Person = keyof typeof PEOPLE;
const isPerson = (caller: Caller): caller is Person => caller in PEOPLE;
type Caller = (typeof CALLERS)[number];

/** How a route is called, so that an actor that may take its action is answered with the status `admitted`. */
interface Row {
  readonly admitted: number;
  /** Whether it is about a thing of a customer's, which others cannot see. */
  readonly owned?: true;
  /** What stands in the address, follows it, and is sent, made anew for each call. */
  readonly request?: (caller: Caller) => Request | Promise<Request>;
  /** Whether a person who is admitted has to sign in again afterwards. */
  readonly endsSession?: true;
}
interface Request {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly body?: unknown;
}
interface Route {
  readonly operationId: string;
  readonly security: readonly unknown[];
  readonly 'x-action'?: Action | readonly Action[];
}

interface Backup {
  readonly id: string;
  readonly finishedAt: string | null;
  readonly copies: readonly { readonly state: string }[];
}

let api: TestApi;
let owner: { id: string; key: string };
let stranger: { id: string; key: string };
let database: { id: string; operationId: string };
let doomedId: string;
let backupId: string;
let host: { id: string; dataCenter: string };
let routes: ReadonlyMap<string, { readonly method: string; readonly path: string; readonly route: Route }>;
let names = 0;
let windows = 0;
let people: Record<Person, TestUser>;

beforeAll(async () => {
  api = await startTestApi({ settings: { FREEHOLD_BACKUPS_EVERY_MS: '200', FREEHOLD_OPERATOR_SECOND_FACTOR: 'optional' } });
  [owner, stranger] = [await api.customer(), await api.customer()];
  [database, { id: doomedId }] = await Promise.all([api.database(owner.id), api.database(owner.id)]);
  api.engine.backups.dumps = ['PGDMP'];
  await api.ended((await api.post(`${aboutDatabase()}/backups`)).body.operation.id);
  const backups = (await api.get(`${aboutDatabase()}/backups`)).body.data as Backup[];
  // The keeper of backups may have begun another one meanwhile.
  backupId = backups.find(({ finishedAt, copies }) => finishedAt !== null && copies.every(({ state }) => state === 'stored'))!.id;
  await api.post(`${aboutDatabase()}/roles`, { name: 'reader', access: 'readOnly' });
  [host] = (await api.get('/v1/hosts')).body.data;
  people = {
    member: await signedInUser(api, 'member', owner.id), 'owner-user': await signedInUser(api, 'owner', owner.id),
    'operator-user': await signedInUser(api, 'operator', null),
  };
  routes = readRoutes((await api.get('/openapi.json', { key: null })).body as OpenAPIObject);
});
afterAll(() => api?.close());

function readRoutes({ paths }: OpenAPIObject): typeof routes {
  return new Map(Object.entries(paths).flatMap(([path, methods]) => {
    const described = Object.entries(methods as Record<string, Route>);
    return described.map(([method, route]) => [route.operationId, { method: method.toUpperCase(), path, route }]);
  }));
}

const aboutDatabase = (): string => `/v1/databases/${database.id}`;
const ofDatabase = (more: Request = {}) => (): Request => ({ ...more, params: { id: database.id, ...more.params } });
const ofCustomer = (body?: unknown) => (): Request => ({ params: { id: owner.id, customerId: owner.id }, body });
const ofOperation = (): Request => ({ params: { id: database.operationId } });
const planOf = (which: 'id' | 'dataCenter') => (): Request => ({ params: { id: host[which] }, query: 'plan=true' });
const newName = (): string => `made${(names += 1)}`;

const ROWS: Readonly<Record<string, Row>> = {
  getLiveness: { admitted: 200 },
  getReadiness: { admitted: 200 },
  getMetrics: { admitted: 200 },
  listRegions: { admitted: 200 },
  getRegionCa: { admitted: 200, request: () => ({ params: { id: 'europe' } }) },
  listPlans: { admitted: 200 },
  getBackupPolicy: { admitted: 200 },
  checkDumpLink: { admitted: 200, request: newDumpLink },
  useDumpLink: { admitted: 200, request: newDumpLink },

  // Nobody signs in like that, who may try.
  createSession: { admitted: 401, request: (caller) => ({ body: { email: `${caller}@example.com`, password: PASSWORD } }) },
  confirmSession: { admitted: 401, request: (caller) => ({ body: { ticket: caller, code: '123456' } }) },
  // There is no provider here, which everybody is told.
  askProvider: { admitted: 404 },
  createSessionByProvider: { admitted: 404 },
  requestPasswordReset: { admitted: 202, request: (caller) => ({ body: { email: `${caller}@example.com` } }) },
  usePasswordReset: { admitted: 400, request: () => ({ body: { token: 'none', password: PASSWORD } }) },
  acceptInvitation: { admitted: 400, request: () => ({ body: { token: 'none', password: PASSWORD } }) },

  getAccount: { admitted: 200 },
  // They have no password, which is theirs alone to be told.
  changePassword: { admitted: 403, request: () => ({ body: { currentPassword: PASSWORD, newPassword: `${PASSWORD} again` } }) },
  setUpSecondFactor: { admitted: 403, request: () => ({ body: { password: PASSWORD } }) },
  confirmSecondFactor: { admitted: 409, request: () => ({ body: { code: '123456' } }) },
  removeSecondFactor: { admitted: 403, request: () => ({ body: { password: PASSWORD, code: '123456' } }) },
  renewRecoveryCodes: { admitted: 403, request: () => ({ body: { password: PASSWORD } }) },
  listSessions: { admitted: 200 },
  endSession: { admitted: 204, request: anotherSession },
  endCurrentSession: { admitted: 204, endsSession: true },
  endAllSessions: { admitted: 204, endsSession: true },

  listUsers: { admitted: 200 },
  createUser: { admitted: 201, request: () => ({ body: { email: `${newName()}@example.com`, role: 'owner', customerId: owner.id } }) },
  getUser: { admitted: 200, owned: true, request: newUser },
  setUserRole: { admitted: 200, owned: true, request: async () => ({ ...(await newUser()), body: { role: 'owner' } }) },
  disableUser: { admitted: 200, owned: true, request: newUser },
  enableUser: { admitted: 200, owned: true, request: newUser },
  resetUser: { admitted: 200, owned: true, request: newUser },
  removeUser: { admitted: 204, owned: true, request: newUser },
  inviteUser: { admitted: 201, owned: true, request: () => ofCustomer({ email: `${newName()}@example.com`, role: 'member' })() },
  inviteOperator: { admitted: 201, request: () => ({ body: { email: `${newName()}@example.com` } }) },
  listInvitations: { admitted: 200 },
  revokeInvitation: { admitted: 204, owned: true, request: newInvitation },
  getUptime: { admitted: 200 },
  listOutages: { admitted: 200 },
  getSlaReport: { admitted: 200, owned: true, request: ofCustomer() },

  createCustomer: { admitted: 201, request: () => ({ body: { name: 'Carol', email: 'carol@example.com' } }) },
  listCustomers: { admitted: 200 },
  getCustomer: { admitted: 200, owned: true, request: ofCustomer() },
  createApiKey: { admitted: 201, owned: true, request: ofCustomer({ name: 'made' }) },
  listApiKeys: { admitted: 200, owned: true, request: ofCustomer() },
  revokeApiKey: { admitted: 204, owned: true, request: newApiKey },

  createDatabase: { admitted: 202, owned: true, request: () => ({ body: { customerId: owner.id, name: newName(), region: 'europe' } }) },
  listDatabases: { admitted: 200 },
  getDatabase: { admitted: 200, owned: true, request: ofDatabase() },
  deleteDatabase: { admitted: 202, owned: true, request: () => ({ params: { id: doomedId }, query: 'withoutBackup=true' }) },
  rotatePassword: { admitted: 200, owned: true, request: ofDatabase() },
  switchover: { admitted: 202, owned: true, request: ofDatabase() },
  failover: { admitted: 202, owned: true, request: ofDatabase() },
  releaseKeptCopy: { admitted: 202, owned: true, request: newKeptCopy },
  setAutomation: { admitted: 200, owned: true, request: ofDatabase({ body: { paused: false } }) },
  getAllowList: { admitted: 200, owned: true, request: ofDatabase() },
  setAllowList: { admitted: 200, owned: true, request: ofDatabase({ body: { cidrs: ['127.0.0.0/8'] } }) },
  listRefusals: { admitted: 200, owned: true, request: ofDatabase() },
  listExtensions: { admitted: 200, owned: true, request: ofDatabase() },
  createExtension: { admitted: 202, owned: true, request: ofDatabase({ body: { name: 'earthdistance' } }) },
  dropExtension: { admitted: 202, owned: true, request: ofDatabase({ params: { name: 'earthdistance' } }) },
  listRoles: { admitted: 200, owned: true, request: ofDatabase() },
  createRole: { admitted: 201, owned: true, request: () => ofDatabase({ body: { name: newName(), access: 'readOnly' } })() },
  dropRole: { admitted: 202, owned: true, request: ofDatabase({ params: { name: 'nobody_has_it' } }) },
  rotateRolePassword: { admitted: 200, owned: true, request: ofDatabase({ params: { name: 'reader' } }) },

  listBackups: { admitted: 200, owned: true, request: ofDatabase() },
  createBackup: { admitted: 202, owned: true, request: ofDatabase() },
  verifyBackup: { admitted: 202, owned: true, request: () => ofDatabase({ params: { backupId } })() },
  restoreDatabase: { admitted: 202, owned: true, request: () => ofDatabase({ body: { backupId, into: 'new', name: newName() } })() },
  // It is not deleted, which only those are told who may bring it back.
  undeleteDatabase: { admitted: 409, owned: true, request: ofDatabase() },
  dumpDatabase: { admitted: 200, owned: true, request: ofDatabase() },
  createDumpLink: { admitted: 201, owned: true, request: ofDatabase() },

  listOperations: { admitted: 200 },
  getOperation: { admitted: 200, owned: true, request: ofOperation },
  followOperation: { admitted: 200, owned: true, request: ofOperation },
  // It has ended, which only those are told who may steer it.
  retryOperation: { admitted: 409, owned: true, request: ofOperation },
  cancelOperation: { admitted: 409, owned: true, request: ofOperation },
  listAlerts: { admitted: 200 },
  listAuditEvents: { admitted: 200 },
  exportAuditEvents: { admitted: 200 },
  verifyAuditEvents: { admitted: 200 },

  listMaintenance: { admitted: 200 },
  getMaintenance: { admitted: 200, request: () => newWindow() },
  planMaintenance: { admitted: 201, request: () => ({ body: nextWindow() }) },
  cancelMaintenance: { admitted: 200, request: () => newWindow() },

  listHosts: { admitted: 200 },
  getHost: { admitted: 200, request: () => ({ params: { id: host.id } }) },
  drainHost: { admitted: 200, request: planOf('id') },
  loseHost: { admitted: 200, request: planOf('id') },
  undrainHost: { admitted: 200, request: () => ({ params: { id: host.id } }) },
  evacuateDataCenter: { admitted: 200, request: planOf('dataCenter') },
  loseDataCenter: { admitted: 200, request: planOf('dataCenter') },
};

/** Each an hour after the one before, so that none is in another's way. */
function nextWindow(): object {
  const startsAt = new Date(Date.now() + (windows += 1) * 3_600_000);
  return { region: 'oceania', startsAt, endsAt: new Date(startsAt.getTime() + 60_000), urgent: true, reason: 'to see who may' };
}

async function newWindow(): Promise<Request> {
  return { params: { id: (await api.post('/v1/maintenance-windows', nextWindow())).body.id } };
}

async function newDumpLink(): Promise<Request> {
  const { body } = await api.post(`${aboutDatabase()}/dump-links`);
  return { params: { token: String(body.url).split('/').at(-1)! } };
}

async function newUser(): Promise<Request> {
  const { id } = await signedInUser(api, 'member', owner.id);
  return { params: { id } };
}

async function anotherSession(caller: Caller): Promise<Request> {
  const { id } = people[isPerson(caller) ? caller : 'member'];
  const { body } = await api.get('/v1/sessions', { key: await signInAgain(api, id) });
  return { params: { id: (body.data as { id: string; current: boolean }[]).find(({ current }) => current)!.id } };
}

async function newInvitation(): Promise<Request> {
  const { body } = await api.post(`/v1/customers/${owner.id}/invitations`, { email: `${newName()}@example.com`, role: 'member' });
  return { params: { id: body.id } };
}

async function newApiKey(): Promise<Request> {
  const { body } = await api.post(`/v1/customers/${owner.id}/api-keys`, { name: 'made' });
  return { params: { customerId: owner.id, id: body.id } };
}

async function newKeptCopy(): Promise<Request> {
  const keptId = newName();
  const [row] = await api.query<{ instanceId: string }>(`
    INSERT INTO kept_copies (instance_id, kept_id, database_id, host_id, kept_at, size_bytes)
    SELECT id, $2, database_id, host_id, now(), 1 FROM instances WHERE database_id = $1 LIMIT 1
    RETURNING instance_id AS "instanceId"`, [database.id, keptId]);
  return { params: { id: database.id, keptCopyId: `${row!.instanceId}-${keptId}` } };
}

/** The table of actions, read once more: what each kind of actor is answered. */
function expectedStatus(caller: Caller, who: Who, row: Row): number {
  return refusalOf(caller, who, row) ?? row.admitted;
}

/** With which status the table refuses a caller; undefined for one that it admits. */
function refusalOf(caller: Caller, who: Who, { owned }: Row): 401 | 403 | 404 | undefined {
  if (who === 'public') return undefined;
  if (caller === 'nobody') return 401;
  if (caller === 'stranger' && owned) return 404;
  const admits: Readonly<Record<typeof who, readonly Caller[]>> = {
    authenticated: CALLERS,
    signup: ['signup', 'operator', 'operator-user'],
    owner: ['owner', 'operator', 'owner-user', 'operator-user'],
    'owner-or-signup': ['owner', 'signup', 'operator', 'owner-user', 'operator-user'],
    operator: ['operator', 'operator-user'],
    person: ['member', 'owner-user', 'operator-user'],
    newcomer: ['member', 'owner-user', 'operator-user'],
    system: [],
  };
  return admits[who].includes(caller) ? undefined : 403;
}

const requestIdOf = (operationId: string): string => `permissions-${operationId}`;

/** What was written down of the calls of a route. */
function auditOf(operationId: string): Promise<{ action: Action; result: string; problem: string | null }[]> {
  return api.query(`SELECT action, result, detail ->> 'problem' AS problem FROM audit_events WHERE request_id = $1`, [requestIdOf(operationId)]);
}

/** Whether a route changes something; one that is asked for its plan does not. */
async function changes(operationId: string): Promise<boolean> {
  const { method } = routes.get(operationId)!;
  return method !== 'GET' && method !== 'HEAD' && (await ROWS[operationId]!.request?.('operator'))?.query !== 'plan=true';
}

async function call(caller: Caller, operationId: string): Promise<number> {
  const { method, path } = routes.get(operationId)!;
  const { params = {}, query, body } = (await ROWS[operationId]!.request?.(caller)) ?? {};
  const key = isPerson(caller)
    ? people[caller].token
    : { nobody: null, stranger: stranger.key, signup: api.signupKey, owner: owner.key, operator: api.operatorKey }[caller];
  const address = path.replace(/\{(\w+)\}/g, (_, name: string) => params[name] ?? '') + (query === undefined ? '' : `?${query}`);
  const headers = { 'x-request-id': requestIdOf(operationId) };
  const answer = await api.call(method, address, { key, headers, ...(body !== undefined && { body }) });
  // An operation that still runs would stand in the way of the next.
  if (answer.status === 202 && answer.body) await api.ended(answer.body.operation.id);
  if (isPerson(caller) && ROWS[operationId]!.endsSession) people[caller] = { ...people[caller], token: await signInAgain(api, people[caller].id) };
  return answer.status;
}

const actionsOf = ({ 'x-action': named = [] }: Route): readonly Action[] => [named].flat() as Action[];

describe('a route', () => {
  it('has a row here, each', () => {
    expect([...routes.keys()].sort()).toEqual(Object.keys(ROWS).sort());
  });

  it('names its action, and needs a key unless that is public', () => {
    for (const [operationId, { route }] of routes) {
      const whos = new Set(actionsOf(route).map((action) => WHO_MAY[action]));
      expect([...whos], operationId).toEqual([expect.any(String)]);
      expect(route.security.length === 0, operationId).toBe(whos.has('public'));
    }
  });

  it.each(Object.keys(ROWS))('answers each kind of actor as the table of actions says: %s', async (operationId) => {
    const who = WHO_MAY[actionsOf(routes.get(operationId)!.route)[0]!];
    for (const caller of CALLERS) {
      const expected = expectedStatus(caller, who, ROWS[operationId]!);
      expect([caller, await call(caller, operationId)]).toEqual([caller, expected]);
    }
  });

  it.each(Object.keys(ROWS))('is written down under its own action, also each refusal: %s', async (operationId) => {
    const actions = actionsOf(routes.get(operationId)!.route);
    // To use a link is to dump, in the name of the actor who made it.
    const named: readonly Action[] = operationId === 'useDumpLink' ? ['database.dump'] : actions;
    const audit = await auditOf(operationId);
    expect(audit.filter(({ action }) => !named.includes(action))).toEqual([]);
    const [row, who] = [ROWS[operationId]!, WHO_MAY[actions[0]!]];
    const refused = (status: number) => CALLERS.filter((caller) => refusalOf(caller, who, row) === status);
    expect(audit.filter(({ problem }) => problem === 'forbidden')).toHaveLength(refused(403).length);
    // What is read and not there is asked for again and again.
    if (!(await changes(operationId))) return;
    // What is admitted, and then answered so, is a proof that failed: a sign-in's, or of one's own password.
    const failed = [401, 403, 404].includes(row.admitted) ? CALLERS.filter((caller) => refusalOf(caller, who, row) === undefined) : [];
    expect(audit.filter(({ result }) => result === 'refused')).toHaveLength(refused(403).length + refused(404).length + failed.length);
  });
});

describe('an action', () => {
  /** The page behind a problem's type is no part of the document, and the control plane takes its own actions by no request. */
  const isWithoutRoute = (action: Action): boolean => action === 'problem-type.read' || WHO_MAY[action] === 'system';

  it('is taken by a route', () => {
    const taken = [...routes.values()].flatMap(({ route }) => actionsOf(route));
    const wanted = (Object.keys(WHO_MAY) as Action[]).filter((action) => !isWithoutRoute(action));
    expect([...new Set(taken.filter((action) => !isWithoutRoute(action)))].sort()).toEqual(wanted.sort());
  });
});
