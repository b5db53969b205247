import { expect } from 'vitest';
import { scramVerifier } from '../../../src/secrets/scram-verifier.js';
import { type PlanId, PLANS } from '../../../src/fleet/plans.js';
import type { OperationDocument } from '../../../src/operations/operation.js';
import type { FakeCall, FakeVerb } from '../../support/fake-engine.js';
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

interface ChangeOptions {
  readonly plan?: PlanId;
  readonly input?: Record<string, unknown> | ((laboratory: Laboratory, databaseId: string) => Promise<Record<string, unknown>>);
  /** Brings about what the operation is for. */
  readonly before?: (laboratory: Laboratory, databaseId: string) => Promise<void> | void;
  readonly fault?: { readonly verb: FakeVerb; readonly times: number; readonly kind?: 'transient' };
  readonly ends?: Scenario['ends'];
  /** The epoch that the database is in afterwards; 1 unless something is promoted. */
  readonly epoch?: number;
}

/** A change to a database that was available before and is again afterwards, whether the change succeeded or not. */
export function changing(kind: string, name: string, { plan = 'starter', input, before, fault, ends = 'succeeded', epoch = 1 }: ChangeOptions = {}): Scenario {
  return {
    kind, name, ends,
    async begin(laboratory) {
      const databaseId = await laboratory.makeDatabase(plan);
      await before?.(laboratory, databaseId);
      if (fault) laboratory.engine.fail(fault.verb, { kind: fault.kind ?? 'permanent', times: fault.times, databaseId });
      return { databaseId, operation: await laboratory.request(kind, databaseId, typeof input === 'function' ? await input(laboratory, databaseId) : input) };
    },
    async check(laboratory, databaseId) {
      await expectAvailable(laboratory, databaseId, PLANS[plan].standbys);
      expect((await laboratory.database(databaseId)).epoch).toBe(epoch);
    },
  };
}

async function loseInstances(laboratory: Laboratory, databaseId: string, which: (role: string, index: number) => boolean): Promise<void> {
  const { instances } = await laboratory.database(databaseId);
  for (const [index, { id, role }] of instances.entries()) if (which(role, index)) laboratory.engine.crashInstance(id);
}

const losePrimary = (laboratory: Laboratory, databaseId: string) => loseInstances(laboratory, databaseId, (role) => role === 'primary');
const loseStandbys = (laboratory: Laboratory, databaseId: string) => loseInstances(laboratory, databaseId, (role) => role === 'standby');
const loseLast = (laboratory: Laboratory, databaseId: string) => loseInstances(laboratory, databaseId, (_, index) => index === 2);

/** Somebody promotes a standby by hand as soon as an operation begins to act, and takes that back once it has been seen. */
async function promoteByHandMeanwhile(laboratory: Laboratory, databaseId: string): Promise<void> {
  const { engine } = laboratory;
  const promoted = (await laboratory.database(databaseId)).instances.at(-1)!.id;
  const { upstream } = engine.require(promoted);
  let looks = 0;
  const meddle = ({ verb, subject, databaseId: id }: FakeCall): void => {
    if (id === databaseId && (verb === 'fence' || verb === 'pause')) Object.assign(engine.require(promoted), { role: 'primary', upstream: null });
    if (verb !== 'claim' || subject !== promoted || (looks += 1) < 3) return;
    Object.assign(engine.require(promoted), { role: 'standby', upstream });
    engine.strangers.delete(meddle);
  };
  engine.strangers.add(meddle);
}

async function loseAndPromoteByHand(laboratory: Laboratory, databaseId: string): Promise<void> {
  await losePrimary(laboratory, databaseId);
  await promoteByHandMeanwhile(laboratory, databaseId);
}

/** Not only its process is gone, but its files. */
async function wipeStandbys(laboratory: Laboratory, databaseId: string): Promise<void> {
  await loseStandbys(laboratory, databaseId);
  for (const { id, role } of (await laboratory.database(databaseId)).instances) if (role === 'standby') laboratory.engine.made.delete(id);
}

