import { z } from 'zod';
import { reasonOf } from '../../../base/reason-of.js';
import { eitherOf } from '../../../base/signals.js';
import type { BackupSite, BackupsPort } from '../../../engine/backups-port.js';
import { EngineError } from '../../../engine/errors.js';
import type { InstanceRef, InstancesPort } from '../../../engine/ports.js';
import type { OperationDefinition, Step, StepContext, StepOutcome } from '../../../operations/definition.js';
import { type DatabaseRecords, primaryOf, standbyToRead } from '../../../databases/database-records.js';
import type { BackupRecords, CopyRecord } from '../backup-records.js';

/**
 * Makes a full backup of a database at every site: at each live one from the data itself, and a frozen copy of that.
 *
 * Invariants:
 * - it holds no claim on the database, and nothing waits for it: a failover ends the reading, and the step begins anew;
 * - each copy is recorded as soon as it is stored, and a copy that is stored is not made again;
 * - a site that fails is left out with the reason, and keeps no other site from its copy;
 * - a primary that is lost is no site's fault: its successor is waited for.
 */
export const BACK_UP = 'back-up';

/**
 * A frozen copy can be neither changed nor removed for as long as the shortest slot keeps it: a week, but for the hours that a
 * backup may take.
 */
export const FROZEN_MS = 6.5 * 86_400_000;

const inputSchema = z.strictObject({ databaseId: z.string(), backupId: z.string() });
type Input = z.output<typeof inputSchema>;

interface Parts<Tx> {
  readonly backups: BackupsPort;
  readonly instances: Pick<InstancesPort, 'observe'>;
  readonly databases: DatabaseRecords<Tx>;
  readonly records: BackupRecords<Tx>;
}

export function backUpOperation<Tx>(parts: Parts<Tx>): OperationDefinition<Tx, Input> {
  const step = steps(parts);
  const long = { timeoutMs: 6 * 3_600_000, attempts: 3 } as const;
  return {
    kind: BACK_UP,
    does: 'makes a full backup at every site',
    input: inputSchema,
    exclusive: false,
    queue: 'bulk',
    deadlineMs: 24 * 3_600_000,
    preempts: () => false,
    pointOfNoReturn: 'back-up',
    steps: [
      {
        name: 'back-up', does: 'read the data and store it at the live sites, one after the other', ...long,
        onFailure: { goTo: 'freeze' }, run: step.backUp,
      },
      {
        name: 'freeze', does: 'copy it to cold storage, where it cannot be changed', ...long,
        onFailure: { goTo: 'finish' }, run: step.freeze,
      },
      { name: 'finish', does: 'see that every copy is stored', timeoutMs: 10_000, attempts: 5, onFailure: 'persist', run: step.finish },
    ],
  };
}

