import { beforeAll, describe, expect, it } from 'vitest';
import { chooseApiUrl, ownApiUrl } from '../../../src/supervisor/api-url.js';
import { PublicAuthority } from '../../support/public-authority.js';

describe('the address of the API', () => {
  let authority: PublicAuthority;
  beforeAll(async () => { authority = await PublicAuthority.create('Addresses'); });
  const place = { bind: '127.0.0.1', port: 8080, publicHost: undefined, certificate: undefined };

  it('is where it listens, or the public host if it listens for all', () => {
    expect(chooseApiUrl(place)).toBe('http://127.0.0.1:8080');
    expect(chooseApiUrl({ ...place, bind: '::1' })).toBe('http://[::1]:8080');
    expect(chooseApiUrl({ ...place, bind: '0.0.0.0' })).toBe('http://127.0.0.1:8080');
    expect(chooseApiUrl({ ...place, bind: '::', publicHost: '*.db.example.com' })).toBe('http://db.example.com:8080');
  });

  it('is one that the certificate is for', async () => {
    const certificateFor = async (...names: string[]): Promise<string> => (await authority.issue(names)).chain;
    expect(chooseApiUrl({ ...place, certificate: await certificateFor('127.0.0.1', 'api.example.com') })).toBe('https://127.0.0.1:8080');
    expect(chooseApiUrl({ ...place, certificate: await certificateFor('*.example.com', 'api.example.com') })).toBe('https://api.example.com:8080');
    expect(chooseApiUrl({ ...place, bind: '::', publicHost: 'db.example.com', certificate: await certificateFor('*.example.com') })).toBe('https://db.example.com:8080');
    expect(chooseApiUrl({ ...place, certificate: await certificateFor('*.example.com') })).toBe('https://127.0.0.1:8080');
  });

  it('is this machine\'s own for the machine itself', async () => {
    const certificate = (await authority.issue(['api.example.com'])).chain;
    expect(ownApiUrl({ ...place, bind: '0.0.0.0', publicHost: 'api.example.com', certificate })).toBe('https://127.0.0.1:8080');
    expect(ownApiUrl(place)).toBe('http://127.0.0.1:8080');
  });
});
