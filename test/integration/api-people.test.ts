import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GuessLimits } from '../../src/access/sign-in/guess-limits.js';
import { Passwords } from '../../src/access/sign-in/passwords.js';
import { Metadata } from '../../src/metadata/metadata.js';
import { SharedMemory } from '../../src/redis/shared-memory.js';
import { makePasswordVerifier } from '../../src/secrets/password-verifier.js';
import { buildCommand, type CommandResult, freehold } from '../support/freehold-command.js';
import { addressOf, codeOf, makeUser, PASSWORD, signInAgain, signedInUser, TestMailbox, tokenIn } from '../support/people.js';
import { eventually, startRedis, type TestServer } from '../support/servers.js';
import { type Answer, type CallOptions, startTestApi, type TestApi } from '../support/test-api.js';

let redis: TestServer;
let mailbox: TestMailbox;
let api: TestApi;
let ada: { id: string; key: string };
let bob: { id: string; key: string };

beforeAll(async () => {
  redis = await startRedis();
  mailbox = new TestMailbox();
  api = await startTestApi({
    redisUrl: redis.url,
    settings: { FREEHOLD_DATA_DIR: mailbox.dataDir, FREEHOLD_OPERATOR_EMAIL: 'operator@localhost', FREEHOLD_OPERATOR_PASSWORD: 'drawn once and printed' },
  });
  [ada, bob] = [await api.customer(), await api.customer()];
});
afterAll(async () => {
  await api?.close();
  await redis?.stop();
  mailbox?.remove();
});

const slugOf = ({ body }: Answer): string => String(body.type).split('/').at(-1)!;
const stranger: CallOptions = { key: null };
const signIn = (email: string, password = PASSWORD, more: object = {}): Promise<Answer> => api.post('/v1/sessions', { email, password, ...more }, stranger);
const me = (key: string): Promise<Answer> => api.get('/v1/me', { key });
const auditOf = (action: string, subjectId: string): Promise<{ actor: string; result: string; customerId: string | null }[]> =>
  api.query('SELECT actor, result, customer_id AS "customerId" FROM audit_events WHERE action = $1 AND subject_id = $2 ORDER BY id', [action, subjectId]);

