import type { Credentials, Customer, FreeholdClient } from '../../../clients/typescript/src/client.js';
import { CliError } from '../cli-error.js';
import { collect } from '../client/session.js';
import { describeEnd } from '../client/show-steps.js';
import { within } from '../../base/signals.js';

/** The customer of all drills; nobody else has this address. */
const CUSTOMER = { name: 'Freehold drill', email: 'drill@freehold.invalid' };
const MADE_WITHIN_MS = 180_000;
const GONE_WITHIN_MS = 60_000;

/** A database that exists to be broken. */
export interface Canary {
  readonly id: string;
  readonly credentials: Credentials;
}

/** Makes a canary in a region, or takes the one that an earlier drill has kept there. */
export async function provideCanary(
  api: FreeholdClient, { region, plan }: { readonly region: string; readonly plan?: string }, signal: AbortSignal,
): Promise<Canary> {
  const customer = await provideCustomer(api);
  const name = `drill-${region}`;
  const kept = (await collect(api.list('/v1/databases', { query: { customerId: customer.id } }))).find(
    (database) => database.name === name && database.deletedAt === null && database.state !== 'deleting',
  );
  if (kept && plan !== undefined && kept.plan !== plan) {
    throw new CliError(`the canary ${kept.id} that was kept has plan ${kept.plan}: delete it with freehold databases delete ${kept.id}`);
  }
  // A password is told only once, so that a canary that was kept gets another one.
  if (kept) return { id: kept.id, credentials: await api.call('post', '/v1/databases/{id}/password', { path: { id: kept.id }, signal }) };
  return makeCanary(api, { customerId: customer.id, name, region, ...(plan === undefined ? {} : { plan }) }, signal);
}

/** Makes a database of the drills' customer; if that fails, it is deleted again. */
export async function makeCanary(
  api: FreeholdClient, body: Parameters<FreeholdClient['createDatabase']>[0], signal: AbortSignal,
): Promise<Canary> {
  const { database, operation, credentials } = await api.createDatabase(body);
  const made = await api.followOperation(operation.id, { signal: within(signal, MADE_WITHIN_MS) })
    .catch(async (error: unknown) => {
      await api.deleteDatabase(database.id, { withoutBackup: true }).catch(() => undefined);
      throw error;
    });
  if (made.state !== 'succeeded') throw new CliError(`the canary could not be made: ${describeEnd(made)}`);
  return { id: database.id, credentials };
}

/** Deletes a canary without a backup, and waits until it is gone. */
export async function removeCanary(api: FreeholdClient, { id }: Canary): Promise<void> {
  const { operation } = await api.deleteDatabase(id, { withoutBackup: true });
  const ended = await api.followOperation(operation.id, { signal: AbortSignal.timeout(GONE_WITHIN_MS) });
  if (ended.state !== 'succeeded') throw new CliError(`the canary ${id} could not be deleted: ${describeEnd(ended)}`);
}

/** The customer whose databases exist to be broken. */
export async function provideCustomer(api: FreeholdClient): Promise<Customer> {
  const found = (await collect(api.list('/v1/customers'))).find(({ email }) => email === CUSTOMER.email);
  return found ?? api.createCustomer(CUSTOMER);
}
