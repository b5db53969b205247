import { randomUUID } from 'node:crypto';

import { type FreeholdClient, ProblemError } from '../../clients/typescript/src/client.js';
import type { CliSettings } from '../config/settings.js';
import { readBytes, writeWhole } from '../engine/local/machine/files.js';
import { Vault } from '../secrets/vault.js';
import { CliError } from '../cli/cli-error.js';
import { connect } from '../cli/client/session.js';
import { describeEnd, StepPrinter } from '../cli/client/show-steps.js';
import { note, print } from '../cli/output.js';
import type { ControlDirectory } from './control-directory.js';
import { describeOperator, type ReadyLine } from './control-plane.js';
import { openMasterKey } from './master-key.js';
import { unseal } from './sealed-keys.js';

/** To whom the sealed record of the demo belongs. */
export const QUICKSTART_OWNER = 'control/quickstart';
const DEMO_CUSTOMER = { name: 'Demo customer', email: 'demo@example.com' };
const DEMO_DATABASE = { name: 'demo', region: 'europe' };

/** What the last run had come to; sealed, as it holds the demo's password. */
interface Demo {
  /** Draws an answer that was given, but never got here, out of the API again. */
  readonly idempotencyKey: string;
  readonly customerId?: string;
  readonly databaseId?: string;
  readonly operationId?: string;
  readonly uri?: string;
}

/** Signs the demo customer up and makes their database, or finds both from an earlier run, and prints how to connect. */
export async function provideDemo(
  directory: ControlDirectory, settings: CliSettings, ready: ReadyLine, signal: AbortSignal,
): Promise<void> {
  const store = new DemoStore(directory, new Vault(await openMasterKey(directory, settings)));
  const api = connect(ready.api, ready.signupKey);
  const known = await store.load();
  const demo = known && (await isThere(api, known)) ? known : await begin(api, store, signal);
  if (demo.operationId !== undefined) await waitForDatabase(api, demo.operationId, signal);
  print(describe(ready, demo));
}

async function isThere(api: FreeholdClient, demo: Demo): Promise<boolean> {
  if (demo.databaseId === undefined || demo.uri === undefined) return false;
  try {
    const database = await api.getDatabase(demo.databaseId);
    return database.state !== 'deleted' && database.state !== 'deleting' && database.state !== 'failed';
  } catch (error) {
    if (error instanceof ProblemError && error.status === 404) return false;
    throw error;
  }
}

async function begin(api: FreeholdClient, store: DemoStore, signal: AbortSignal): Promise<Demo> {
  const last = await store.load();
  // A database that is gone wants a new request; an answer that was missed wants the same one.
  const started: Demo =
    last?.databaseId === undefined && last
      ? last
      : { idempotencyKey: randomUUID(), ...(last?.customerId === undefined ? {} : { customerId: last.customerId }) };
  await store.save(started);
  const customerId =
    started.customerId
    ?? (await api.call('post', '/v1/customers', { body: DEMO_CUSTOMER, idempotencyKey: `${started.idempotencyKey}-customer`, signal })).id;
  await store.save({ ...started, customerId });
  note(`freehold: making the database ${DEMO_DATABASE.name} in ${DEMO_DATABASE.region} for ${customerId}`);
  const accepted = await api.call('post', '/v1/databases', {
    body: { customerId, ...DEMO_DATABASE }, idempotencyKey: `${started.idempotencyKey}-database`, signal,
  });
  const demo = {
    ...started, customerId, databaseId: accepted.database.id, operationId: accepted.operation.id, uri: accepted.credentials.uri,
  };
  await store.save(demo);
  return demo;
}

async function waitForDatabase(api: FreeholdClient, operationId: string, signal: AbortSignal): Promise<void> {
  const before = await api.call('get', '/v1/operations/{id}', { path: { id: operationId }, signal });
  if (before.state === 'succeeded') return;
  const printer = new StepPrinter(note);
  const operation = await api.followOperation(operationId, { onChange: (news) => printer.show(news), signal });
  if (operation.state !== 'succeeded') throw new CliError(describeEnd(operation));
}

function describe(ready: ReadyLine, demo: Demo): string {
  return [
    '',
    'Freehold is up, and the demo customer has a database with a streaming standby. Connect with:',
    '',
    `  psql '${demo.uri ?? ''}'`,
    '',
    `  API           ${ready.api}  (documentation: ${ready.api}/docs)`,
    `  operator key  ${ready.operatorKey}`,
    `  signup key    ${ready.signupKey}`,
    `  operator      ${describeOperator(ready)}`,
    `  customer      ${demo.customerId ?? ''}`,
    `  database      ${demo.databaseId ?? ''}`,
    '',
  ].join('\n');
}

class DemoStore {
  constructor(
    private readonly directory: ControlDirectory,
    private readonly vault: Vault,
  ) {}

  async load(): Promise<Demo | undefined> {
    const sealed = await readBytes(this.directory.quickstart);
    return sealed && (JSON.parse(unseal(this.vault, sealed, QUICKSTART_OWNER, this.directory)) as Demo);
  }

  save(demo: Demo): Promise<void> {
    return writeWhole({ path: this.directory.quickstart, content: this.vault.seal(JSON.stringify(demo), QUICKSTART_OWNER), mode: 0o600 });
  }
}
