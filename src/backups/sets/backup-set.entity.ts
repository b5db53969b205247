import { Column, Entity, PrimaryColumn } from 'typeorm';

/** The backups of one database as a whole: their key, and how the database archives its WAL. */
@Entity('backup_sets')
export class BackupSetEntity {
  @PrimaryColumn({ name: 'database_id', type: 'text' }) databaseId!: string;
  /** Null once it is destroyed, and with it every copy. */
  @Column({ name: 'sealed_key', type: 'bytea', nullable: true }) sealedKey!: Buffer | null;
  @Column({ name: 'archive_sites', type: 'text', array: true }) archiveSites!: string[];
  /** The database's epoch when its archive was set. */
  @Column({ name: 'archive_epoch', type: 'integer' }) archiveEpoch!: number;
  /** Since when the archive has no hole. */
  @Column({ name: 'archive_since', type: 'timestamptz' }) archiveSince!: Date;
  @Column({ name: 'purged_at', type: 'timestamptz', nullable: true }) purgedAt!: Date | null;
}
