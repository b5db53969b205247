import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENT, startProvider, TestBrowser, type TestProvider } from '../support/open-id-provider.js';
import { makeUser } from '../support/people.js';
import { freePort } from '../support/servers.js';
import { startTestApi, type TestApi } from '../support/test-api.js';

let provider: TestProvider;
let api: TestApi;
const folder = mkdtempSync(join(tmpdir(), 'freehold-test-provider-'));

beforeAll(async () => {
  const port = await freePort();
  provider = await startProvider(`http://127.0.0.1:${port}/v1/sessions/provider/callback`, {
    grace: { email: 'grace@staff.example', groups: ['everybody', 'database-operators'] },
    mallory: { email: 'mallory@staff.example', groups: ['everybody'] },
    twin: { email: 'taken@staff.example', groups: ['database-operators'] },
  });
  const file = join(folder, 'secret');
  writeFileSync(file, `${CLIENT.secret}\n`, { mode: 0o600 });
  api = await startTestApi({
    worker: false,
    settings: {
      FREEHOLD_PORT: String(port), FREEHOLD_OIDC_ISSUER: provider.issuer, FREEHOLD_OIDC_CLIENT_ID: CLIENT.id,
      FREEHOLD_OIDC_CLIENT_SECRET_FILE: file, FREEHOLD_OIDC_CLAIM: 'groups', FREEHOLD_OIDC_VALUE: 'database-operators',
    },
  });
});
afterAll(async () => {
  await api?.close();
  await provider?.close();
  rmSync(folder, { recursive: true, force: true });
});

const callback = (): string => `${api.url}/v1/sessions/provider/callback`;
const signIn = async (browser: TestBrowser): Promise<Response> => (await browser.travel(`${api.url}/v1/sessions/provider`, callback())).response;

describe('a provider', () => {
  it('makes an operator of who has the claim, once, who needs no second factor here', async () => {
    for (let times = 0; times < 2; times += 1) {
      const browser = new TestBrowser('grace');
      const arrived = await signIn(browser);
      expect([arrived.status, arrived.headers.get('location')]).toEqual([303, `${api.url}/console`]);
      const me: unknown = await (await browser.get(`${api.url}/v1/me`)).json();
      expect(me).toMatchObject({ user: { email: 'grace@staff.example', role: 'operator', customerId: null, name: 'grace' }, owes: null });
      expect((await browser.get(`${api.url}/v1/hosts`)).status).toBe(200);
    }
    expect(await api.query(`SELECT FROM users WHERE role = 'operator'`)).toHaveLength(1);
    expect((await api.post('/v1/sessions', { email: 'grace@staff.example', password: 'whatever it may be' }, { key: null })).status).toBe(401);
  });

  it('lets in nobody else: without the claim, with an address that is somebody\'s here, or disabled', async () => {
    await makeUser(api, 'operator', null, 'taken@staff.example');
    for (const name of ['mallory', 'twin']) {
      const browser = new TestBrowser(name);
      const arrived = await signIn(browser);
      expect([arrived.status, (await arrived.json() as { type: string }).type]).toEqual([401, expect.stringMatching(/invalid-credentials$/) as string]);
      expect((await browser.get(`${api.url}/v1/me`)).status).toBe(401);
    }
    await api.query(`UPDATE users SET disabled_at = now() WHERE email = 'grace@staff.example'`);
    expect((await signIn(new TestBrowser('grace'))).status).toBe(401);
    await api.query(`UPDATE users SET disabled_at = NULL`);
  });

  it('asks with PKCE, a state and a nonce, and who comes back with another\'s answer, or twice, is not let in', async () => {
    const departed = await new TestBrowser('grace').get(`${api.url}/v1/sessions/provider`);
    const asked = new URL(departed.headers.get('location')!).searchParams;
    expect([asked.get('code_challenge_method'), asked.get('response_type')]).toEqual(['S256', 'code']);
    for (const name of ['state', 'nonce', 'code_challenge']) expect(asked.get(name)?.length, name).toBeGreaterThan(20);

    const browser = new TestBrowser('grace');
    const { url } = await browser.travel(`${api.url}/v1/sessions/provider`, callback());
    // Once more with the same answer, by the same browser and by one that was sent itself.
    expect((await browser.get(url)).status).toBe(401);
    const victim = new TestBrowser('mallory');
    await victim.get(`${api.url}/v1/sessions/provider`);
    expect((await victim.get(url)).status).toBe(401);
    expect((await new TestBrowser('mallory').get(url)).status).toBe(401);
  });

  it('that is not named is not there', async () => {
    const without = await startTestApi({ worker: false });
    expect((await without.get('/v1/sessions/provider', { key: null })).status).toBe(404);
    await without.close();
  });
});