function steps<Tx>({ backups, instances, databases, records }: Parts<Tx>): Record<'backUp' | 'freeze' | 'finish', Step<Tx, Input>['run']> {
  type Context = StepContext<Input>;
  type Outcome = Promise<StepOutcome<Tx>>;
  const sitesOf = (kind: BackupSite['kind']): readonly string[] => backups.sites().filter((site) => site.kind === kind).map(({ id }) => id);

  /** One site each time that the step is taken, so that what is stored is recorded before the next begins. */
  async function backUp(context: Context): Outcome {
    const { databaseId, backupId } = context.input;
    const [known, { copies }] = await Promise.all([records.readSet(databaseId), records.read(backupId)]);
    const site = sitesOf('live').find((id) => stateOf(copies, id) === 'pending');
    if (!site) return { outcome: 'next', detail: describe(copies) };
    if (!known) return { outcome: 'next', to: 'finish' };
    const database = await databases.read(databaseId);
    // What is recorded of an earlier primary does not hold for this one, which may have been made just now.
    const isArchived = known.archiveEpoch === database.epoch && known.archiveSites.includes(site);
    if (!isArchived) return waitForArchive({ backups, records }, context, site);
    const primary = primaryOf(database).ref;
    const standby = standbyToRead(database);
    return store(
      context, 'back-up', site,
      (signal) => backups.backUp({ primary, ...(standby && { standby: standby.ref }) }, known.set, site, backupId, { ...context, signal }),
      primary,
    );
  }

  async function freeze(context: Context): Outcome {
    const { databaseId, backupId } = context.input;
    const [known, { copies }] = await Promise.all([records.readSet(databaseId), records.read(backupId)]);
    const site = sitesOf('frozen').find((id) => stateOf(copies, id) === 'pending');
    const source = copies.find(({ state, site: at }) => state === 'stored' && sitesOf('live').includes(at));
    if (!site || !known) return { outcome: 'next' };
    if (!source?.label) {
      return {
        outcome: 'next', to: 'freeze', record: (tx) => records.setCopyFailed(tx, backupId, site, 'no live site has a copy to be frozen'),
      };
    }
    const from = { site: source.site, label: source.label };
    return store(context, 'freeze', site, (signal) =>
      backups.freeze(known.set, from, site, new Date(Date.now() + FROZEN_MS), { ...context, signal }));
  }

  /**
   * A site that does not take the copy fails alone; what is cut off, or comes too late, is tried again.
   *
   * @param primary the instance that it is read from
   */
  async function store(
    context: Context, again: string, site: string, make: (signal: AbortSignal) => ReturnType<BackupsPort['backUp']>, primary?: InstanceRef,
  ): Outcome {
    const { backupId } = context.input;
    try {
      const stored = await whileUsable(records, site, context.signal, make);
      return {
        outcome: 'next', to: again, detail: { [site]: stored.label }, record: (tx) => records.setStored(tx, backupId, site, stored),
      };
    } catch (error) {
      const reason = reasonOf(error);
      if (primary && !context.signal.aborted && !(await isThere(instances, primary))) {
        return { outcome: 'wait', forMs: SUCCESSOR_POLL_MS, reason: `the primary is lost, and another is waited for (${reason})` };
      }
      const isLast = context.attempt >= ATTEMPTS_A_SITE || (error instanceof EngineError && error.kind === 'permanent');
      if (context.signal.aborted || !isLast) throw error;
      return { outcome: 'next', to: again, record: (tx) => records.setCopyFailed(tx, backupId, site, reason) };
    }
  }

  async function finish(context: Context): Outcome {
    const { copies } = await records.read(context.input.backupId);
    const missing = copies.filter(({ state }) => state !== 'stored' && state !== 'expired');
    const record = (tx: Tx): Promise<void> => records.setFinished(tx, context.input.backupId);
    if (missing.length === 0) return { outcome: 'done', detail: describe(copies), record };
    return {
      outcome: 'fail', reason: missing.map(({ site, error }) => `no copy at ${site}: ${error ?? 'it was not tried'}`).join('; '),
      hint: copies.length > missing.length
        ? 'the other copies are stored; the next backup is made once the site can be used'
        : 'nothing was stored',
      record,
    };
  }

  return { backUp, freeze, finish };
}

/** A database that is new, or a site that has come back, is a moment away from being archived. */
async function waitForArchive<Tx>(
  { backups, records }: Pick<Parts<Tx>, 'backups' | 'records'>, context: StepContext<Input>, site: string,
): Promise<StepOutcome<Tx>> {
  const { usable, reason } = await backups.probe(site, context.signal);
  if (usable && context.sinceMs < ARCHIVED_WITHIN_MS) {
    return { outcome: 'wait', forMs: 200, reason: `WAL is not archived at ${site} yet` };
  }
  const error = usable ? 'WAL is not archived there' : (reason ?? 'it cannot be used');
  return { outcome: 'next', to: 'back-up', record: (tx) => records.setCopyFailed(tx, context.input.backupId, site, error) };
}

async function isThere(instances: Pick<InstancesPort, 'observe'>, primary: InstanceRef): Promise<boolean> {
  const seen = await instances.observe(primary, AbortSignal.timeout(OBSERVED_WITHIN_MS)).catch(() => undefined);
  return seen?.process === 'running' && seen.role === 'primary';
}

const ATTEMPTS_A_SITE = 2;
const OBSERVED_WITHIN_MS = 5_000;
const SUCCESSOR_POLL_MS = 500;
const ARCHIVED_WITHIN_MS = 30_000;
/** A site that is found unusable so often in a row is given up for this backup. */
const MOST_MISSES = 3;
const LOOK_EVERY_MS = 5_000;

const stateOf = (copies: readonly CopyRecord[], site: string): CopyRecord['state'] | undefined =>
  copies.find((copy) => copy.site === site)?.state;

const describe = (copies: readonly CopyRecord[]): Record<string, string> =>
  Object.fromEntries(copies.map(({ site, state }) => [site, state]));

/** Ends the work at a site that has been out of use for long: it may hang, or crawl, for days, and the others wait for their copies. */
async function whileUsable<Tx, Made>(
  records: BackupRecords<Tx>, site: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<Made>,
): Promise<Made> {
  const givenUp = new AbortController();
  let misses = 0;
  const look = async (): Promise<void> => {
    const { usable, reason } = await records.readSite(site);
    misses = usable ? 0 : misses + 1;
    if (misses >= MOST_MISSES) givenUp.abort(new Error(reason ?? 'the site cannot be used'));
  };
  // While the metadata cannot be read nobody knows better.
  const timer = setInterval(() => void look().catch(() => undefined), LOOK_EVERY_MS);
  try {
    return await work(eitherOf(signal, givenUp.signal));
  } finally {
    clearInterval(timer);
  }
}
