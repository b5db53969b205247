import { Column, Entity, PrimaryColumn } from 'typeorm';
import { WHOLE_NUMBER } from '../../metadata/whole-number.js';

export type CopyState = 'pending' | 'stored' | 'failed' | 'expired';

/** A backup at one site. */
@Entity('backup_copies')
export class BackupCopyEntity {
  @PrimaryColumn({ name: 'backup_id', type: 'text' }) backupId!: string;
  @PrimaryColumn({ type: 'text' }) site!: string;
  @Column({ type: 'text' }) state!: CopyState;
  /** The backup's name in the site's own catalogue; null until it is stored. */
  @Column({ type: 'text', nullable: true }) label!: string | null;
  @Column({ name: 'stored_bytes', type: 'bigint', nullable: true, transformer: WHOLE_NUMBER }) storedBytes!: number | null;
  @Column({ name: 'frozen_until', type: 'timestamptz', nullable: true }) frozenUntil!: Date | null;
  @Column({ type: 'text', nullable: true }) error!: string | null;
  /** What a proof found damaged, and when. */
  @Column({ type: 'text', nullable: true }) damage!: string | null;
  @Column({ name: 'damaged_at', type: 'timestamptz', nullable: true }) damagedAt!: Date | null;
}