describe('an invitation', () => {
  it('makes the user whom a signup flow invited, by a mail, once', async () => {
    const invited = await api.post(`/v1/customers/${ada.id}/invitations`, { email: 'Ada@Example.com', role: 'owner' }, { key: api.signupKey });
    expect(invited.body).toMatchObject({ customerId: ada.id, role: 'owner', email: 'Ada@Example.com', state: 'open' });
    const mail = await mailbox.wait('Ada@example.com', /^You are invited to Ada Ltd at Freehold$/);
    expect(mail.from?.text).toContain('freehold@localhost');
    const token = tokenIn(mail);
    const accepted = await api.post('/v1/invitations/accept', { token, password: PASSWORD, name: 'Ada' }, stranger);
    expect(accepted.body).toMatchObject({ customerId: ada.id, role: 'owner', name: 'Ada', state: 'active' });
    expect(await auditOf('invitation.accept', accepted.body.id)).toMatchObject([{ result: 'done', customerId: ada.id }]);
    const again = await api.post('/v1/invitations/accept', { token, password: PASSWORD }, stranger);
    expect([again.status, slugOf(again)]).toEqual([400, 'invalid-token']);
    expect((await signIn('ada@example.com')).body).toMatchObject({ state: 'signed-in', user: { id: accepted.body.id }, owes: null });
    expect((await api.get('/v1/invitations', { key: ada.key })).body.data).toMatchObject([{ state: 'accepted' }]);
    expect((await api.get('/v1/invitations', { key: bob.key })).body.data).toEqual([]);
  });

  it('lies in a folder that nobody else may read, and its record holds the token no more', async () => {
    expect(statSync(mailbox.folder).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(mailbox.folder)) expect(statSync(`${mailbox.folder}/${name}`).mode & 0o777).toBe(0o600);
    const rows = await eventually(async () => {
      const mails = await api.query<{ sealed: Buffer | null; outcome: string | null }>('SELECT sealed, outcome FROM mails');
      return mails.every(({ outcome }) => outcome !== null) && mails;
    });
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.filter(({ sealed, outcome }) => sealed !== null || outcome !== 'sent')).toEqual([]);
  });

  it('to somebody who is another customer\'s user is answered as any other, and only they are told', async () => {
    const answers = await Promise.all(['ada@example.com', 'nobody@example.com'].map((email) => api.post(`/v1/customers/${bob.id}/invitations`, { email, role: 'member' }, { key: bob.key })));
    const [known, unknown] = answers.map(({ status, body: { id: _, email: __, createdAt: ___, expiresAt: ____, ...body } }) => ({ status, body }));
    expect(known).toEqual(unknown);
    const told = await eventually(async () => (await mailbox.all()).find(({ text }) => text?.includes('signs in to Freehold already')));
    expect(addressOf(told)).toBe('Ada@example.com');
    expect(told.text).not.toMatch(/fh_invitation_/);
  });

  it('to a user of the same customer is refused', async () => {
    const answer = await api.post(`/v1/customers/${ada.id}/invitations`, { email: 'ADA@example.com', role: 'member' }, { key: ada.key });
    expect([answer.status, slugOf(answer)]).toEqual([409, 'user-exists']);
  });

  it('that was taken back, or replaced, lets nobody in', async () => {
    const invite = async (): Promise<{ id: string; token: string }> => {
      const known = (await mailbox.all()).length;
      const { body } = await api.post(`/v1/customers/${bob.id}/invitations`, { email: 'late@example.com', role: 'member' }, { key: bob.key });
      await eventually(async () => (await mailbox.all()).length > known);
      return { id: body.id, token: tokenIn(await mailbox.wait('late@example.com', /invited/)) };
    };
    const first = await invite();
    const second = await invite();
    expect((await api.call('DELETE', `/v1/invitations/${second.id}`, { key: ada.key })).status).toBe(404);
    expect((await api.call('DELETE', `/v1/invitations/${second.id}`, { key: bob.key })).status).toBe(204);
    for (const { token } of [first, second]) expect(slugOf(await api.post('/v1/invitations/accept', { token, password: PASSWORD }, stranger))).toBe('invalid-token');
  });
});

