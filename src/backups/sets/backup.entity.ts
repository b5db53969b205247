import { Column, Entity, PrimaryColumn } from 'typeorm';
import { WHOLE_NUMBER } from '../../metadata/whole-number.js';
import type { KeptAs } from './choose-kept-backups.js';

/**
 * Why a backup is made: the first of a database, the day's, by request, because the archive has a hole (another primary, or
 * a site that was away), or again because a site failed.
 */
export const BACKUP_REASONS = ['first', 'scheduled', 'requested', 'hole', 'retry'] as const;
export type BackupReason = (typeof BACKUP_REASONS)[number];

/** A full backup of one database; its copies are rows of their own. */
@Entity('backups')
export class BackupEntity {
  @PrimaryColumn({ type: 'text' }) id!: string;
  @Column({ name: 'database_id', type: 'text' }) databaseId!: string;
  @Column({ type: 'text' }) reason!: BackupReason;
  @Column({ name: 'requested_at', type: 'timestamptz' }) requestedAt!: Date;
  @Column({ name: 'started_at', type: 'timestamptz', nullable: true }) startedAt!: Date | null;
  @Column({ name: 'finished_at', type: 'timestamptz', nullable: true }) finishedAt!: Date | null;
  /** The size of the database's files. */
  @Column({ name: 'size_bytes', type: 'bigint', nullable: true, transformer: WHOLE_NUMBER }) sizeBytes!: number | null;
  @Column({ name: 'proved_at', type: 'timestamptz', nullable: true }) provedAt!: Date | null;
  @Column({ type: 'jsonb', nullable: true }) proof!: { readonly site: string } | null;
  /** The retention slot that keeps it. */
  @Column({ name: 'kept_as', type: 'text', nullable: true }) keptAs!: KeptAs | null;
  @Column({ name: 'expired_at', type: 'timestamptz', nullable: true }) expiredAt!: Date | null;
}