async function loseEverything(laboratory: Laboratory, databaseId: string): Promise<void> {
  await loseInstances(laboratory, databaseId, () => true);
  laboratory.engine.routes.delete(databaseId);
}

interface DeletionOptions {
  readonly before?: (laboratory: Laboratory, databaseId: string) => Promise<unknown>;
  readonly withoutBackup?: boolean;
}

const deleting = (name: string, { before, withoutBackup = false }: DeletionOptions): Scenario => ({
  kind: 'delete', name, ends: 'succeeded',
  async begin(laboratory) {
    const databaseId = await laboratory.makeDatabase('business');
    await before?.(laboratory, databaseId);
    return { databaseId, operation: await laboratory.requestDeletion(databaseId, withoutBackup) };
  },
  async check(laboratory, databaseId) {
    // Whatever was not given up can be brought back.
    expect(laboratory.engine.backups.stored(databaseId)).toHaveLength(withoutBackup ? 0 : 4);
    expect(laboratory.engine.leftovers(databaseId)).toEqual([]);
    expect(await laboratory.database(databaseId)).toMatchObject({ state: 'deleted', instances: [], inSync: false });
    expect(await laboratory.query('SELECT sealed_secrets FROM databases WHERE id = $1', [databaseId])).toEqual([{ sealed_secrets: null }]);
  },
});

/** A switchover was about to promote when it was ended: its primary is down, and marked. */
async function backUpAndFencePrimary(laboratory: Laboratory, databaseId: string): Promise<void> {
  await backUpOnce(laboratory, databaseId);
  const { instances } = await laboratory.database(databaseId);
  const primary = instances.find(({ role }) => role === 'primary')!;
  Object.assign(laboratory.engine.require(primary.id), { running: false, marked: true });
  await laboratory.query(`UPDATE instances SET state = 'fenced' WHERE id = $1`, [primary.id]);
}

/** Of one customer's session, open for long. */
async function openTransaction(laboratory: Laboratory, databaseId: string): Promise<void> {
  const primary = (await laboratory.database(databaseId)).instances.find(({ role }) => role === 'primary')!;
  laboratory.engine.transactions.set(primary.id, [{ pid: 4242, user: 'shop', application: 'report', state: 'idle in transaction', since: '2026-11-24T10:00:00.000000Z', openSeconds: 900 }]);
}

async function theStandby(laboratory: Laboratory, databaseId: string): Promise<Record<string, unknown>> {
  const standby = (await laboratory.database(databaseId)).instances.find(({ role }) => role === 'standby');
  return { instanceId: standby!.id, hostLost: false };
}

/** Its host is lost for good, and the database goes on alone. */
async function theStandbyOnALostHost(laboratory: Laboratory, databaseId: string): Promise<Record<string, unknown>> {
  const { instanceId } = await theStandby(laboratory, databaseId) as { instanceId: string };
  await loseStandbys(laboratory, databaseId);
  laboratory.engine.made.delete(instanceId);
  await laboratory.query(`UPDATE instances SET state = 'lost' WHERE id = $1`, [instanceId]);
  await laboratory.query(`UPDATE databases SET in_sync = '{}' WHERE id = $1`, [databaseId]);
  return { instanceId, hostLost: true };
}

async function forceFailover(laboratory: Laboratory, databaseId: string): Promise<void> {
  await laboratory.finish((await laboratory.request('failover', databaseId, { epoch: 1, reason: 'a test', forced: true, acceptDataLoss: true })).id);
  expect((await laboratory.database(databaseId)).keptCopies).not.toEqual([]);
}

async function theKeptCopy(laboratory: Laboratory, databaseId: string): Promise<Record<string, unknown>> {
  const [copy] = (await laboratory.database(databaseId)).keptCopies;
  return { instanceId: copy!.instanceId, keptId: copy!.id.slice(copy!.instanceId.length + 1) };
}

