import { simpleParser } from 'mailparser';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tokenIn } from '../support/people.js';
import { eventually, freePort } from '../support/servers.js';
import { startTestApi, type TestApi } from '../support/test-api.js';

/** A mail server that takes every mail, or none while it is told so. */
const received: { readonly user: string | undefined; readonly to: readonly string[]; readonly raw: string }[] = [];
let refuses = false;
let server: SMTPServer;
let api: TestApi;
let customerId: string;

const onData: SMTPServerOptions['onData'] = (stream, session, done) => {
  let raw = '';
  stream.on('data', (chunk: Buffer) => { raw += chunk.toString(); });
  stream.on('end', () => {
    received.push({ user: session.user, to: session.envelope.rcptTo.map(({ address }) => address), raw });
    done();
  });
};

beforeAll(async () => {
  const port = await freePort();
  server = new SMTPServer({
    authMethods: ['PLAIN'], allowInsecureAuth: true, disabledCommands: ['STARTTLS'],
    onAuth: ({ username, password }, _session, done) => (password === 'geheim!' ? done(null, { user: username ?? '' }) : done(new Error('no'))),
    onMailFrom: (_address, _session, done) => (refuses ? done(new Error('the disk of the mail server is full')) : done()),
    onData,
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  api = await startTestApi({
    settings: { FREEHOLD_SMTP_URL: `smtp://freehold:geheim%21@127.0.0.1:${port}`, FREEHOLD_MAIL_FROM: 'Freehold <no-reply@freehold.example>', FREEHOLD_PUBLIC_URL: 'https://freehold.example' },
  });
  ({ id: customerId } = await api.customer());
});
afterAll(async () => {
  await api?.close();
  await new Promise<void>((resolve) => (server ? server.close(resolve) : resolve()));
});

const invite = (email: string): Promise<unknown> => api.post(`/v1/customers/${customerId}/invitations`, { email, role: 'member' });
const recordOf = async (recipient: string) =>
  (await api.query<{ outcome: string | null; attempts: number; error: string | null; sealed: Buffer | null }>('SELECT outcome, attempts, error, sealed FROM mails WHERE recipient = $1', [recipient]))[0]!;

describe('a mail', () => {
  it('is handed over to the mail server, as plain text and as HTML', async () => {
    await invite('ada@example.com');
    const { user, to, raw } = await eventually(() => received[0]);
    expect([user, to]).toEqual(['freehold', ['ada@example.com']]);
    const mail = await simpleParser(raw);
    expect(mail.from?.text).toBe('"Freehold" <no-reply@freehold.example>');
    expect(mail.messageId).toMatch(/^<mail_[0-9a-z]{26}@freehold\.example>$/);
    expect(mail.headers.get('auto-submitted')).toBe('auto-generated');
    expect(mail.text).toContain(`https://freehold.example/console/accept-invitation#${tokenIn(mail)}`);
  });

  it('that the server refuses is tried again, with an alert when that does not help, and the same token', async () => {
    refuses = true;
    await invite('bob@example.com');
    for (const attempts of [1, 2, 3]) {
      expect((await eventually(async () => { const record = await recordOf('bob@example.com'); return record.attempts === attempts && record.error !== null && record; })).error).toContain('the disk of the mail server is full');
      if (attempts < 3) await api.query(`UPDATE mails SET due_at = now(), error = NULL WHERE outcome IS NULL`);
    }
    const open = async (): Promise<{ kind: string; state: string; message: string }[]> => ((await api.get('/v1/alerts')).body.data as { kind: string; state: string; message: string }[]).filter(({ kind, state }) => kind === 'mail' && state === 'open');
    expect((await eventually(async () => { const alerts = await open(); return alerts.length > 0 && alerts; }))[0]!.message).toContain('the disk of the mail server is full');
    refuses = false;
    await api.query('UPDATE mails SET due_at = now() WHERE outcome IS NULL');
    await eventually(async () => (await recordOf('bob@example.com')).outcome === 'sent');
    expect(received.filter(({ to }) => to[0] === 'bob@example.com')).toHaveLength(1);
    expect((await recordOf('bob@example.com')).sealed).toBeNull();
    await eventually(async () => (await open()).length === 0);
  });

  it('of a change that was rolled back is never written', async () => {
    const before = await api.query('SELECT FROM mails');
    const answers = await Promise.all(Array.from({ length: 55 }, (_, index) => api.post(`/v1/customers/${customerId}/invitations`, { email: `many${index}@example.com`, role: 'member' })));
    const made = answers.filter(({ status }) => status === 201).length;
    expect(answers.some(({ status }) => status === 409)).toBe(true);
    expect((await api.query('SELECT FROM mails')).length - before.length).toBe(made);
  });
});