describe('a user', () => {
  it('acts as what they are: an owner for their customer, a member reads, and neither sees another customer', async () => {
    const [owner, member] = [await signedInUser(api, 'owner', ada.id), await signedInUser(api, 'member', ada.id)];
    const request = { customerId: ada.id, name: 'by-owner', region: 'europe' };
    const refused = await api.post('/v1/databases', request, { key: member.token });
    expect([refused.status, slugOf(refused), refused.body.detail]).toEqual([403, 'forbidden', 'a member may read, and change nothing']);
    const made = await api.post('/v1/databases', request, { key: owner.token });
    expect(made.status).toBe(202);
    await api.ended(made.body.operation.id);
    expect((await api.get(`/v1/databases/${made.body.database.id}`, { key: member.token })).status).toBe(200);
    expect((await api.get(`/v1/databases/${made.body.database.id}/dump`, { key: member.token })).status).toBe(403);
    const stray = await signedInUser(api, 'owner', bob.id);
    expect((await api.get(`/v1/databases/${made.body.database.id}`, { key: stray.token })).status).toBe(404);
    expect(await auditOf('database.create', made.body.database.id)).toMatchObject([{ actor: owner.id, result: 'done', customerId: ada.id }]);
    // A link that they made ends with what they may do.
    api.engine.backups.dumps = ['PGDMP', 'PGDMP'];
    const { url } = (await api.post(`/v1/databases/${made.body.database.id}/dump-links`, undefined, { key: owner.token })).body;
    const link = new URL(url).pathname;
    expect((await api.call('HEAD', link, stranger)).status).toBe(200);
    await api.call('PUT', `/v1/users/${owner.id}/role`, { body: { role: 'member' }, key: ada.key });
    expect((await api.call('HEAD', link, stranger)).status).toBe(404);
  });

  it('is seen with the others by those of the same customer, and changed by its owners', async () => {
    const id = await makeUser(api, 'owner', bob.id, 'bob@example.com');
    const member = await signedInUser(api, 'member', bob.id);
    const listed = (await api.get('/v1/users', { key: member.token })).body.data as { id: string; customerId: string }[];
    expect(listed.map((user) => user.id)).toEqual(expect.arrayContaining([id, member.id]));
    expect(new Set(listed.map(({ customerId }) => customerId))).toEqual(new Set([bob.id]));
    expect((await api.call('PUT', `/v1/users/${member.id}/role`, { body: { role: 'owner' }, key: member.token })).status).toBe(403);
    expect((await api.call('PUT', `/v1/users/${member.id}/role`, { body: { role: 'owner' }, key: ada.key })).status).toBe(404);
    const raised = await api.call('PUT', `/v1/users/${member.id}/role`, { body: { role: 'owner' }, key: bob.key });
    expect(raised.body).toMatchObject({ id: member.id, role: 'owner' });
    expect((await me(member.token)).body.user.role).toBe('owner');
  });

  it('who is the last owner stays one, also when two owners remove each other at the same time', async () => {
    const { id: customerId, key } = await api.customer();
    const [one, other] = [await signedInUser(api, 'owner', customerId), await signedInUser(api, 'owner', customerId)];
    const answers = await Promise.all([api.call('DELETE', `/v1/users/${other.id}`, { key: one.token }), api.call('DELETE', `/v1/users/${one.id}`, { key: other.token })]);
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
    const { body: { data: [left] } } = await api.get('/v1/users', { key });
    for (const attempt of [
      api.call('DELETE', `/v1/users/${left.id}`, { key }), api.post(`/v1/users/${left.id}/disable`, undefined, { key }),
      api.call('PUT', `/v1/users/${left.id}/role`, { body: { role: 'member' }, key }),
    ]) expect([(await attempt).status, slugOf(await attempt)]).toEqual([409, 'last-owner']);
  });

  it('who is disabled is out at once and stays out, until enabled', async () => {
    const id = await makeUser(api, 'member', ada.id, 'carol@example.com');
    const { token } = (await signIn('carol@example.com')).body;
    expect((await api.post(`/v1/users/${id}/disable`, undefined, { key: ada.key })).body.state).toBe('disabled');
    const refused = await me(token);
    expect([refused.status, slugOf(refused)]).toEqual([401, 'invalid-session']);
    expect((await signIn('carol@example.com')).status).toBe(401);
    await api.post(`/v1/users/${id}/enable`, undefined, { key: ada.key });
    expect((await me(token)).status).toBe(401);
    expect((await signIn('carol@example.com')).status).toBe(201);
  });
});

