import { randomBytes } from 'node:crypto';

import { EngineError } from '../../../errors.js';
import { type ExtensionObservation, EXTENSION_LIST, EXTENSION_NAME, isCustomersSchema, ruleOf } from '../../../extension-list.js';
import type { Effect } from '../../../ports.js';
import type { Gate } from '../../machine/gate.js';
import type { CommandResult } from '../../machine/run-command.js';
import { commandFailure, lastLines } from '../../machine/tool-failure.js';
import { withControl } from '../../sql/control-connection.js';
import { sqlLine } from '../../sql/psql-line.js';
import type { TenantDatabase } from '../../sql/session-settings.js';
import {
  createAsOwnerSql, createOnRequestSql, dropExtensionSql, type ExtensionRow, observationOf, OBSERVE_EXTENSIONS,
} from '../../sql/extension-sql.js';
import { binariesOf } from '../files/instance-binaries.js';
import { instanceSubject, readPort, type InstanceContext } from '../../fleet/instance-context.js';

const LOOK_WITHIN_MS = 5_000;

async function tenantDatabase(context: InstanceContext): Promise<TenantDatabase> {
  const { version } = await binariesOf(context);
  return { name: context.instance.database.name, version };
}

/** Which extensions the server has, and which of them the customer's database has. */
export async function observeExtensions(context: InstanceContext, signal: AbortSignal): Promise<readonly ExtensionObservation[]> {
  const database = await tenantDatabase(context);
  return withControl(context, { signal, database, queryTimeoutMs: LOOK_WITHIN_MS }, async (client) => {
    const { rows } = await client.query<ExtensionRow>(OBSERVE_EXTENSIONS);
    return rows.map(observationOf);
  });
}

/** Makes an extension in the customer's database, as the list of extensions has it; harmless if it is there. */
export async function createExtension(
  context: InstanceContext, wanted: { readonly name: string; readonly schema: string }, effect: Effect,
): Promise<{ readonly made: boolean }> {
  const { name, schema } = wanted;
  requireName(name);
  if (!isCustomersSchema(schema)) {
    throw new EngineError('permanent', `schema "${schema}" is PostgreSQL's own`, 'name one of the database\'s own, such as public');
  }
  return fencedInDatabase(context, effect, async (run) => {
    const found = await observeExtensions(context, effect.signal);
    const extension = found.find((one) => one.name === name);
    if (!extension) {
      throw new EngineError('permanent', `the server has no extension "${name}"`, 'see which there are with the list of extensions');
    }
    if (extension.installed) return { made: false };
    const statements = creationOf(context, extension, schema, found);
    await run(statements, `creating extension "${name}"`);
    return { made: true };
  });
}

/** Takes an extension away; harmless if it is gone. Refused by PostgreSQL while something rests on it. */
export async function dropExtension(context: InstanceContext, name: string, effect: Effect): Promise<void> {
  requireName(name);
  if (EXTENSION_LIST[name]?.access === 'present') {
    throw new EngineError('permanent', `extension "${name}" is in every database`, 'leave it there');
  }
  await fencedInDatabase(context, effect, (run) => run(dropExtensionSql(name), `dropping extension "${name}"`));
}

function requireName(name: string): void {
  if (!EXTENSION_NAME.test(name)) {
    throw new EngineError('permanent', `"${name}" is not the name of an extension`, 'see which there are with the list of extensions');
  }
}

function creationOf(
  context: InstanceContext, { name, trusted }: ExtensionObservation, schema: string, found: readonly ExtensionObservation[],
): string[] {
  const rule = ruleOf(name, trusted);
  const { owner } = context.instance.database;
  if (rule.access === 'owner') return createAsOwnerSql(name, schema, owner);
  if (rule.access !== 'request') throw new EngineError('permanent', `extension "${name}" is not offered: ${rule.why}`, 'do without it');
  const needs = (rule.requires ?? []).map((need) => ({ name: need, installed: found.find((one) => one.name === need)?.installed ?? null }));
  const foreign = needs.find((need) => need.installed?.by === 'owner');
  if (foreign) {
    throw new EngineError(
      'permanent',
      `extension "${name}" needs "${foreign.name}", which the owner has made in schema "${foreign.installed?.schema}"`,
      `drop extension "${foreign.name}" and ask again: Freehold makes both`);
  }
  return createOnRequestSql({ name, rule, schema, owner, needs, room: `freehold_${randomBytes(12).toString('hex')}` });
}

type RunSql = (statements: readonly string[], what: string) => Promise<void>;

/** Acts in the customer's database under the instance's lock and token (`protocol.md`, rule 1). */
function fencedInDatabase<T>(context: InstanceContext, effect: Effect, act: (run: RunSql) => Promise<T>): Promise<T> {
  return context.shell.fenced(instanceSubject(context, effect.token), effect.signal, async (gate) => {
    const port = await readPort(context);
    if (port === undefined) throw new EngineError('transient', `instance ${context.instance.id} was not made yet`, 'create it first');
    return act((statements, what) => runSql(context, gate, port, statements, what));
  });
}

async function runSql(context: InstanceContext, gate: Gate, port: number, statements: readonly string[], what: string): Promise<void> {
  const result = await gate.run(sqlLine(context, port, ['\\set VERBOSITY verbose', ...statements], await tenantDatabase(context)));
  if (result.code !== 0) throw refusal(what, result);
}

/** What psql ends with when a statement failed and not the connection. */
const STATEMENT_FAILED = 3;
/** SQLSTATEs after which the same statement may succeed: conflicts, lack of resources, time, an instance that goes. */
const PASSING = /^(40|53|55|57|58)/;

/** What PostgreSQL refuses by its rules stays refused; the rest is tried again. */
export function refusal(what: string, result: CommandResult): EngineError {
  const [, state, message] = /^ERROR: {2}(\w{5}): (.*)$/m.exec(result.stderr) ?? [];
  if (result.code !== STATEMENT_FAILED || state === undefined || PASSING.test(state)) return commandFailure(what, result);
  const [, detail] = /^DETAIL: {2}([^]*?)(?=\n[A-Z ]+: {2}|(?![^]))/m.exec(result.stderr) ?? [];
  return new EngineError(
    'permanent', `${what} was refused: ${lastLines(message ?? '')}${detail === undefined ? '' : `; ${lastLines(detail)}`}`, hintOf(state),
  );
}

function hintOf(state: string): string {
  if (state === '2BP01') return 'take away what rests on it first';
  if (state === '3F000') return 'create the schema first, or name another';
  return /^42(710|723|P07|P06)$/.test(state) ? 'rename or drop what has that name, or name another schema' : 'mend that and ask again';
}
