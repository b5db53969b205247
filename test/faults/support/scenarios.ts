import { expect } from 'vitest';
import { scramVerifier } from '../../../src/databases/scram-verifier.js';
import { type PlanId, PLANS } from '../../../src/fleet/plans.js';
import type { OperationDocument } from '../../../src/operations/operation.js';
import type { FakeVerb } from '../../support/fake-engine.js';
import type { Laboratory } from './laboratory.js';

/** One way through an operation's table of steps, to be interrupted everywhere. */
export interface Scenario {
  readonly kind: string;
  /** What is special about it. */
  readonly name: string;
  /** How the operation ends, however often it is interrupted. */
  readonly ends: OperationDocument['state'];
  /** Makes what the operation needs, and records its request. */
  begin(laboratory: Laboratory): Promise<{ databaseId: string; operation: OperationDocument }>;
  /** What is true when it has ended; the same whether it was interrupted or not. */
  check(laboratory: Laboratory, databaseId: string): Promise<void>;
}

function provisioning(name: string, plan: PlanId): Scenario {
  return {
    kind: 'provision', name, ends: 'succeeded',
    begin: (laboratory) => laboratory.requestDatabase(plan),
    check: (laboratory, databaseId) => expectAvailable(laboratory, databaseId, PLANS[plan].standbys),
  };
}

function failingProvisioning(verb: FakeVerb): Scenario {
  return {
    kind: 'provision', name: `${verb} never works`, ends: 'failed',
    async begin(laboratory) {
      const requested = await laboratory.requestDatabase('starter');
      laboratory.engine.fail(verb, { kind: 'permanent', message: 'no space left on device', times: Infinity, databaseId: requested.databaseId });
      return requested;
    },
    check: expectNothingLeft,
  };
}

/** A change to a database that is there and well; what a kind gets that no scenario below names. */
export function onHealthyDatabase(kind: string, ends: Scenario['ends'] = 'succeeded', input: Record<string, unknown> = {}): Scenario {
  return {
    kind, name: 'on a healthy database', ends,
    async begin(laboratory) {
      const databaseId = await laboratory.makeDatabase('starter');
      return { databaseId, operation: await laboratory.request(kind, databaseId, input) };
    },
    check: (laboratory, databaseId) => expectAvailable(laboratory, databaseId, 1),
  };
}

const deletion: Scenario = {
  kind: 'delete', name: 'on a healthy database', ends: 'succeeded',
  async begin(laboratory) {
    const databaseId = await laboratory.makeDatabase('business');
    return { databaseId, operation: await laboratory.requestDeletion(databaseId) };
  },
  async check(laboratory, databaseId) {
    expect(laboratory.engine.leftovers(databaseId)).toEqual([]);
    expect(await laboratory.database(databaseId)).toMatchObject({ state: 'deleted', instances: [], inSync: false });
    expect(await laboratory.query('SELECT sealed_secrets FROM databases WHERE id = $1', [databaseId])).toEqual([{ sealed_secrets: null }]);
  },
};

const recovery: Scenario = {
  kind: 'recover', name: 'of a database that is down', ends: 'succeeded',
  async begin(laboratory) {
    const databaseId = await laboratory.makeDatabase('starter');
    for (const { id } of (await laboratory.database(databaseId)).instances) laboratory.engine.crashInstance(id);
    laboratory.engine.routes.delete(databaseId);
    return { databaseId, operation: await laboratory.request('recover', databaseId) };
  },
  check: (laboratory, databaseId) => expectAvailable(laboratory, databaseId, 1),
};

const rotation: Scenario = {
  kind: 'rotate-password', name: 'on a healthy database', ends: 'succeeded',
  async begin(laboratory) {
    const databaseId = await laboratory.makeDatabase('starter');
    return { databaseId, operation: await laboratory.request('rotate-password', databaseId, { verifier: await scramVerifier('a new one') }) };
  },
  check: (laboratory, databaseId) => expectAvailable(laboratory, databaseId, 1),
};

export const SCENARIOS: readonly Scenario[] = [
  provisioning('with one standby', 'starter'),
  provisioning('with two standbys', 'business'),
  failingProvisioning('createPrimary'),
  failingProvisioning('attachStandby'),
  failingProvisioning('verify'),
  deletion,
  recovery,
  rotation,
];

/** The record and the data plane say the same: every instance once, one primary, everybody in sync, one password. */
export async function expectAvailable(laboratory: Laboratory, databaseId: string, standbys: number): Promise<void> {
  const { engine } = laboratory;
  const document = await laboratory.database(databaseId);
  expect(document).toMatchObject({ state: 'available', inSync: true });
  const made = [...engine.made.values()].filter(({ ref }) => ref.database.id === databaseId);
  expect(made.map(({ ref }) => ref.id).sort()).toEqual(document.instances.map(({ id }) => id).sort());
  expect(document.instances.map(({ role, state }) => `${role} ${state}`)).toEqual(['primary running', ...Array<string>(standbys).fill('standby running')]);
  expect(made.filter(({ role }) => role === 'primary')).toHaveLength(1);
  expect(made.every(({ running, marked }) => running && !marked)).toBe(true);
  const primary = made.find(({ role }) => role === 'primary')!;
  const standbyIds = document.instances.filter(({ role }) => role === 'standby').map(({ id }) => id).sort();
  expect([...primary.synchronousStandbys].sort()).toEqual(standbyIds);
  const [record] = await laboratory.query<{ in_sync: string[]; owner_verifier: string }>('SELECT in_sync, owner_verifier FROM databases WHERE id = $1', [databaseId]);
  expect([...record!.in_sync].sort()).toEqual(standbyIds);
  const route = engine.routes.get(databaseId)!;
  expect(route.target.port).toBe(primary.port);
  expect([primary.ownerVerifier, route.database.ownerVerifier]).toEqual([record!.owner_verifier, record!.owner_verifier]);
}

async function expectNothingLeft(laboratory: Laboratory, databaseId: string): Promise<void> {
  expect(laboratory.engine.leftovers(databaseId)).toEqual([]);
  expect(await laboratory.database(databaseId)).toMatchObject({ state: 'failed', instances: [], inSync: false });
}
