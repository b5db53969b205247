import type { DataSource } from 'typeorm';
import { totpOwner } from '../access/users/credentials.service.js';
import { keyOwner } from '../backups/sets/backup-records.js';
import { ownerOfRepeat } from '../changes/repeats.js';
import { volumeKeyOwner } from '../databases/database-records.js';
import { queryRows } from '../metadata/query-rows.js';
import type { Vault } from '../secrets/vault.js';

/** A column whose values are sealed. */
interface SealedColumn {
  readonly table: string;
  readonly column: string;
  /** The primary key, of text. */
  readonly key: readonly string[];
  /** To whom a value belongs, by the values of the primary key. */
  readonly owner: (key: readonly string[]) => string;
}

const itself = ([id = '']: readonly string[]): string => id;

/** All of them: what is missing here is lost with the old master key, so that a test compares it with the schema. */
export const SEALED_COLUMNS: readonly SealedColumn[] = [
  { table: 'databases', column: 'sealed_secrets', key: ['id'], owner: itself },
  { table: 'databases', column: 'sealed_volume_key', key: ['id'], owner: ([id = '']) => volumeKeyOwner(id) },
  { table: 'backup_sets', column: 'sealed_key', key: ['database_id'], owner: ([id = '']) => keyOwner(id) },
  { table: 'operations', column: 'sealed', key: ['id'], owner: itself },
  { table: 'mails', column: 'sealed', key: ['id'], owner: itself },
  { table: 'user_credentials', column: 'sealed_totp', key: ['user_id'], owner: ([id = '']) => totpOwner(id) },
  {
    table: 'idempotency_records', column: 'sealed_body', key: ['credential_id', 'key'],
    owner: ([credentialId = '', key = '']) => ownerOfRepeat({ credentialId, key }),
  },
];

const AT_ONCE = 100;

/**
 * Seals every secret of the metadata anew. What is sealed under the new key already stays, so that one that was cut off anywhere
 * goes on where it was.
 *
 * @param progress told how many values were looked at, of how many
 */
export async function resealMetadata(
  dataSource: DataSource, vault: Vault, before: Vault, progress: (done: number, of: number) => void,
): Promise<{ readonly resealed: number; readonly of: number }> {
  const counts = await Promise.all(SEALED_COLUMNS.map(({ table, column }) =>
    queryRows<{ n: number }>(dataSource.manager, `SELECT count(*)::integer AS n FROM ${table} WHERE ${column} IS NOT NULL`)));
  const of = counts.reduce((sum, [row]) => sum + (row?.n ?? 0), 0);
  const tally = { done: 0, resealed: 0 };
  for (const sealed of SEALED_COLUMNS) {
    for (let after: readonly string[] | undefined = []; after;) {
      const batch = await resealBatch(dataSource, sealed, after, { vault, before });
      tally.done += batch.looked;
      tally.resealed += batch.resealed;
      after = batch.last;
      if (batch.looked > 0) progress(tally.done, of);
    }
  }
  return { resealed: tally.resealed, of };
}

/** Looks at the next values in the order of their keys; `last` is the key from which on to go on, undefined at the end. */
function resealBatch(
  dataSource: DataSource, { table, column, key, owner }: SealedColumn, after: readonly string[],
  { vault, before }: { readonly vault: Vault; readonly before: Vault },
): Promise<{ readonly looked: number; readonly resealed: number; readonly last: readonly string[] | undefined }> {
  const columns = key.join(', ');
  const same = (from: number): string => `(${key.map((_, index) => `$${from + index}`).join(', ')})`;
  return dataSource.transaction(async (tx) => {
    const rows = await queryRows<{ key: string[]; sealed: Buffer }>(tx,
      `SELECT ARRAY[${columns}]::text[] AS key, ${column} AS sealed FROM ${table}
        WHERE ${column} IS NOT NULL ${after.length > 0 ? `AND (${columns}) > ${same(1)}` : ''}
        ORDER BY ${columns} LIMIT ${AT_ONCE} FOR UPDATE`, [...after]);
    let resealed = 0;
    for (const row of rows) {
      const next = vault.reseal(row.sealed, owner(row.key), before);
      if (!next) continue;
      resealed += 1;
      await tx.query(`UPDATE ${table} SET ${column} = $1 WHERE (${columns}) = ${same(2)}`, [next, ...row.key]);
    }
    return { looked: rows.length, resealed, last: rows.length < AT_ONCE ? undefined : rows.at(-1)?.key };
  });
}