describe('a sign-in', () => {
  it('answers a wrong password, an address that nobody has, and a disabled user alike, after the same work', async () => {
    const id = await makeUser(api, 'member', ada.id, 'dora@example.com');
    const passwords = api.part(Passwords);
    const attempt = async (email: string): Promise<unknown> => {
      const [before, audited] = [passwords.work, await api.query(`SELECT id FROM audit_events WHERE action = 'session.create'`)];
      const { status, headers, body: { instance: _, ...body } } = await signIn(email, 'a wrong one altogether');
      const noted = await api.query(`SELECT id FROM audit_events WHERE action = 'session.create'`);
      return { status, body, challenge: headers.get('www-authenticate'), work: passwords.work - before, noted: noted.length - audited.length };
    };
    const [wrong, unknown] = [await attempt('dora@example.com'), await attempt('nobody-at-all@example.com')];
    await api.post(`/v1/users/${id}/disable`, undefined, { key: ada.key });
    expect(wrong).toMatchObject({ status: 401, work: 210_000, noted: 1 });
    expect(unknown).toEqual(wrong);
    expect(await attempt('dora@example.com')).toEqual(wrong);
    expect((await api.get('/v1/audit-events?limit=200', { key: ada.key })).body.data).toContainEqual(expect.objectContaining({ action: 'session.create', result: 'refused', subjectId: id, address: '127.0.0.1' }));
  });

  it('makes the rounds more that are kept, when the setting has grown', async () => {
    const id = await makeUser(api, 'member', ada.id, 'early@example.com');
    await api.query('UPDATE user_credentials SET verifier = $2 WHERE user_id = $1', [id, await makePasswordVerifier(PASSWORD, 1000)]);
    expect((await signIn('early@example.com')).status).toBe(201);
    const [row] = await api.query<{ verifier: string }>('SELECT verifier FROM user_credentials WHERE user_id = $1', [id]);
    expect(row!.verifier).toMatch(/^PBKDF2-SHA512\$210000:/);
    expect((await signIn('early@example.com')).status).toBe(201);
  });

  it('is refused for longer after each wrong password, for this account from this address, and is open after that', async () => {
    await makeUser(api, 'member', ada.id, 'eve@example.com');
    const { redis: keys } = api.part(SharedMemory);
    // Of many at once no more are tried than one after the other.
    const guesses = await Promise.all(Array.from({ length: 12 }, (_, index) => signIn('eve@example.com', `a guess of many ${index}`)));
    expect(guesses.filter(({ status }) => status === 401).length).toBeLessThanOrEqual(6);
    const refused = guesses.find(({ status }) => status === 429)!;
    expect([slugOf(refused), Number(refused.headers.get('retry-after')) > 0]).toEqual(['too-many-attempts', true]);
    // As many more as make the next one wait for a quarter of an hour.
    const [counted] = (await Promise.all((await keys.keys('freehold:attempts:pair:*')).map(async (key) => ({ key, count: Number(await keys.get(key)) })))).sort((a, b) => b.count - a.count);
    expect(counted!.count).toBeLessThanOrEqual(6);
    await keys.incrby(counted!.key, 20);
    await keys.del(counted!.key.replace('attempts', 'gate'));
    expect((await signIn('eve@example.com', 'one guess more')).status).toBe(401);
    const waits = await signIn('eve@example.com');
    expect([waits.status, slugOf(waits)]).toEqual([429, 'too-many-attempts']);
    expect(Number(waits.headers.get('retry-after'))).toBeGreaterThan(800);
    expect((await signIn('early@example.com')).status).toBe(201);
    await keys.pexpire(counted!.key.replace('attempts', 'gate'), 1);
    await eventually(async () => (await signIn('eve@example.com')).status === 201);
    expect(await keys.exists(counted!.key)).toBe(0);
  });

  it('of the right password passes from another address, for all that somebody guesses from theirs', async () => {
    const limits = api.part(GuessLimits);
    const attempt = async (address: string): Promise<string> => limits.begin({ account: 'someone@example.com', address }).then(() => 'may', (error: { problem: string }) => error.problem);
    const theirs: string[] = [];
    for (let index = 0; index < 12; index += 1) theirs.push(await attempt('192.0.2.1'));
    expect(theirs.slice(0, 5)).toEqual(Array.from({ length: 5 }, () => 'may'));
    expect(theirs).toContain('too-many-attempts');
    expect(await attempt('192.0.2.2')).toBe('may');
  });
});

