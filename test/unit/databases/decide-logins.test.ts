import { describe, expect, it } from 'vitest';

import { newestUser, overlapPasswords, type OwnerLogins, replacePassword, settleLogins } from '../../../src/databases/decide-logins.js';
import { isOwnerLogin, isRoleName } from '../../../src/engine/role-names.js';

const until = new Date('2026-11-30T10:00:00.000Z');
const later = new Date('2026-12-01T10:00:00.000Z');
const first = replacePassword('v1');
const second = overlapPasswords(first, 'shop', 'v2', until);
const settled = settleLogins(second);

describe('the passwords of an owner', () => {
  it('are one, under the owner\'s name, unless two overlap', () => {
    expect(first).toEqual({ ownerVerifier: 'v1', ownerUntil: null, logins: [] });
    expect(newestUser(first, 'shop')).toBe('shop');
    expect(settleLogins(first)).toBe(first);
  });

  it('overlap under two names, and end up under both', () => {
    expect(second).toEqual({ ownerVerifier: 'v1', ownerUntil: until.toISOString(), logins: [{ name: 'shop_login_a', verifier: 'v2', until: null }] });
    expect(newestUser(second, 'shop')).toBe('shop_login_a');
    expect(settled).toEqual({ ownerVerifier: 'v2', ownerUntil: null, logins: [{ name: 'shop_login_a', verifier: 'v2', until: null }] });
    expect(settleLogins(settled)).toEqual(settled);
  });

  it('overlap again under the other name, while both names of the present one go on', () => {
    const third = overlapPasswords(settled, 'shop', 'v3', later);
    expect(third).toEqual({
      ownerVerifier: 'v2', ownerUntil: later.toISOString(),
      logins: [{ name: 'shop_login_a', verifier: 'v2', until: later.toISOString() }, { name: 'shop_login_b', verifier: 'v3', until: null }],
    });
    expect(settleLogins(third)).toEqual({ ownerVerifier: 'v3', ownerUntil: null, logins: [{ name: 'shop_login_b', verifier: 'v3', until: null }] });
  });

  it('are never more than two: the oldest ends when a third comes', () => {
    const third = overlapPasswords(second, 'shop', 'v3', later);
    expect([third.ownerVerifier, ...third.logins.map(({ verifier }) => verifier)]).toEqual(['v2', 'v2', 'v3']);
    let current: OwnerLogins = third;
    for (let turn = 0; turn < 5; turn += 1) {
      current = overlapPasswords(current, 'shop', `w${turn}`, later);
      expect(current.logins.map(({ name }) => name).sort()).toEqual(['shop_login_a', 'shop_login_b']);
    }
    expect(replacePassword('v4').logins).toEqual([]);
  });

  it('go with names that nobody can take', () => {
    for (const { name } of [...second.logins, ...overlapPasswords(settled, 'shop', 'v3', later).logins]) expect([isOwnerLogin(name, 'shop'), isRoleName(name), isOwnerLogin(name, 'sho')]).toEqual([true, false, false]);
  });
});
