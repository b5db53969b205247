import type { EntityManager } from 'typeorm';
import type { Writing } from '../engine/ports.js';
import { isPlanId, PLANS } from '../fleet/plans.js';
import type { Metadata } from '../metadata/metadata.js';
import { queryRows } from '../metadata/query-rows.js';
import { type NewAlert, openAlert, resolveAlerts } from '../operations/alerts.js';
import type { StopReason } from '../databases/stop-reasons.js';
import type { StorageStop } from './judge-storage.js';

/** `storage`: a database comes near to its plan's size; `read-only`: it may not be written as its customer likes. */
export const STORAGE_KINDS = ['storage', 'read-only'] as const;

/** What is recorded of a database's storage. */
export interface StorageRecord extends StorageStop {
  readonly databaseId: string;
  readonly limitBytes: number;
  readonly usedBytes: number | null;
  /** Goes up whenever who may write is changed: the token of that effect. */
  readonly changes: bigint;
  /** The open alert about its size. */
  readonly filling: 'warning' | 'critical' | undefined;
}

interface Row {
  readonly id: string;
  readonly plan: string;
  readonly usedBytes: string | null;
  readonly writing: Writing;
  readonly because: StopReason | null;
  readonly changes: string;
  readonly filling: 'warning' | 'critical' | null;
}

export async function readStorage({ dataSource }: Metadata, ids: readonly string[]): Promise<StorageRecord[]> {
  const rows = await queryRows<Row>(dataSource.manager,
    `SELECT id, plan, storage_used_bytes AS "usedBytes", writing, writing_because AS because, writing_changes AS changes,
            (SELECT severity FROM alerts WHERE key = 'storage:' || d.id AND resolved_at IS NULL) AS filling
       FROM databases d WHERE id = ANY($1) AND deleted_at IS NULL`, [ids]);
  return rows.map(({ id, plan, usedBytes, changes, filling, writing, because }) => ({
    databaseId: id, limitBytes: isPlanId(plan) ? PLANS[plan].diskGb * 2 ** 30 : Infinity,
    usedBytes: usedBytes === null ? null : Number(usedBytes),
    writing, because, changes: BigInt(changes), filling: filling ?? undefined,
  }));
}

/**
 * Records what has changed, with its alerts, in one transaction that fails if somebody else has changed who may write
 * meanwhile (protocol rule 2); answers whether it was recorded.
 */
export function writeStorage(metadata: Metadata, before: StorageRecord, after: StorageRecord): Promise<boolean> {
  return metadata.transaction(async (tx) => {
    const updated = await queryRows<{ id: string }>(tx,
      `WITH updated AS (UPDATE databases SET storage_used_bytes = $2, writing = $3, writing_because = $4, writing_changes = $5
                         WHERE id = $1 AND deleted_at IS NULL AND writing_changes = $6 RETURNING id)
       SELECT id FROM updated`,
      [after.databaseId, after.usedBytes, after.writing, after.because, after.changes.toString(), before.changes.toString()]);
    if (updated.length === 0) return false;
    await tell(tx, before, after);
    return true;
  });
}

async function tell(
  tx: EntityManager, before: StorageRecord, { databaseId, usedBytes, limitBytes, filling, writing, because }: StorageRecord,
): Promise<void> {
  const about = { subjectId: databaseId, operationId: null };
  const [fillingKey, stopKey] = [`storage:${databaseId}`, `read-only:${databaseId}`];
  if (filling && filling !== before.filling) {
    const share = Math.round((100 * (usedBytes ?? 0)) / limitBytes);
    await openAlert(tx, {
      ...about, key: fillingKey, kind: 'storage', severity: filling,
      message: `the data of database ${databaseId} takes ${share} % of the ${gibibytes(limitBytes)} of its plan`,
      action: 'none', advice: 'its customer is warned, too: it is read-only when it is full',
    });
  }
  if (!filling && before.filling) await resolveAlerts(tx, [fillingKey]);
  if (writing === before.writing && because === before.because) return;
  await resolveAlerts(tx, [stopKey]);
  if (because) {
    await openAlert(tx, {
      ...about, key: stopKey, kind: 'read-only', severity: 'critical',
      message: `database ${databaseId} is ${STOPPED[writing]}: ${BECAUSE[because]}`, ...ADVICE[because],
    });
  }
}

const STOPPED: Readonly<Record<Writing, string>> = { open: 'open', readOnly: 'read-only', closed: 'closed' };
const BECAUSE: Readonly<Record<StopReason, string>> = {
  plan: 'its data fills its plan',
  host: 'it fills the disk of a host that is almost full',
};
const ADVICE: Readonly<Record<StopReason, Pick<NewAlert, 'action' | 'advice'>>> = {
  plan: { action: 'none', advice: 'its customer has room to delete and to vacuum, and it is opened by itself' },
  host: { action: 'required', advice: 'make room on the host, or drain it' },
};

const gibibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 30)} GiB`;

/** The disk of the control plane's own servers; an alert about nobody's database. */
export async function tellOfControlDisk(
  { dataSource }: Metadata, severity: 'warning' | 'critical' | undefined, message: string,
): Promise<void> {
  const key = 'disk:control-plane';
  if (!severity) return resolveAlerts(dataSource.manager, [key]);
  await openAlert(dataSource.manager, {
    key, kind: 'disk', severity, subjectId: null, operationId: null, message, action: 'required',
    advice: 'make room: its servers stop when it is full',
  });
}
