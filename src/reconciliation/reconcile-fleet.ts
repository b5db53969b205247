import pLimit from 'p-limit';
import type { EntityManager } from 'typeorm';
import { AuditTrail } from '../changes/audit/audit-trail.js';
import { CHAINED_UNTIL } from '../changes/audit/judge-chain.js';
import { systemCaller } from '../changes/caller.js';
import type { MetadataBackupRecords } from '../backups/sets/backup-records.js';
import type { Engine, InstanceRef } from '../engine/ports.js';
import type { FoundInstance, Survey } from '../engine/survey-port.js';
import type { MetadataDatabaseRecords } from '../databases/database-records.js';
import { isPlanId, PLANS } from '../fleet/plans.js';
import { failoverOperation } from '../databases/operations/failover.operation.js';
import { PROVISION } from '../databases/operations/provision.operation.js';
import { newId } from '../metadata/ids.js';
import type { Metadata } from '../metadata/metadata.js';
import { queryRows } from '../metadata/query-rows.js';
import { stepPlans } from '../operations/runner.js';
import type { PostgresOperationStore } from '../operations/postgres-store.js';
import type { Vault } from '../secrets/vault.js';
import { type Finding, type MemberDecision, reconcileDatabase, type Reconciliation, type RecordedDatabase } from './reconcile-database.js';
import { findBackups, type FoundBackups, recordBackups } from './find-backups.js';
import { endBackups, passOverAccounts, recordReconciliation } from './record-reconciliation.js';


/** What was found and decided, for people and programs. */
export interface ReconciliationReport {
  readonly databases: readonly {
    readonly id: string;
    readonly name: string;
    readonly finding: Finding;
    /** The host of the primary; null where there is none. */
    readonly primary: string | null;
    readonly epoch: { readonly recorded: number; readonly now: number };
    readonly instances: readonly Pick<MemberDecision, 'id' | 'hostId' | 'role' | 'state'>[];
    readonly forgotten: readonly string[];
    /** Why its automation was paused. */
    readonly paused: string | null;
  }[];
  /** Found, and not in the metadata, or recorded there as deleted: left as they are. */
  readonly unknown: readonly {
    readonly id: string;
    readonly recordedAsDeleted: boolean;
    readonly instances: readonly { readonly id: string; readonly hostId: string; readonly running: boolean }[];
  }[];
  /** Backups that were made since, and copies that were removed since, of all databases together. */
  readonly backups: { readonly made: number; readonly gone: number; readonly silentSites: readonly string[] };
  readonly endedOperations: readonly {
    readonly id: string;
    readonly kind: string;
    readonly databaseId: string | null;
    readonly step: string;
  }[];
}

export const INTERRUPTED = 'interrupted by the loss of the metadata';
/** Databases that are looked at side by side. */
const LOOKS_AT_ONCE = 8;
const LOOK_TIMEOUT_MS = 5_000;

interface Parts {
  readonly metadata: Metadata;
  readonly records: MetadataDatabaseRecords;
  readonly backupRecords: MetadataBackupRecords;
  readonly store: PostgresOperationStore;
  readonly engine: Engine;
  readonly vault: Vault;
}

/**
 * Makes restored metadata true again: looks at everything that there is of the fleet's databases and writes down what it
 * finds. It changes nothing of any database; what is to be done is done once the control plane runs again, and is asked for by
 * those who always ask.
 *
 * Operations that were not over are ended and not resumed: each of them may have ended since, and others after it, and one
 * that went on from an old step would undo what is newer: route to an earlier primary, destroy what was moved, or erase the
 * key of a database that was brought back.
 */
export async function reconcileFleet(parts: Parts): Promise<ReconciliationReport> {
  const { metadata, store, engine, backupRecords } = parts;
  if (!engine.survey) throw new Error('this data plane cannot be looked at without the metadata');
  const recorded = await readRecorded(metadata);
  const known = await Promise.all(recorded.map(async ({ id }) => (await parts.records.read(id)).spec));
  const survey = await engine.survey(known);
  const limit = pLimit(LOOKS_AT_ONCE);
  const decided = await Promise.all(recorded.map((database) =>
    limit(async () => ({ database, decision: await decide(parts, database, survey) }))));
  const unknown = await findUnknown(metadata, survey, new Set(recorded.map(({ id }) => id)));
  const backups = engine.backups && (await findBackups(metadata, backupRecords, engine.backups, recorded.map(({ id }) => id)));
  return metadata.transaction(async (tx) => {
    const ended = await store.endUnfinished(tx, INTERRUPTED);
    for (const { database, decision } of decided) {
      await recordReconciliation(tx, database.id, decision);
      if (decision.finding === 'fenced') await abortFailover(parts, tx, database, decision);
    }
    for (const [databaseId, decision] of backups?.decisions ?? []) await recordBackups(tx, backupRecords, databaseId, decision);
    await endBackups(tx, INTERRUPTED);
    await passOverAccounts(tx, Math.max(0, ...survey.instances.map(({ account }) => account ?? 0)));
    // What was brought back since must not lose its backups because it is recorded as deleted.
    await tx.query(`UPDATE databases SET purge_at = purge_at + interval '1 year' WHERE deleted_at IS NOT NULL AND id = ANY($1)`, [
      unknown.map(({ id }) => id),
    ]);
    await tx.query('DELETE FROM watches');
    const report: ReconciliationReport = {
      databases: decided.map(({ database, decision }) => describe(database, decision)), unknown, backups: countBackups(backups),
      endedOperations: ended.map(({ id, kind, subjectId, step }) => ({ id, kind, databaseId: subjectId, step })),
    };
    const [head] = await queryRows<{ sequence: number }>(tx, 'SELECT sequence::float AS sequence FROM audit_chain_head');
    await new AuditTrail(parts.vault).write(tx, systemCaller('recover'), {
      action: 'metadata.recover', result: 'done', subjectId: null, customerId: null,
      detail: { ...report, [CHAINED_UNTIL]: head?.sequence ?? 0 },
    });
    return report;
  });
}

