import { EngineError } from '../../../errors.js';
import type { Effect } from '../../../ports.js';
import { isRoleName, type RoleObservation, type WantedRole } from '../../../role-names.js';
import type { Gate } from '../../machine/gate.js';
import { withControl } from '../../sql/control-connection.js';
import { sqlLine } from '../../sql/psql-line.js';
import { refusal } from './extensions.js';
import { binariesOf } from '../files/instance-binaries.js';
import { instanceSubject, readPort, type InstanceContext } from '../../fleet/instance-context.js';
import {
  databasesOfSql,
  EMPTY_TEMPLATE,
  findRoleSql,
  groupsSql,
  handOnSql,
  observeRolesSql,
  openTemplateSql,
  prepareSql,
  removeRoleSql,
  setRoleSql,
  shutOutSql,
  UNPREPARED,
} from '../../sql/role-sql.js';

const LOOK_WITHIN_MS = 5_000;
/** Databases that are made meanwhile are found by the next look. */
const MOST_LOOKS = 10;

/** The customer's roles beside the owner. */
export async function observeRoles(context: InstanceContext, signal: AbortSignal): Promise<readonly RoleObservation[]> {
  return ask<RoleObservation>(context, observeRolesSql(context.instance.database.owner), signal);
}

/** Makes a role, or changes it into what is wanted; what it may do holds in each database before it can log in. */
export async function setRole(context: InstanceContext, wanted: WantedRole, effect: Effect): Promise<void> {
  const { name, access, verifier, create } = wanted;
  const { name: database, owner, size } = context.instance.database;
  requireName(context, name);
  await fenced(context, effect, async (run) => {
    const found = await findRole(context, name, effect.signal);
    if (!found && !create) throw new EngineError('permanent', `there is no role "${name}"`, 'see which there are with the list of roles');
    await run(groupsSql(database), 'making the groups of roles');
    await prepareDatabases(context, owner, effect.signal, run);
    const statements = setRoleSql({
      name, writes: access === 'readWrite', verifier, connections: size.maxConnections, exists: found !== undefined,
    });
    await run(statements, `setting role "${name}"`);
  });
}

/** Ends the role's sessions and removes it; what it owned goes to the owner. Harmless if it is gone. */
export async function dropRole(context: InstanceContext, name: string, effect: Effect): Promise<void> {
  requireName(context, name);
  const { owner } = context.instance.database;
  await fenced(context, effect, async (run) => {
    if (!(await findRole(context, name, effect.signal))) return;
    await run(shutOutSql(name), `shutting role "${name}" out`);
    const databases = await ask<{ name: string; open: boolean }>(context, databasesOfSql(name), effect.signal);
    const closed = databases.find(({ open }) => !open);
    if (closed) {
      throw new EngineError('permanent', `role "${name}" has something in database "${closed.name}", which takes no connections`,
        `let connections in by ALTER DATABASE "${closed.name}" ALLOW_CONNECTIONS true and ask again; the role cannot log in meanwhile`);
    }
    // What no database holds, such as a right to connect, is taken in any of them.
    for (const database of new Set([...databases.map((one) => one.name), 'postgres'])) {
      await run(handOnSql(name, owner), `handing on what role "${name}" has in database "${database}"`, database);
    }
    await run(removeRoleSql(name), `removing role "${name}"`);
  });
}

function requireName(context: InstanceContext, name: string): void {
  if (!isRoleName(name) || name === context.instance.database.owner) {
    throw new EngineError(
      'permanent', `"${name}" cannot be the name of a role of the customer's`, 'see which there are with the list of roles',
    );
  }
}

async function findRole(context: InstanceContext, name: string, signal: AbortSignal): Promise<{ readonly oid: string } | undefined> {
  const [found] = await ask<{ oid: string; customers: boolean }>(context, findRoleSql(name), signal);
  if (found && !found.customers) throw new EngineError('permanent', `role "${name}" is none of the customer's own`, 'choose another name');
  return found;
}

type RunSql = (statements: readonly string[], what: string, database?: string) => Promise<void>;

/**
 * Gives the groups their rights in every database that lacks them.
 *
 * The templates come first, so that what is made from then on has them. A database that was being copied from one that lacked
 * them is committed before a session enters that one, and so the next look finds it.
 */
async function prepareDatabases(context: InstanceContext, owner: string, signal: AbortSignal, run: RunSql): Promise<void> {
  for (let look = 0; look < MOST_LOOKS; look += 1) {
    const unprepared = await ask<{ name: string }>(context, UNPREPARED, signal);
    if (unprepared.length === 0) return;
    for (const { name } of unprepared) {
      const prepare = (): Promise<void> => run(prepareSql(owner), `giving rights in database "${name}"`, name).catch(asPassing);
      await (name === EMPTY_TEMPLATE ? withOpenTemplate(run, prepare) : prepare());
    }
  }
  throw new EngineError('transient', 'databases are made faster than rights can be given in them', 'try again');
}

async function withOpenTemplate(run: RunSql, act: () => Promise<void>): Promise<void> {
  await run(openTemplateSql(true), `opening ${EMPTY_TEMPLATE}`);
  try {
    await act();
  } finally {
    await run(openTemplateSql(false), `closing ${EMPTY_TEMPLATE}`);
  }
}

/** The customer renames, changes and drops meanwhile what rights are given in: the next attempt finds what is there then. */
function asPassing(error: unknown): never {
  if (error instanceof EngineError && error.kind === 'permanent') {
    throw new EngineError('transient', error.message, 'somebody changes the database: try again');
  }
  throw error;
}

function ask<Row extends object>(context: InstanceContext, statement: string, signal: AbortSignal): Promise<Row[]> {
  return withControl(context, { signal, queryTimeoutMs: LOOK_WITHIN_MS }, async (client) => (await client.query<Row>(statement)).rows);
}

/** Acts under the instance's lock and token (`protocol.md`, rule 1). */
function fenced<T>(context: InstanceContext, effect: Effect, act: (run: RunSql) => Promise<T>): Promise<T> {
  return context.shell.fenced(instanceSubject(context, effect.token), effect.signal, async (gate) => {
    const port = await readPort(context);
    if (port === undefined) throw new EngineError('transient', `instance ${context.instance.id} was not made yet`, 'create it first');
    return act((statements, what, database) => runSql(context, gate, port, statements, what, database));
  });
}

async function runSql(
  context: InstanceContext, gate: Gate, port: number, statements: readonly string[], what: string, database?: string,
): Promise<void> {
  const tenant = database === undefined ? undefined : { name: database, version: (await binariesOf(context)).version };
  const result = await gate.run(sqlLine(context, port, ['\\set VERBOSITY verbose', ...statements], tenant));
  if (result.code !== 0) throw refusal(what, result);
}