/** Every copy is stored once, and the database is as it was. */
async function expectStored(laboratory: Laboratory, databaseId: string, stored: number): Promise<void> {
  const copies = await laboratory.query<{ site: string; label: string }>(
    `SELECT c.site, c.label FROM backup_copies c JOIN backups b ON b.id = c.backup_id WHERE b.database_id = $1 AND c.state = 'stored' ORDER BY c.site`, [databaseId]);
  expect(copies).toHaveLength(stored);
  expect(laboratory.engine.backups.stored(databaseId)).toEqual(copies);
  await expectAvailable(laboratory, databaseId, 1);
}

const backup: Scenario = {
  kind: 'back-up', name: 'at every site', ends: 'succeeded',
  async begin(laboratory) {
    const databaseId = await laboratory.makeDatabase('starter');
    await laboratory.archive(databaseId);
    return { databaseId, operation: await laboratory.requestBackup(databaseId) };
  },
  check: (laboratory, databaseId) => expectStored(laboratory, databaseId, 4),
};

async function backUpOnce(laboratory: Laboratory, databaseId: string): Promise<string> {
  await laboratory.archive(databaseId);
  await laboratory.finish((await laboratory.requestBackup(databaseId)).id);
  const [newest] = await laboratory.query<{ id: string }>('SELECT id FROM backups WHERE database_id = $1 ORDER BY id DESC LIMIT 1', [databaseId]);
  return newest!.id;
}

/** Of two backups the older one, whose frozen copy may go. */
async function theOlderBackup(laboratory: Laboratory, databaseId: string): Promise<Record<string, unknown>> {
  const older = await backUpOnce(laboratory, databaseId);
  await laboratory.finish((await laboratory.requestBackup(databaseId)).id);
  laboratory.engine.backups.thaw(databaseId);
  return { backupIds: [older] };
}

async function theBackup(laboratory: Laboratory, databaseId: string): Promise<Record<string, unknown>> {
  const backupId = await backUpOnce(laboratory, databaseId);
  return { backupId, site: laboratory.engine.backups.sites()[0]!.id, host: (await laboratory.database(databaseId)).instances[0]!.host };
}

async function archives(laboratory: Laboratory, databaseId: string): Promise<Record<string, unknown>> {
  await laboratory.archive(databaseId);
  return { sites: [laboratory.engine.backups.sites()[0]!.id], epoch: 1 };
}

/** A database that is made from the backups of another one; the one that is looked at is the new one. */
const restoration: Scenario = {
  kind: 'restore', name: 'into a new database', ends: 'succeeded',
  async begin(laboratory) {
    const sourceId = await laboratory.makeDatabase('business');
    const backupId = await backUpOnce(laboratory, sourceId);
    return laboratory.restoreIntoNew(sourceId, backupId);
  },
  check: (laboratory, databaseId) => expectAvailable(laboratory, databaseId, 2),
};

const failingRestoration: Scenario = {
  kind: 'restore', name: 'when the backup does not restore anywhere', ends: 'failed',
  async begin(laboratory) {
    const requested = await restoration.begin(laboratory);
    laboratory.engine.fail('restore', { kind: 'permanent', message: 'checksum error', times: Infinity, databaseId: requested.databaseId });
    return requested;
  },
  check: expectNothingLeft,
};

async function deleteAfterBackup(laboratory: Laboratory): Promise<string> {
  const databaseId = await laboratory.makeDatabase('starter');
  await backUpOnce(laboratory, databaseId);
  await laboratory.finish((await laboratory.requestDeletion(databaseId)).id);
  return databaseId;
}

const undeletion: Scenario = {
  kind: 'restore', name: 'of a deleted database', ends: 'succeeded',
  async begin(laboratory) {
    const databaseId = await deleteAfterBackup(laboratory);
    return { databaseId, operation: await laboratory.requestUndeletion(databaseId) };
  },
  check: (laboratory, databaseId) => expectAvailable(laboratory, databaseId, 1),
};