describe('a session', () => {
  it('ends by signing out, of one machine or of all', async () => {
    const user = await signedInUser(api, 'member', ada.id);
    const [second, third] = [await signInAgain(api, user.id), await signInAgain(api, user.id)];
    const { body: { data } } = await api.get('/v1/sessions', { key: second });
    expect(data).toHaveLength(3);
    const current = data.find((session: { current: boolean }) => session.current);
    expect(current).toMatchObject({ agent: 'test', address: '127.0.0.1' });
    expect((await api.call('DELETE', `/v1/sessions/${current.id}`, { key: user.token })).status).toBe(204);
    expect((await me(second)).status).toBe(401);
    expect((await api.call('DELETE', '/v1/sessions/current', { key: third })).status).toBe(204);
    expect((await me(third)).status).toBe(401);
    const last = await signInAgain(api, user.id);
    expect((await api.call('DELETE', '/v1/sessions', { key: user.token })).status).toBe(204);
    for (const token of [user.token, last]) expect((await me(token)).status).toBe(401);
    const other = await signedInUser(api, 'member', ada.id);
    expect((await api.call('DELETE', `/v1/sessions/${current.id}`, { key: other.token })).status).toBe(404);
  });

  it('ends with its epoch, also if Redis comes back with it', async () => {
    const user = await signedInUser(api, 'member', ada.id);
    await api.query('UPDATE users SET session_epoch = session_epoch + 1 WHERE id = $1', [user.id]);
    expect((await me(user.token)).status).toBe(401);
  });

  it('goes on over a new password, while all others end, and the user is told', async () => {
    await makeUser(api, 'member', ada.id, 'frank@example.com');
    const [one, other] = [(await signIn('frank@example.com')).body.token, (await signIn('frank@example.com')).body.token];
    const change = (currentPassword: string, newPassword: string): Promise<Answer> => api.post('/v1/me/password', { currentPassword, newPassword }, { key: one });
    expect(slugOf(await change('not the password', 'another green kettle'))).toBe('wrong-password');
    const short = await change(PASSWORD, 'too short');
    expect([short.status, slugOf(short), short.body.errors]).toEqual([400, 'weak-password', [{ field: 'newPassword', message: 'must have at least 12 characters' }]]);
    expect((await change(PASSWORD, 'another green kettle')).status).toBe(204);
    expect([(await me(one)).status, (await me(other)).status]).toEqual([200, 401]);
    expect([(await signIn('frank@example.com')).status, (await signIn('frank@example.com', 'another green kettle')).status]).toEqual([401, 201]);
    expect((await mailbox.wait('frank@example.com', /^Your password was changed$/)).text).toContain('All other sessions were signed out');
  });

  it('by cookie is of this address alone: what changes something comes from its pages, with the session\'s own token', async () => {
    const own = { origin: api.url };
    expect(slugOf(await api.post('/v1/sessions', { email: 'early@example.com', password: PASSWORD, cookie: true }, { ...stranger, headers: { origin: 'https://evil.example' } }))).toBe('cross-site-request');
    const answer = await api.post('/v1/sessions', { email: 'early@example.com', password: PASSWORD, cookie: true }, { ...stranger, headers: own });
    expect(answer.body).toMatchObject({ state: 'signed-in', token: null });
    const set = answer.headers.get('set-cookie')!;
    expect(set).toMatch(/^freehold_session=fh_session_[^;]+; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Lax$/);
    const cookie = set.split(';')[0]!;
    const call = (method: string, path: string, headers: Record<string, string>): Promise<Answer> => api.call(method, path, { ...stranger, headers: { cookie, ...headers } });
    const read = await call('GET', '/v1/me', {});
    expect(read.body.csrfToken).toBe(answer.body.csrfToken);
    const token = { 'x-csrf-token': answer.body.csrfToken as string };
    for (const headers of [own, token, { ...token, origin: 'https://evil.example' }, { ...own, 'x-csrf-token': 'x' }] as Record<string, string>[]) {
      const refused = await call('DELETE', '/v1/sessions', headers);
      expect([refused.status, slugOf(refused)]).toEqual([403, 'cross-site-request']);
    }
    const ended = await call('DELETE', '/v1/sessions/current', { ...own, ...token });
    expect(ended.status).toBe(204);
    expect(ended.headers.get('set-cookie')).toMatch(/^freehold_session=; .*Expires=Thu, 01 Jan 1970/);
    expect((await call('GET', '/v1/me', {})).status).toBe(401);
  });

  it('is kept in Redis by the hash of its token, and ends unused', async () => {
    const user = await signedInUser(api, 'member', ada.id);
    const memory = api.part(SharedMemory);
    const keys = await memory.redis.keys('freehold:*');
    expect(keys.length).toBeGreaterThan(0);
    const values = await Promise.all(keys.filter((key) => key.startsWith('freehold:session:')).map((key) => memory.redis.get(key)));
    expect(`${keys.join()} ${values.join()}`).not.toMatch(/fh_session_|fh_ticket_|@example\.com/);
    const [name] = await Promise.all(keys.filter((key) => key.startsWith('freehold:session:')).map(async (key) => (String(await memory.redis.get(key)).includes(user.id) ? key : ''))).then((found) => found.filter(Boolean));
    const left = await memory.redis.pttl(name!);
    expect(left).toBeGreaterThan(3_500_000);
    expect(left).toBeLessThanOrEqual(3_600_000);
    await memory.redis.pexpire(name!, 1);
    expect((await eventually(async () => { const answer = await me(user.token); return answer.status === 401 && answer; })).status).toBe(401);
  });
});

