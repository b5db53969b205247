import { describe, expect, it } from 'vitest';
import { type Actor, OPERATOR, type Owed, PROVISION_SCOPE, type UserRole } from '../../../src/access/actor.js';
import { type Action, WHO_MAY } from '../../../src/access/actions.js';
import { admit, reachFor } from '../../../src/access/permission.js';
import { EVERYTHING, type Reach } from '../../../src/metadata/reach.js';

const key = (...scopes: string[]): Actor => ({ type: 'api-key', id: 'key_1', name: 'a key', scopes });
const [operator, signup, ada, bob] = [key(OPERATOR), key(PROVISION_SCOPE), key('customer:ada'), key('customer:bob')];
const user = (role: UserRole, customerId: string | null, owes: Owed | null = null): Actor =>
  ({ type: 'user', id: 'usr_1', role, customerId, session: { id: 'ses_1', hash: 'x' }, owes });
const recoverer: Actor = { type: 'system', id: 'recover' };

/** A thing that is found so, and is its customer's. */
const about = <Found extends object>(find: (reach: Reach) => Promise<Found | undefined>) => ({
  id: 'thing', find, ownerOf: (found: Found) => ('customerId' in found ? String(found.customerId) : undefined),
});

const problemOf = async (attempt: () => unknown): Promise<unknown> => {
  try {
    await attempt();
    return 'none';
  } catch (error) {
    return (error as { problem: string }).problem;
  }
};

describe('an actor', () => {
  it('is told of nothing that it cannot see, also where it lacks permission', async () => {
    const find = async () => undefined;
    for (const actor of [operator, signup, ada]) expect(await problemOf(() => admit(actor, 'database.failover', about(find)))).toBe('not-found');
  });

  it('is looked up in its own reach', async () => {
    const find = async (reach: object) => reach;
    expect(await admit(ada, 'database.read', about(find))).toEqual({ sees: 'customer', customerId: 'ada' });
    expect(await admit(signup, 'database.read', about(find))).toEqual({ sees: 'created-by', credentialId: 'key_1' });
    expect(await admit(operator, 'database.read', about(find))).toEqual(EVERYTHING);
    expect(reachFor(recoverer, 'database.list')).toEqual(EVERYTHING);
  });

  it('owns what is its customer\'s', async () => {
    const find = async () => ({ customerId: 'ada' });
    const answers = await Promise.all([operator, signup, ada, bob].map((actor) => problemOf(() => admit(actor, 'database.delete', about(find)))));
    expect(answers).toEqual(['none', 'forbidden', 'none', 'forbidden']);
  });

  it('owns nothing that names no customer', async () => {
    const find = async () => ({ id: 'ada' });
    const answers = await Promise.all([operator, signup, ada].map((actor) => problemOf(() => admit(actor, 'database.delete', about(find)))));
    expect(answers).toEqual(['none', 'forbidden', 'forbidden']);
  });

  it('may not do what only the control plane does, which may do everything', async () => {
    expect(await problemOf(() => reachFor(operator, 'metadata.recover'))).toBe('forbidden');
    for (const action of ['metadata.recover', 'database.failover', 'database.delete', 'customer.create'] as const) {
      expect(await problemOf(() => reachFor(recoverer, action))).toBe('none');
    }
  });

  it('is not told whether there is a thing that is no customer\'s, unless it may act on it', async () => {
    const host = { id: 'hst_1', find: async () => undefined };
    expect(await Promise.all([operator, signup, ada].map((actor) => problemOf(() => admit(actor, 'host.read', host))))).toEqual(['not-found', 'forbidden', 'forbidden']);
  });
});

describe('a user', () => {
  const adas = about(async () => ({ customerId: 'ada' }));
  const [owner, member, stranger, theOperator] = [user('owner', 'ada'), user('member', 'ada'), user('owner', 'bob'), user('operator', null)];

  it('sees as far as their customer, and an operator everything', () => {
    for (const actor of [owner, member]) expect(reachFor(actor, 'database.list')).toEqual({ sees: 'customer', customerId: 'ada' });
    expect(reachFor(stranger, 'database.list')).toEqual({ sees: 'customer', customerId: 'bob' });
    expect(reachFor(theOperator, 'database.list')).toEqual(EVERYTHING);
  });

  it('may what a key of their customer may, if an owner, and as a member nothing but read', async () => {
    const tried = async (action: Action): Promise<unknown[]> => Promise.all([owner, member, stranger, theOperator].map((actor) => problemOf(() => admit(actor, action, adas))));
    expect(await tried('database.delete')).toEqual(['none', 'forbidden', 'forbidden', 'none']);
    expect(await tried('database.dump')).toEqual(['none', 'forbidden', 'forbidden', 'none']);
    expect(await tried('database.failover')).toEqual(['forbidden', 'forbidden', 'forbidden', 'none']);
  });

  it('who is a member may what everybody may who has a credential, and that is to read', () => {
    const actions = (Object.keys(WHO_MAY) as Action[]).filter((action) => WHO_MAY[action] === 'authenticated');
    expect(actions.length).toBeGreaterThan(10);
    for (const action of actions) expect(action).toMatch(/\.(list|read|follow|export)$/);
  });

  it('acts on nothing but their account while they owe a password or a second factor', async () => {
    for (const [owes, problem] of [['new-password', 'new-password-required'], ['second-factor', 'second-factor-required']] as const) {
      const newcomer = user('operator', null, owes);
      const tried = (['account.read', 'account.change-password', 'session.end', 'account.remove-second-factor', 'database.list', 'host.list'] as const)
        .map((action) => problemOf(() => reachFor(newcomer, action)));
      expect(await Promise.all(tried)).toEqual(['none', 'none', 'none', problem, problem, problem]);
    }
  });

  it('has an account, and a program has none', async () => {
    const tried = [owner, member, theOperator, operator, ada].map((actor) => problemOf(() => reachFor(actor, 'session.list')));
    expect(await Promise.all(tried)).toEqual(['none', 'none', 'none', 'forbidden', 'forbidden']);
  });
});