const failingUndeletion: Scenario = {
  kind: 'restore', name: 'of a deleted database, which fails', ends: 'failed',
  async begin(laboratory) {
    const requested = await undeletion.begin(laboratory);
    laboratory.engine.fail('attachStandby', { kind: 'permanent', message: 'no space left on device', times: Infinity, databaseId: requested.databaseId });
    return requested;
  },
  async check(laboratory, databaseId) {
    expect(laboratory.engine.leftovers(databaseId)).toEqual([]);
    expect(await laboratory.database(databaseId)).toMatchObject({ state: 'deleted', instances: [] });
    expect(laboratory.engine.backups.stored(databaseId)).toHaveLength(4);
  },
};

const purge: Scenario = {
  kind: 'purge-backups', name: 'of a deleted database', ends: 'succeeded',
  async begin(laboratory) {
    const databaseId = await deleteAfterBackup(laboratory);
    laboratory.engine.backups.thaw(databaseId);
    return { databaseId, operation: await laboratory.request('purge-backups', databaseId) };
  },
  async check(laboratory, databaseId) {
    expect(laboratory.engine.backups.leftovers(databaseId)).toEqual([]);
    expect(await laboratory.query('SELECT sealed_key FROM backup_sets WHERE database_id = $1', [databaseId])).toEqual([{ sealed_key: null }]);
  },
};

async function toTheBackup(laboratory: Laboratory, databaseId: string): Promise<Record<string, unknown>> {
  return { wanted: { backupId: await backUpOnce(laboratory, databaseId) } };
}

const lost = { input: { epoch: 1, reason: 'the postmaster is dead', forced: false, acceptDataLoss: false }, before: losePrimary };
const planned = { input: { epoch: 1 } };
const alone = { input: { reason: 'a standby is gone' } };

