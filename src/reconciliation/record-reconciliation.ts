import { type EntityManager, In, IsNull, Not } from 'typeorm';
import { BackupCopyEntity } from '../backups/sets/backup-copy.entity.js';
import { BackupEntity } from '../backups/sets/backup.entity.js';
import { InstanceEntity } from '../databases/instance.entity.js';
import { queryRows } from '../metadata/query-rows.js';
import type { Reconciliation } from './reconcile-database.js';

/** Writes down what was decided of one database. */
export async function recordReconciliation(tx: EntityManager, databaseId: string, decided: Reconciliation): Promise<void> {
  // Nothing in sync is always true, and the way back to more is the usual one (protocol rules 3c and 15).
  await tx.query(
    `UPDATE databases SET in_sync = '{}', epoch = $2, owner_verifier = coalesce($3, owner_verifier),
            automation_paused = coalesce($4, automation_paused),
            provisioned_at = CASE WHEN $5 THEN coalesce(provisioned_at, now()) ELSE provisioned_at END,
            allow_list = coalesce($6::text[], allow_list) WHERE id = $1`,
    [databaseId, decided.epoch, decided.ownerVerifier, decided.pause ?? null, decided.provisioned, decided.allowList]);
  await raiseToken(tx, databaseId, decided.seenToken);
  await tx.delete(InstanceEntity, { id: In([...decided.forgotten]) });
  // Never two primaries, not even on the way from one to the other.
  if (decided.members.length > 0) await tx.update(InstanceEntity, { databaseId }, { role: 'standby' });
  for (const { id, hostId, role, state, address, port } of decided.members) {
    await tx.query(
      `INSERT INTO instances (id, database_id, host_id, role, state, address, port) VALUES ($1, $2, $3, $4, $5, $6, $7)
       ON CONFLICT (id) DO UPDATE SET role = $4, state = $5, port = coalesce($7, instances.port)`,
      [id, databaseId, hostId, role, state, address, port]);
  }
  if (decided.primary !== null) {
    // Of those that are recorded and were not found, none can be the primary; they are made anew.
    const found = decided.members.map(({ id }) => id);
    await tx.update(InstanceEntity, { databaseId, id: Not(In(found)), state: Not('lost') }, { state: 'rebuilding' });
  }
}

/** Above every token that an instance or a route of it has seen, so that none refuses the next operation (`protocol.md`, rule 1). */
async function raiseToken(tx: EntityManager, subjectId: string, seen: bigint): Promise<void> {
  await tx.query(
    `INSERT INTO subjects (id, token) VALUES ($1, $2::bigint + 1)
     ON CONFLICT (id) DO UPDATE SET token = greatest(subjects.token, $2::bigint) + 1`,
    [subjectId, seen.toString()]);
}

/** So that a new database is not given the account of a database of which the metadata records nothing any more. */
export async function passOverAccounts(tx: EntityManager, highest: number): Promise<void> {
  const [row] = await queryRows<{ last: string }>(tx, 'SELECT last_value AS last FROM unix_accounts');
  if (highest > Number(row?.last ?? 0)) await tx.query(`SELECT setval('unix_accounts', $1)`, [highest]);
}

/** Backups that were being made are over: what they have not stored is made again at once. */
export async function endBackups(tx: EntityManager, reason: string): Promise<void> {
  await tx.update(BackupCopyEntity, { state: 'pending' }, { state: 'failed', error: reason });
  await tx.update(BackupEntity, { finishedAt: IsNull() }, { finishedAt: () => 'clock_timestamp()' });
}