describe('a second factor', () => {
  it('is asked for once it is confirmed; each of its codes, and each recovery code, lets in once', async () => {
    await makeUser(api, 'owner', ada.id, 'grace@example.com');
    const { token } = (await signIn('grace@example.com')).body;
    expect(slugOf(await api.post('/v1/me/second-factor', { password: 'not the password' }, { key: token }))).toBe('wrong-password');
    const { body: { secret, uri } } = await api.post('/v1/me/second-factor', { password: PASSWORD }, { key: token });
    expect(uri).toContain(secret);
    expect((await signIn('grace@example.com')).body.state).toBe('signed-in');
    expect(slugOf(await api.post('/v1/me/second-factor/confirm', { code: '000000' }, { key: token }))).toBe('no-second-factor');
    const first = codeOf(secret, -1);
    const confirmed = await api.post('/v1/me/second-factor/confirm', { code: first }, { key: token });
    expect(confirmed.body.recoveryCodes).toHaveLength(10);
    expect((await me(token)).body).toMatchObject({ hasSecondFactor: true, recoveryCodesLeft: 10 });

    const { body: { state, ticket, token: none } } = await signIn('grace@example.com');
    expect([state, none]).toEqual(['second-factor-required', null]);
    const confirm = (given: string, proof: object): Promise<Answer> => api.post('/v1/sessions/second-factor', { ticket: given, ...proof }, stranger);
    expect((await confirm(ticket, { code: first })).status).toBe(401);
    const code = codeOf(secret);
    const raced = await Promise.all([confirm(ticket, { code }), confirm(ticket, { code })]);
    expect(raced.map(({ status }) => status).sort()).toEqual([201, 401]);
    const [again, another] = [(await signIn('grace@example.com')).body.ticket, (await signIn('grace@example.com')).body.ticket];
    expect((await confirm(again, { code })).status).toBe(401);
    const [recoveryCode] = confirmed.body.recoveryCodes as string[];
    expect((await confirm(again, { recoveryCode })).body.state).toBe('signed-in');
    expect((await confirm(another, { recoveryCode })).status).toBe(401);
    expect((await confirm(`${ticket}x`, { code: codeOf(secret, 1) })).status).toBe(401);
    const [row] = await api.query<{ sealed: Buffer }>(`SELECT sealed_totp AS sealed FROM user_credentials WHERE sealed_totp IS NOT NULL`);
    expect(row!.sealed.toString('latin1')).not.toContain(secret);

    const renewed = await api.post('/v1/me/second-factor/recovery-codes', { password: PASSWORD }, { key: token });
    const removed = await api.post('/v1/me/second-factor/remove', { password: PASSWORD, recoveryCode: renewed.body.recoveryCodes[3] }, { key: token });
    expect(removed.status, removed.text).toBe(204);
    expect((await signIn('grace@example.com')).body.state).toBe('signed-in');
  });
});

