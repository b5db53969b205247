import fc from 'fast-check';
import { TOTP, Secret } from 'otpauth';
import { describe, expect, it } from 'vitest';
import { addressGroup } from '../../../src/access/sign-in/address-group.js';
import { backOffSeconds } from '../../../src/access/sign-in/back-off.js';
import { judgeClaims } from '../../../src/access/sign-in/judge-claims.js';
import { findPasswordFault } from '../../../src/access/sign-in/password-rules.js';
import { Passwords } from '../../../src/access/sign-in/passwords.js';
import { hashRecoveryCode, newRecoveryCodes } from '../../../src/access/sign-in/recovery-codes.js';
import { matchTotp, newTotpSecret, totpUri } from '../../../src/access/sign-in/totp.js';
import { csrfTokenOf, matchesCsrfToken } from '../../../src/access/sessions/csrf-token.js';
import { comesFromOwnPages } from '../../../src/access/sessions/own-pages.js';
import { owedBy, type SignedInFacts } from '../../../src/access/sessions/owed-by.js';
import { sessionCookieOf } from '../../../src/access/sessions/session-cookie.js';
import { emailKey } from '../../../src/access/users/email-key.js';
import type { Settings } from '../../../src/config/settings.js';
import { makePasswordVerifier, matchesPassword, readPasswordVerifier } from '../../../src/secrets/password-verifier.js';

const ROUNDS = 210_000;
const passwords = (rounds = ROUNDS): Passwords => new Passwords({ FREEHOLD_PASSWORD_ROUNDS: rounds } as Settings);

describe('a password', () => {
  it('has 12 to 1024 characters of any kind, of which none is cut in halves', () => {
    expect(findPasswordFault('eleven char')).toMatch(/at least 12/);
    expect(findPasswordFault('twelve chars')).toBeUndefined();
    expect(findPasswordFault('🗝'.repeat(12))).toBeUndefined();
    expect(findPasswordFault('🗝'.repeat(1024))).toBeUndefined();
    expect(findPasswordFault('🗝'.repeat(1025))).toMatch(/at most 1024/);
  });

  it('is kept as PBKDF2 with SHA-512, with its own salt and its rounds beside it', async () => {
    const [one, other] = await Promise.all([makePasswordVerifier('seven green kettles', 1000), makePasswordVerifier('seven green kettles', 1000)]);
    expect(one).toMatch(/^PBKDF2-SHA512\$1000:[A-Za-z0-9+/]{22}==\$[A-Za-z0-9+/]{86}==$/);
    expect(one).not.toBe(other);
    expect(await matchesPassword('seven green kettles', readPasswordVerifier(one))).toBe(true);
    expect(await matchesPassword('seven green kettle', readPasswordVerifier(one))).toBe(false);
  });

  it('is computed as elsewhere: PBKDF2-HMAC-SHA-512 with the password and the salt of RFC 6070, and one round', async () => {
    const salt = Buffer.from('salt').toString('base64');
    const hash = Buffer.from('867f70cf1ade02cff3752599a3a53dc4af34c7a669815ae5d513554e1c8cf252c02d470a285a0501bad999bfe943c08f050235d7d68b1da55e63f73b60a57fce', 'hex').toString('base64');
    expect(await matchesPassword('password', readPasswordVerifier(`PBKDF2-SHA512$1:${salt}$${hash}`))).toBe(true);
  });

  it('is the same however its characters are composed', async () => {
    const kept = await passwords().make('caf\u00e9 am Bahnhof');
    expect(await passwords().match('cafe\u0301 am Bahnhof', kept)).toBe(true);
  });

  it('costs the same work whether or not there is a user, and whichever rounds their verifier has', async () => {
    const checked = passwords();
    const weak = await makePasswordVerifier('seven green kettles', 1000);
    const kept = await passwords().make('seven green kettles');
    const spent: number[] = [];
    for (const verifier of [undefined, null, weak, kept]) {
      const before = checked.work;
      await checked.match('another one altogether', verifier);
      spent.push(checked.work - before);
    }
    expect(spent).toEqual([ROUNDS, ROUNDS, ROUNDS, ROUNDS]);
    expect([checked.isWeak(weak), checked.isWeak(kept)]).toEqual([true, false]);
  });
});

describe('a one-time code', () => {
  const secret = newTotpSecret();
  const codeAt = (ms: number): string => new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: ms });
  const NOW = 1_790_000_000_000;

  it('is that of RFC 6238', () => {
    const ofTheRfc = new Secret({ buffer: new TextEncoder().encode('12345678901234567890').buffer }).base32;
    expect(matchTotp(ofTheRfc, '287082', 59_000)).toBe(1);
    expect(matchTotp(ofTheRfc, '081804', 1_111_111_109_000)).toBe(37037036);
  });

  it('is taken one step early and late, and not two, and tells its step', () => {
    const step = Math.floor(NOW / 30_000);
    expect([-2, -1, 0, 1, 2].map((late) => matchTotp(secret, codeAt(NOW + late * 30_000), NOW))).toEqual([undefined, step - 1, step, step + 1, undefined]);
    expect(matchTotp(secret, ` ${codeAt(NOW).slice(0, 3)} ${codeAt(NOW).slice(3)} `, NOW)).toBe(step);
    expect(matchTotp(secret, 'abcdef', NOW)).toBeUndefined();
  });

  it('is told to the app with the issuer and the address', () => {
    expect(totpUri(secret, 'ada@example.com')).toMatch(/^otpauth:\/\/totp\/Freehold:ada%40example\.com\?issuer=Freehold&secret=[A-Z2-7]{32}&/);
  });
});