/** The way out of a failover that promotes nobody: it asks each standby once more, and lets the primary go on. */
async function abortFailover(
  { store, engine, records }: Parts, tx: EntityManager, { id, customerId }: Recorded, { epoch }: Reconciliation,
): Promise<void> {
  const definition = failoverOperation({ engine, records });
  const steps = stepPlans(definition);
  const input = { databaseId: id, epoch, reason: INTERRUPTED, forced: false, acceptDataLoss: false };
  const { id: operationId } = await store.request(tx, {
    id: newId('operation'), kind: definition.kind, subjectId: id, ownerId: customerId, exclusive: definition.exclusive,
    queue: definition.queue, input, sealed: null,
    steps, deadlineMs: definition.deadlineMs, requestedBy: 'recover', requestId: null, preempts: () => false,
  });
  const abort = steps.find(({ name }) => name === 'abort');
  if (!abort) throw new Error('a failover has no way out');
  await store.enterAt(tx, operationId, abort, { step: 'fence', reason: INTERRUPTED });
}

type Recorded = RecordedDatabase & { readonly name: string; readonly customerId: string };

async function readRecorded(metadata: Metadata): Promise<Recorded[]> {
  type Row = Omit<Recorded, 'members' | 'planned'> & { plan: string; members: RecordedDatabase['members'] | null };
  const rows = await queryRows<Row>(metadata.dataSource.manager,
    `SELECT d.id, d.name, d.customer_id AS "customerId", d.plan, d.epoch, d.provisioned_at IS NOT NULL AS provisioned,
            coalesce((SELECT (s.detail ->> 'timeline')::int FROM operation_steps s JOIN operations o ON o.id = s.operation_id
                       WHERE o.subject_id = d.id AND s.name = 'promote' AND (s.detail ->> 'epoch')::int = d.epoch
                       ORDER BY s.finished_at DESC LIMIT 1),
                     CASE WHEN d.epoch = 1 AND EXISTS (SELECT FROM operations o WHERE o.subject_id = d.id AND o.kind = $1) THEN 1 END
                    ) AS timeline,
            (SELECT json_agg(json_build_object('id', i.id, 'hostId', i.host_id, 'role', i.role, 'state', i.state,
                                               'hostLost', h.state = 'lost'))
               FROM instances i JOIN hosts h ON h.id = i.host_id WHERE i.database_id = d.id) AS members
       FROM databases d WHERE d.deleted_at IS NULL ORDER BY d.id`, [PROVISION]);
  return rows.map(({ plan, members, ...row }) => ({
    ...row, members: members ?? [], planned: 1 + (isPlanId(plan) ? PLANS[plan].standbys : 0),
  }));
}

async function decide(parts: Parts, database: Recorded, survey: Survey): Promise<Reconciliation> {
  const instances = survey.instances.filter(({ databaseId }) => databaseId === database.id);
  const [running] = instances.filter(({ made, role, marked, running: runs }) => made && runs && !marked && role === 'primary');
  const route = survey.routes.find(({ databaseId }) => databaseId === database.id);
  return reconcileDatabase(database, { instances, route, streaming: running ? await askStreaming(parts, running) : [] });
}

/** Empty if the primary does not answer: its standbys are brought back then. */
async function askStreaming({ records, engine }: Parts, { id, hostId, databaseId }: FoundInstance): Promise<readonly string[]> {
  const { spec } = await records.read(databaseId);
  const ref: InstanceRef = { id, host: hostId, database: spec };
  const seen = await engine.instances.observe(ref, AbortSignal.timeout(LOOK_TIMEOUT_MS));
  return (seen.standbys ?? []).filter(({ state }) => state === 'streaming').map(({ instanceId }) => instanceId);
}

async function findUnknown(
  metadata: Metadata, { instances }: Survey, known: ReadonlySet<string>,
): Promise<ReconciliationReport['unknown']> {
  const strange = instances.filter(({ databaseId, made }) => made && !known.has(databaseId));
  const ids = [...new Set(strange.map(({ databaseId }) => databaseId))];
  const deleted = await queryRows<{ id: string }>(metadata.dataSource.manager, 'SELECT id FROM databases WHERE id = ANY($1)', [ids]);
  return ids.map((id) => ({
    id, recordedAsDeleted: deleted.some((row) => row.id === id),
    instances: strange.filter(({ databaseId }) => databaseId === id)
      .map(({ id: instanceId, hostId, running }) => ({ id: instanceId, hostId, running })),
  }));
}

function countBackups(found: FoundBackups | undefined): ReconciliationReport['backups'] {
  const all = [...(found?.decisions.values() ?? [])];
  return {
    made: all.flatMap(({ made }) => made).length, gone: all.flatMap(({ gone }) => gone).length, silentSites: found?.silentSites ?? [],
  };
}

function describe({ id, name, epoch }: Recorded, decision: Reconciliation): ReconciliationReport['databases'][number] {
  const { finding, members, forgotten, primary, pause } = decision;
  return {
    id, name, finding, primary: members.find((member) => member.id === primary)?.hostId ?? null,
    epoch: { recorded: epoch, now: decision.epoch },
    instances: members.map(({ id: instanceId, hostId, role, state }) => ({ id: instanceId, hostId, role, state })),
    forgotten, paused: pause ?? null,
  };
}