describe('a lost password', () => {
  it('is replaced by a mail, which an address that is nobody\'s does not get, after the same answer and the same work', async () => {
    await makeUser(api, 'member', ada.id, 'heidi@example.com');
    const { token: session } = (await signIn('heidi@example.com')).body;
    const ask = async (email: string): Promise<unknown> => {
      const count = async (): Promise<unknown> => (await api.query(`SELECT (SELECT count(*)::integer FROM password_resets) AS resets, (SELECT count(*)::integer FROM mails) AS mails, (SELECT count(*)::integer FROM audit_events) AS events`))[0];
      const before = await count() as Record<string, number>;
      const { status, text } = await api.post('/v1/password-resets', { email }, stranger);
      const after = await count() as Record<string, number>;
      return { status, text, ...Object.fromEntries(Object.entries(after).map(([name, value]) => [name, value - before[name]!])) };
    };
    const known = await ask('Heidi@example.com');
    expect(known).toEqual({ status: 202, text: '', resets: 1, mails: 1, events: 1 });
    expect(await ask('nobody-there@example.com')).toEqual(known);
    const token = tokenIn(await mailbox.wait('heidi@example.com', /^A new password for Freehold$/));
    expect(slugOf(await api.post('/v1/password-resets/use', { token, password: 'short' }, stranger))).toBe('weak-password');
    expect((await api.post('/v1/password-resets/use', { token, password: 'a new green kettle' }, stranger)).status).toBe(204);
    expect(slugOf(await api.post('/v1/password-resets/use', { token, password: 'a new green kettle 2' }, stranger))).toBe('invalid-token');
    expect((await me(session)).status).toBe(401);
    expect([(await signIn('heidi@example.com')).status, (await signIn('heidi@example.com', 'a new green kettle')).status]).toEqual([401, 201]);
    await eventually(async () => (await api.query(`SELECT FROM mails WHERE recipient = 'nobody-there@example.com' AND outcome = 'dropped' AND sealed IS NULL`)).length === 1);
    expect((await mailbox.all()).some(({ to }) => JSON.stringify(to).includes('nobody-there'))).toBe(false);
  });

  it('is written about three times an hour at most, and whoever asks is not told', async () => {
    for (let index = 0; index < 5; index += 1) expect((await api.post('/v1/password-resets', { email: 'ivan@example.com' }, stranger)).status).toBe(202);
    expect(await api.query(`SELECT FROM mails WHERE recipient = 'ivan@example.com'`)).toHaveLength(3);
  });
});

describe('an operator', () => {
  it('who is the first has to choose a password and set up a second factor before anything else', async () => {
    const { body: { token, owes } } = await signIn('operator@localhost', 'drawn once and printed');
    expect(owes).toBe('new-password');
    for (const path of ['/v1/hosts', '/v1/databases', '/v1/users']) expect(slugOf(await api.get(path, { key: token }))).toBe('new-password-required');
    expect((await api.post('/v1/me/password', { currentPassword: 'drawn once and printed', newPassword: PASSWORD }, { key: token })).status).toBe(204);
    expect((await me(token)).body.owes).toBe('second-factor');
    expect(slugOf(await api.get('/v1/hosts', { key: token }))).toBe('second-factor-required');
    const { body: { secret } } = await api.post('/v1/me/second-factor', { password: PASSWORD }, { key: token });
    expect((await api.post('/v1/me/second-factor/confirm', { code: codeOf(secret) }, { key: token })).status).toBe(200);
    expect((await api.get('/v1/hosts', { key: token })).status).toBe(200);
    await api.restart();
    expect(await api.query(`SELECT FROM users WHERE email = 'operator@localhost'`)).toHaveLength(1);
    expect((await me(token)).body.owes).toBeNull();
  });

  it('invites others, makes users, and gives them new passwords', async () => {
    expect((await api.post('/v1/operators/invitations', { email: 'judy@example.com' }, { key: api.signupKey })).status).toBe(403);
    expect((await api.post('/v1/operators/invitations', { email: 'judy@example.com' })).body).toMatchObject({ role: 'operator', customerId: null });
    expect((await mailbox.wait('judy@example.com', /run Freehold/)).text).toContain('/console/accept-invitation#');
    const made = await api.post('/v1/users', { email: 'kim@example.com', role: 'owner', customerId: ada.id });
    expect(made.status).toBe(201);
    const { user, password } = made.body;
    expect((await signIn('kim@example.com', password)).body.owes).toBe('new-password');
    expect(slugOf(await api.post('/v1/users', { email: 'kim@example.com', role: 'owner', customerId: ada.id }))).toBe('user-exists');
    expect((await api.post('/v1/users', { email: 'x@example.com', role: 'operator', customerId: ada.id })).body.errors[0].field).toBe('customerId');
    const reset = await api.post(`/v1/users/${user.id}/reset`);
    expect((await signIn('kim@example.com', password)).status).toBe(401);
    expect((await signIn('kim@example.com', reset.body.password)).body.owes).toBe('new-password');
  });
});

