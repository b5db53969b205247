import { describe, expect, it } from 'vitest';
import { type Actor, OPERATOR, PROVISION_SCOPE } from '../../../src/access/actor.js';
import { admit, reachFor } from '../../../src/access/permission.js';
import { EVERYTHING, type Reach } from '../../../src/metadata/reach.js';

const key = (...scopes: string[]): Actor => ({ type: 'api-key', id: 'key_1', name: 'a key', scopes });
const [operator, signup, ada, bob] = [key(OPERATOR), key(PROVISION_SCOPE), key('customer:ada'), key('customer:bob')];
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
