import { createServer } from 'node:http';
import Provider, { type Configuration } from 'oidc-provider';
import { freePort } from './servers.js';

/** A person at the provider. */
export interface ClaimedPerson {
  readonly email: string;
  readonly groups: readonly string[];
}

export const CLIENT = { id: 'freehold', secret: 'the secret of the client, from a file' } as const;

/** A provider of OpenID Connect on this machine, where everybody signs in by their name. */
export interface TestProvider {
  readonly issuer: string;
  close(): Promise<void>;
}

export async function startProvider(redirectUri: string, people: Readonly<Record<string, ClaimedPerson>>): Promise<TestProvider> {
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const configuration: Configuration = {
    clients: [{ client_id: CLIENT.id, client_secret: CLIENT.secret, redirect_uris: [redirectUri], grant_types: ['authorization_code'], response_types: ['code'] }],
    pkce: { required: () => true },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
    findAccount: (_context, id) => ({ accountId: id, claims: async () => ({ sub: id, name: id, email_verified: true, ...people[id], groups: [...people[id]?.groups ?? []] }) }),
    cookies: { keys: ['only for tests'] },
    ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 600, Grant: 600, Interaction: 600, Session: 600 },
  };
  const provider = new Provider(issuer, configuration);
  const server = createServer((request, response) => void provider.callback()(request, response));
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { issuer, close: () => new Promise((resolve) => { server.closeAllConnections(); server.close(() => resolve()); }) };
}

/** A browser that follows redirects, keeps cookies by their place, and signs in wherever the provider asks. */
export class TestBrowser {
  private readonly cookies = new Map<string, Map<string, string>>();

  constructor(private readonly name: string) {}

  /** Goes on until it comes to an address that begins so, and answers with what is there without following it. */
  async travel(from: string, until: string): Promise<{ readonly url: string; readonly response: Response }> {
    let url = from;
    for (let hops = 0; hops < 20; hops += 1) {
      const response = await this.get(url);
      if (url.startsWith(until)) return { url, response };
      const location = response.headers.get('location');
      url = location ? new URL(location, url).href : await this.answer(url, await response.text());
    }
    throw new Error(`the browser never came to ${until}`);
  }

  async get(url: string, init: RequestInit = {}): Promise<Response> {
    const jar = this.cookies.get(new URL(url).host) ?? new Map<string, string>();
    this.cookies.set(new URL(url).host, jar);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { ...init, redirect: 'manual', headers: { ...init.headers as Record<string, string>, ...(cookie !== '' && { cookie }) }, signal: AbortSignal.timeout(10_000) });
    for (const set of response.headers.getSetCookie()) {
      const [pair = ''] = set.split(';');
      const [name = '', ...value] = pair.split('=');
      if (/expires=Thu, 01 Jan 1970/i.test(set)) jar.delete(name);
      else jar.set(name, value.join('='));
    }
    return response;
  }

  /** Fills in the provider's form, which asks who one is or whether one agrees. */
  private async answer(url: string, page: string): Promise<string> {
    const action = /<form[^>]*action="([^"]+)"/.exec(page)?.[1];
    const prompt = /name="prompt" value="([^"]+)"/.exec(page)?.[1];
    if (action === undefined || prompt === undefined) throw new Error(`there is no form at ${url}: ${page.slice(0, 400)}`);
    const body = new URLSearchParams({ prompt, ...(prompt === 'login' && { login: this.name, password: 'any' }) });
    const response = await this.get(new URL(action, url).href, { method: 'POST', body: body.toString(), headers: { 'content-type': 'application/x-www-form-urlencoded' } });
    return new URL(response.headers.get('location') ?? '', url).href;
  }
}