describe('the command', () => {
  const users = (...args: string[]): Promise<CommandResult> => freehold(['users', ...args], { FREEHOLD_URL: api.url, FREEHOLD_API_KEY: api.operatorKey });

  it('makes, invites, shows, disables and resets users', async () => {
    await buildCommand();
    const file = join(mailbox.dataDir, 'password');
    writeFileSync(file, 'from a file of mine\nand more\n');
    const made = await users('create', '--email', 'leo@example.com', '--role', 'member', '--customer', ada.id, '--password-file', file);
    expect(made.stderr).toContain('leo@example.com');
    expect(`${made.stdout}${made.stderr}`).not.toContain('from a file');
    expect((await signIn('leo@example.com', 'from a file of mine')).body.owes).toBe('new-password');
    const [drawn, invited, listed] = await Promise.all([
      users('reset', 'leo@example.com', '--second-factor', '--json'),
      users('invite', '--email', 'mia@example.com', '--role', 'operator', '--json'),
      users('list', '--role', 'member', '--customer', ada.id),
    ]);
    expect((await signIn('leo@example.com', JSON.parse(drawn.stdout).password)).body.owes).toBe('new-password');
    expect(JSON.parse(invited.stdout)).toMatchObject({ email: 'mia@example.com', role: 'operator', state: 'open' });
    expect(listed.stdout).toMatch(/^ID +E-MAIL +ROLE[^]*leo@example\.com +member/);
    expect((await users('disable', 'LEO@example.com')).stdout).toBe('leo@example.com is disabled\n');
  });
});

describe('the metadata', () => {
  it('shows a tenant who its users are and whom it invited, and nothing by which anybody signs in', async () => {
    const metadata = new Metadata(api.ground.dataSource);
    const read = (statement: string): Promise<unknown[]> => metadata.read({ sees: 'customer', customerId: ada.id }, (tx) => tx.query(statement)) as Promise<unknown[]>;
    const users = await read('SELECT DISTINCT customer_id FROM users');
    expect(users).toEqual([{ customer_id: ada.id }]);
    expect(await read('SELECT DISTINCT customer_id FROM invitations')).toEqual([{ customer_id: ada.id }]);
    for (const statement of ['SELECT FROM user_credentials', 'SELECT FROM recovery_codes', 'SELECT FROM password_resets', 'SELECT FROM mails', 'SELECT hash FROM invitations']) {
      await expect(read(statement)).rejects.toThrow(/permission denied/);
    }
  });
});

describe('Redis', () => {
  it('that is lost signs people out, and nothing worse', async () => {
    const user = await signedInUser(api, 'member', ada.id);
    await redis.kill();
    const away = await me(user.token);
    expect([away.status, slugOf(away)]).toEqual([503, 'unavailable']);
    expect((await signIn('early@example.com')).status).toBe(503);
    expect((await api.get('/v1/databases', { key: ada.key })).status).toBe(200);
    await redis.restart();
    expect(await eventually(async () => { const answer = await signIn('early@example.com'); return answer.status === 201; })).toBe(true);
    expect(existsSync(mailbox.folder)).toBe(true);
  });
});