export const SCENARIOS: readonly Scenario[] = [
  provisioning('with one standby', 'starter'),
  provisioning('with two standbys', 'business'),
  failingProvisioning('createPrimary'),
  failingProvisioning('attachStandby'),
  failingProvisioning('verify'),
  deleting('after a backup', { before: backUpOnce }),
  deleting('whose primary a switchover had stopped', { before: backUpAndFencePrimary }),
  deleting('that need not be brought back', { withoutBackup: true }),
  changing('recover', 'of a database that is down', { before: loseEverything }),
  changing('rotate-password', 'of a healthy database', { input: { verifier: await scramVerifier('a new one') } }),
  changing('rotate-password', 'beside the older one', { input: async (laboratory, databaseId) => ({
    verifier: (await laboratory.query<{ owner_verifier: string }>('SELECT owner_verifier FROM databases WHERE id = $1', [databaseId]))[0]!.owner_verifier,
    ownerUntil: '2100-01-01T00:00:00.000Z', logins: [{ name: 'shop_login_a', verifier: await scramVerifier('a new one'), until: null }],
  }) }),
  changing('set-allow-list', 'of a healthy database', { input: { allowList: ['192.0.2.0/24'] } }),
  changing('create-extension', 'that only a superuser may make', { input: { name: 'earthdistance', schema: 'public' } }),
  changing('drop-extension', 'that is gone', { input: { name: 'hstore' } }),
  changing('set-role', 'that is new', { input: { name: 'reporting', access: 'readOnly', verifier: await scramVerifier('its first'), create: true } }),
  changing('drop-role', 'that is gone', { input: { name: 'reporting' } }),
  changing('failover', 'to the one standby', { ...lost, epoch: 2 }),
  changing('failover', 'to one of two standbys', { ...lost, plan: 'business', epoch: 2 }),
  changing('failover', 'when the promotion fails once', { ...lost, fault: { verb: 'promote', times: 1 }, epoch: 2 }),
  changing('failover', 'when the primary cannot be fenced', { ...lost, fault: { verb: 'fence', times: Infinity }, ends: 'failed' }),
  changing('failover', 'when every promotion fails', { ...lost, fault: { verb: 'promote', times: Infinity }, ends: 'failed' }),
  changing('failover', 'while another standby is promoted by hand', { ...lost, before: loseAndPromoteByHand, plan: 'business', fault: { verb: 'fence', times: Infinity }, ends: 'failed' }),
  changing('switchover', 'to the one standby', { ...planned, epoch: 2 }),
  changing('switchover', 'to one of two standbys', { ...planned, plan: 'business', epoch: 2 }),
  changing('switchover', 'when the promotion fails', { ...planned, fault: { verb: 'promote', times: Infinity }, ends: 'failed' }),
  changing('switchover', 'when an operator ends a transaction in its way', { input: { epoch: 1, endTransactionsAfterMinutes: 0 }, before: openTransaction, epoch: 2 }),
  changing('switchover', 'when transactions do not end at first', { ...planned, fault: { verb: 'pause', times: 2, kind: 'transient' }, epoch: 2 }),
  changing('switchover', 'when transactions never end', { ...planned, fault: { verb: 'pause', times: Infinity, kind: 'transient' }, ends: 'failed' }),
  changing('switchover', 'when clients cannot be paused', { ...planned, fault: { verb: 'pause', times: Infinity }, ends: 'failed' }),
  changing('switchover', 'while another standby is promoted by hand', { ...planned, before: promoteByHandMeanwhile, plan: 'business', fault: { verb: 'pause', times: Infinity }, ends: 'failed' }),
  changing('release-kept', 'after a forced failover', { before: forceFailover, input: theKeptCopy, epoch: 2 }),
  changing('failover', 'to a standby that lags, as an operator accepts', { input: { ...lost.input, forced: true, acceptDataLoss: true }, epoch: 2 }),
  changing('relocate', 'of the one standby', { input: theStandby }),
  changing('relocate', 'when it cannot be attached elsewhere', { input: theStandby, fault: { verb: 'attachStandby', times: Infinity }, ends: 'failed' }),
  changing('relocate', 'from a lost host, while nothing is in sync', { input: theStandbyOnALostHost }),
  backup,
  restoration,
  failingRestoration,
  undeletion,
  failingUndeletion,
  purge,
  changing('restore-in-place', 'to a backup', { plan: 'business', input: toTheBackup, epoch: 2 }),
  changing('set-archive', 'when two sites are gone', { input: archives }),
  changing('prove-backup', 'from a live site', { input: theBackup }),
  changing('expire-backups', 'of two the older one', { input: theOlderBackup }),
  changing('reprotect', 'when the one standby is down', { ...alone, before: loseStandbys }),
  changing('reprotect', 'when one of two standbys is down', { ...alone, plan: 'business', before: loseLast }),
  changing('reprotect', 'when the files of the one standby are gone', { ...alone, before: wipeStandbys }),
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
  const [record] = await laboratory.query<{ in_sync: string[]; owner_verifier: string; allow_list: string[] }>('SELECT in_sync, owner_verifier, allow_list FROM databases WHERE id = $1', [databaseId]);
  expect([...record!.in_sync].sort()).toEqual(standbyIds);
  const route = engine.routes.get(databaseId)!;
  expect(route.target.port).toBe(primary.port);
  expect([primary.ownerVerifier, route.database.ownerVerifier]).toEqual([record!.owner_verifier, record!.owner_verifier]);
  expect(route.database.allowList).toEqual(record!.allow_list);
}

async function expectNothingLeft(laboratory: Laboratory, databaseId: string): Promise<void> {
  expect(laboratory.engine.leftovers(databaseId)).toEqual([]);
  expect(await laboratory.database(databaseId)).toMatchObject({ state: 'failed', instances: [], inSync: false });
}