describe('recovery codes', () => {
  it('are ten, all different, and found however they are typed', () => {
    const codes = newRecoveryCodes();
    expect(new Set(codes).size).toBe(10);
    for (const code of codes) {
      expect(code).toMatch(/^([0-9a-hjkmnp-tv-z]{4}-){3}[0-9a-hjkmnp-tv-z]{4}$/);
      expect(hashRecoveryCode(code.toUpperCase().replaceAll('-', ' ').replaceAll('0', 'O').replaceAll('1', 'l'))).toEqual(hashRecoveryCode(code));
    }
  });
});

describe('guesses', () => {
  const rule = { free: 5, longestSeconds: 900 };

  it('wait longer each time, and not for ever', () => {
    expect([1, 5, 6, 7, 8, 9].map((attempts) => backOffSeconds(attempts, rule))).toEqual([0, 0, 1, 2, 4, 8]);
    fc.assert(fc.property(fc.integer({ min: 1, max: 1_000_000 }), (attempts) => {
      const [now, next] = [backOffSeconds(attempts, rule), backOffSeconds(attempts + 1, rule)];
      expect(next).toBeGreaterThanOrEqual(now);
      expect(next).toBeLessThanOrEqual(900);
    }));
  });

  it('are counted by the network that an address is in', () => {
    expect(addressGroup('192.0.2.7')).toBe('192.0.2.7');
    expect(addressGroup('::ffff:192.0.2.7')).toBe('192.0.2.7');
    expect(addressGroup('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64');
    expect(addressGroup('2001:0db8:1:2::9')).toBe('2001:db8:1:2::/64');
    expect(addressGroup('2001:db8::1')).toBe('2001:db8:0:0::/64');
    expect(addressGroup('fe80::1%eth0')).toBe('fe80:0:0:0::/64');
    expect(addressGroup('::1')).toBe('0:0:0:0::/64');
    expect(addressGroup(null)).toBe('unknown');
  });
});

describe('an address', () => {
  it('is one however it is written', () => {
    expect(emailKey(' Ada@Example.COM ')).toBe('ada@example.com');
    expect(emailKey('ada+shop@example.com')).not.toBe('ada@example.com');
  });
});

describe('what a person owes', () => {
  const facts: SignedInFacts = { role: 'operator', by: 'password', oneTime: false, hasSecondFactor: false, needsSecondFactor: true };

  it.each<[Partial<SignedInFacts>, string | null]>([
    [{}, 'second-factor'], [{ oneTime: true }, 'new-password'], [{ hasSecondFactor: true }, null], [{ needsSecondFactor: false }, null],
    [{ role: 'owner' }, null], [{ role: 'member' }, null], [{ role: 'member', oneTime: true }, 'new-password'], [{ by: 'provider', oneTime: true }, null],
  ])('%o: %s', (others, owed) => {
    expect(owedBy({ ...facts, ...others })).toBe(owed);
  });
});

describe('a page', () => {
  const OWN = 'https://console.example.com';

  it.each<[string, object, boolean]>([
    ['of the public address', { origin: OWN, host: '10.0.0.1:8080' }, true],
    ['of the address that was asked', { origin: 'http://127.0.0.1:8080', host: '127.0.0.1:8080' }, true],
    ['of another', { origin: 'https://evil.example', host: 'console.example.com' }, false],
    ['of another port', { origin: 'http://127.0.0.1:9090', host: '127.0.0.1:8080' }, false],
    ['that hides where it is from', { origin: 'null', host: '127.0.0.1:8080' }, false],
    ['whose name begins alike', { origin: 'https://console.example.com.evil.example', host: 'console.example.com' }, false],
    ['without an origin', { host: '127.0.0.1:8080' }, false],
    ['without an origin, of which the browser says that it is the same', { 'sec-fetch-site': 'same-origin' }, true],
    ['without an origin, of which the browser says that it is a neighbour', { 'sec-fetch-site': 'same-site' }, false],
  ])('%s', (_, headers, own) => {
    expect(comesFromOwnPages(headers, OWN)).toBe(own);
  });

  it('has a token of its own session', () => {
    const token = csrfTokenOf('fh_session_one');
    expect(matchesCsrfToken('fh_session_one', token)).toBe(true);
    for (const wrong of [undefined, '', csrfTokenOf('fh_session_two'), `${token}x`]) expect(matchesCsrfToken('fh_session_one', wrong)).toBe(false);
  });

  it('keeps the cookie to itself where there is TLS', () => {
    expect(sessionCookieOf(OWN)).toEqual({ name: '__Host-freehold_session', secure: true });
    expect(sessionCookieOf('http://127.0.0.1:8080')).toEqual({ name: 'freehold_session', secure: false });
  });
});

describe('what a provider claims', () => {
  const wanted = { issuer: 'https://login.example', claim: 'groups', value: 'operators' };
  const claims = { sub: '7', email: 'grace@example.com', name: 'Grace', groups: ['staff', 'operators'] };
  const proved = { externalId: 'https://login.example#7', email: 'grace@example.com', name: 'Grace' };

  it.each<[string, object, object | undefined]>([
    ['a list that holds the value', {}, proved],
    ['the value itself', { groups: 'operators' }, proved],
    ['no name', { name: undefined }, { ...proved, name: null }],
    ['an address that was verified', { email_verified: true }, proved],
    ['an address that was not', { email_verified: false }, undefined],
    ['another value', { groups: ['operators-of-something-else'] }, undefined],
    ['no claim', { groups: undefined }, undefined],
    ['no address', { email: undefined }, undefined],
    ['no name of its own for them', { sub: undefined }, undefined],
  ])('%s', (_, others, expected) => {
    expect(judgeClaims({ ...claims, ...others }, wanted)).toEqual(expected);
  });
});
